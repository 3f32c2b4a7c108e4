// Our machine, bare, and QEMU's TCG side by side, instruction by instruction, from one state on. Results that come from
// outside the instruction set (CPUID, MSRs, time stamps, random numbers, ports, device memory) are copied from our
// machine to QEMU, and so are flags that the SDM leaves undefined. Whatever else differs is a finding.
import type { Decoded, OperandValue } from '../../src/isa/decoded';
import { createDecoder } from '../../src/isa/decode';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { MODE, STATE } from '../../src/cpu/layout';
import { Machine } from '../../src/machine/machine';
import type { BootOptions } from '../../src/machine/boot/options';
import { undefinedFlags } from '../isa/vectors/undefined-flags';
import { Qemu, QemuEnded } from './qemu';
import { differences, GENERAL, ourRegisters } from './registers';
import type { Registers } from './registers';
import { startImage } from './start-image';

/** Where the two differ. */
export interface Difference {
  /** Instructions that our machine had completed before. */
  readonly instructions: number;
  readonly rip: bigint;
  /** The instruction's name, or undefined where none could be decoded. */
  readonly name: string | undefined;
  /** `register: ours, theirs`. */
  readonly registers: readonly string[];
}

/** In place of registers: QEMU's guest took a triple fault. */
export const QEMU_DIED = 'QEMU: triple fault';

/** How a stretch of lockstep ends. */
export type Stretch =
  { readonly kind: 'limit' | 'end' } | { readonly kind: 'difference'; readonly difference: Difference };

/** The results of these are the machine's own business. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set([
  ...['CPUID', 'RDTSC', 'RDTSCP', 'RDPMC', 'RDMSR', 'RDRAND', 'RDSEED', 'IN', 'INS', 'XGETBV', 'STR', 'SLDT'],
]);
/** TCG saves flags with RF clear where the SDM (Vol. 3A 6.8.3) has it set; who loads the image sees it. */
const RESUME_FLAG = 0x10000n;
const DEBUG_EXIT = 0xf4n;
const RDX = 2;
const RCX = 1;
/** A fault's delivery is a step of its own on QEMU; one fault may come from delivering another. */
const DELIVERIES = 3;

const decoder = createDecoder(INSTRUCTIONS);

export class Lockstep {
  private constructor(
    readonly machine: Machine,
    readonly qemu: Qemu,
    private readonly memoryBytes: number,
  ) {}

  /** Both at the first instruction of `kernel`. */
  static async start(kernel: Uint8Array, boot: BootOptions, memoryBytes: number): Promise<Lockstep> {
    const machine = new Machine({ kernel, boot, memoryBytes, bare: true, onSerial: () => undefined });
    const qemu = await Qemu.start(startImage(kernel, boot, memoryBytes), memoryBytes);
    return new Lockstep(machine, qemu, memoryBytes);
  }

  stop(): void {
    this.qemu.stop();
  }

  /** Steps both until our machine has completed `instructions`, the guest halts or ends, or they differ. */
  async run(instructions: number): Promise<Stretch> {
    const { machine, qemu } = this;
    while (machine.instructions < instructions) {
      const before = ourRegisters(machine);
      const decoded = this.decode();
      if (decoded && isEnd(decoded, before)) return { kind: 'end' };
      const position = { instructions: machine.instructions, rip: before.rip!, name: decoded?.instruction.name };
      if (machine.run(1).reason !== 'budget') return { kind: 'end' };
      const ours = ourRegisters(machine);
      const is64 = (machine.state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
      const theirs = await this.stepTo(ours.rip!);
      if (!theirs) return { kind: 'difference', difference: { ...position, registers: [QEMU_DIED] } };
      const names = differences(ours, theirs, is64);
      if (names.length === 0) continue;
      if (decoded && this.isExplained(names, decoded, before, ours, theirs)) {
        for (const name of names) await qemu.write(name, ours[name]!);
        continue;
      }
      const registers = names.map((name) => `${name}: ours 0x${ours[name]!.toString(16)}, 0x${theirs[name]!.toString(16)}`);
      return { kind: 'difference', difference: { ...position, registers } };
    }
    return { kind: 'limit' };
  }

  /** Steps QEMU by an instruction, and by the deliveries of events that came before it; undefined when its guest dies. */
  private async stepTo(rip: bigint): Promise<Registers | undefined> {
    try {
      let theirs = await this.qemu.step();
      for (let more = 0; more < DELIVERIES && theirs.rip !== rip; more++) theirs = await this.qemu.step();
      return theirs;
    } catch (error) {
      if (error instanceof QemuEnded) return undefined;
      throw error;
    }
  }

  private decode(): Decoded | undefined {
    const { machine } = this;
    const code = machine.state.word(STATE.mode) & MODE.codeMask;
    const bytes = machine.readMemory('linear', machine.linearRip(), 15);
    const decoded = decoder.decode(bytes, 0, bytes.length, code === MODE.code64 ? 64 : code === MODE.code32 ? 32 : 16);
    return 'failure' in decoded ? undefined : decoded;
  }

  private isExplained(
    names: readonly string[],
    decoded: Decoded,
    before: Registers,
    ours: Registers,
    theirs: Registers,
  ): boolean {
    if (!names.every((name) => name === 'eflags' || (GENERAL as readonly string[]).includes(name))) return false;
    const { name } = decoded.instruction;
    if (names.every((one) => (ours[one]! ^ theirs[one]!) === RESUME_FLAG)) return true;
    if (FROM_OUTSIDE.has(name) || this.touchesDevice(decoded, before)) return true;
    const flags = undefinedFlags(name, decoded.size, shiftCount(decoded, before));
    return names.every((one) => one === 'eflags') && ((ours.eflags! ^ theirs.eflags!) & ~BigInt(flags)) === 0n;
  }

  /** True when the instruction's memory operand lies outside RAM. */
  private touchesDevice(decoded: Decoded, before: Registers): boolean {
    const operand = decoded.operands.find((one) => one.kind === 'memory');
    if (!operand || operand.memory.base > 15) return false;
    const { base, index, scale, displacement, segment } = operand.memory;
    const value = (register: number): bigint => (register < 0 ? 0n : before[GENERAL[register]!]!);
    const offset = BigInt.asUintN(decoded.addressSize, value(base) + (value(index) << BigInt(scale)) + displacement);
    const linear = offset + this.machine.state.segmentBase(segment);
    const { guestPhysical } = this.machine.walk('linear', linear);
    return guestPhysical !== undefined && (guestPhysical >= BigInt(this.memoryBytes) || guestPhysical >> 18n === 2n);
  }
}

/** HLT, or the write that ends the machine: QEMU must not execute them. */
function isEnd(decoded: Decoded, before: Registers): boolean {
  if (decoded.instruction.name === 'HLT') return true;
  if (decoded.instruction.name !== 'OUT') return false;
  const immediate = decoded.operands.find((operand) => operand.kind === 'immediate');
  return (immediate ? immediate.value & 0xffn : before[GENERAL[RDX]!]! & 0xffffn) === DEBUG_EXIT;
}

/** The masked count of a shift or rotate. */
function shiftCount(decoded: Decoded, before: Registers): number {
  const last: OperandValue | undefined = decoded.operands.at(-1);
  const count = last?.kind === 'one' ? 1 : Number(last?.kind === 'immediate' ? last.value : before[GENERAL[RCX]!]!);
  return count & (decoded.size === 64 ? 0x3f : 0x1f);
}
