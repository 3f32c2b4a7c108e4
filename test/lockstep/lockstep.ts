// Our machine, bare, and QEMU's TCG side by side, instruction by instruction, from one state on. Results that come from
// outside the instruction set (CPUID, MSRs, time stamps, random numbers, ports, device memory) are copied from our
// machine to QEMU, and so are flags that the SDM leaves undefined. Whatever else differs is a finding.
import type { Decoded, OperandValue } from '../../src/isa/decoded';
import { createDecoder } from '../../src/isa/decode';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { MODE, STATE } from '../../src/cpu/layout';
import { Machine } from '../../src/machine/machine';
import type { BootOptions } from '../../src/machine/boot/options';
import { HIGH_RAM_START, LOW_HOLE } from '../../src/machine/layout';
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
  { readonly kind: 'limit' | 'place' | 'end' } | { readonly kind: 'difference'; readonly difference: Difference };

/** The results of these are the machine's own business. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set([
  ...['CPUID', 'RDTSC', 'RDTSCP', 'RDPMC', 'RDMSR', 'RDRAND', 'RDSEED', 'IN', 'INS', 'XGETBV', 'STR', 'SLDT'],
]);
/**
 * Three departures of TCG's that turn up too often to be tied to one check:
 * - it saves flags with RF clear where the SDM (Vol. 3A 6.8.3) has it set: who loads the image sees it;
 * - SYSCALL loses the arithmetic flags, though IA32_FMASK does not name them (SDM Vol. 2B SYSCALL);
 * - an event delivered through the IST at the same CPL leaves a null SS, which the SDM's INT (Vol. 2A,
 *   INTRA-PRIVILEGE-LEVEL-INTERRUPT) does not; IRET loads SS anew.
 */
const RESUME_FLAG = 0x10000n;
/** isa-debug-exit and PM1a_CNT. */
const ENDING_PORTS: readonly bigint[] = [0xf4n, 0x604n];
const HYPERVISOR_LEAF = 0x4000_0000n;
const RDX = 2;
const RCX = 1;
/** A fault's delivery is a step of its own on QEMU; one fault may come from delivering another. */
const DELIVERIES = 3;
const PAGE = 4096;
const INTERRUPT_FLAG = 0x200n;
const VIRTUAL_8086 = 0x20000n;
const PROTECTED = 1n;

const NOWHERE: ReadonlySet<bigint> = new Set();
const decoder = createDecoder(INSTRUCTIONS);

export class Lockstep {
  private constructor(
    readonly machine: Machine,
    readonly qemu: Qemu,
    private readonly memoryBytes: number,
    private readonly usedBytes: number,
  ) {}

  /** Both (QEMU is `program`) at the first instruction of `kernel`, which uses the first `usedBytes` of its memory. */
  static async start(
    program: string,
    kernel: Uint8Array,
    boot: BootOptions,
    memoryBytes: number,
    usedBytes = memoryBytes,
  ): Promise<Lockstep> {
    const machine = new Machine({ kernel, boot, memoryBytes, bare: true, onSerial: () => undefined });
    const qemu = await Qemu.start(program, startImage(kernel, boot, memoryBytes), memoryBytes);
    return new Lockstep(machine, qemu, memoryBytes, usedBytes);
  }

  stop(): void {
    this.qemu.stop();
  }

  /** Gives QEMU our machine's registers and the memory that the guest uses; what the stub does not know stays. */
  async synchronize(): Promise<void> {
    const { machine, qemu } = this;
    for (let at = 0; at < this.usedBytes; at += PAGE) {
      if (at >= LOW_HOLE.start && at < HIGH_RAM_START) continue;
      const page = machine.readMemory('physical', BigInt(at), PAGE);
      if (page.some((byte) => byte !== 0)) await qemu.writePhysical(at, page);
    }
    const ours = ourRegisters(machine);
    const theirs = await qemu.registers();
    // Mode first: what a segment register is read from depends on it.
    for (const name of ['efer', 'cr4', 'cr0', 'eflags'])
      if (ours[name] !== theirs[name]) await qemu.write(name, ours[name]!);
    await qemu.write('cr3', ours.cr3!);
    for (const name in ours) if (ours[name] !== theirs[name]) await qemu.write(name, ours[name]!);
  }

  /**
   * Steps both until our machine has completed `instructions` or comes to one of `places` (RIP), the guest halts or ends,
   * or they differ.
   */
  async run(instructions: number, places: ReadonlySet<bigint> = NOWHERE): Promise<Stretch> {
    const { machine, qemu } = this;
    let before = ourRegisters(machine);
    for (let first = true; machine.instructions < instructions; first = false) {
      if (!first && places.has(before.rip!)) return { kind: 'place' };
      const decoded = this.decode();
      if (decoded && isEnd(decoded, before)) return { kind: 'end' };
      if (decoded?.instruction.name === 'HLT' && isSupervisor(before)) {
        // Only our board interrupts: HLT and the handler's first instruction are ours alone.
        machine.run(2);
        await this.synchronize();
        before = ourRegisters(machine);
        continue;
      }
      const position = { instructions: machine.instructions, rip: before.rip!, name: decoded?.instruction.name };
      if (machine.run(1).reason !== 'budget') return { kind: 'end' };
      const ours = ourRegisters(machine);
      const theirs = await this.stepTo(ours.rip!);
      if (!theirs) return { kind: 'difference', difference: { ...position, registers: [QEMU_DIED] } };
      const start = before;
      before = ours;
      const names = this.differences(ours, theirs);
      if (names.length === 0) continue;
      if (decoded && this.isHypervisorLeaf(decoded, start)) {
        for (const name of ['rax', 'rbx', 'rcx', 'rdx'] as const)
          machine.state.setGeneral(GENERAL.indexOf(name), theirs[name]!);
        before = ourRegisters(machine);
        continue;
      }
      if (decoded && this.isExplained(names, decoded, start, ours, theirs)) {
        for (const name of names) await qemu.write(name, ours[name]!);
        continue;
      }
      const registers = names.map(
        (name) => `${name}: ours 0x${ours[name]!.toString(16)}, 0x${theirs[name]!.toString(16)}`,
      );
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

  private differences(ours: Registers, theirs: Registers): string[] {
    const is64 = (this.machine.state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
    return differences(ours, theirs, is64).filter((one) => one !== 'ss' || !is64 || theirs.ss !== 0n);
  }

  private decode(): Decoded | undefined {
    const { machine } = this;
    const code = machine.state.word(STATE.mode) & MODE.codeMask;
    const bytes = machine.readMemory('linear', machine.linearRip(), 15);
    const decoded = decoder.decode(bytes, 0, bytes.length, code === MODE.code64 ? 64 : code === MODE.code32 ? 32 : 16);
    return 'failure' in decoded ? undefined : decoded;
  }

  /** The sample guests leave out, when they see TCG's signature, what would take TCG down: they shall see it. */
  private isHypervisorLeaf({ instruction }: Decoded, before: Registers): boolean {
    return instruction.name === 'CPUID' && BigInt.asUintN(32, before.rax!) === HYPERVISOR_LEAF;
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
    if (name === 'SYSCALL' && names.join() === 'eflags') return true;
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

/** CPL 0: HLT does not fault. In real-address mode every CS will do. */
function isSupervisor({ cr0, eflags, cs }: Registers): boolean {
  return (cr0! & PROTECTED) === 0n || ((eflags! & VIRTUAL_8086) === 0n && (cs! & 3n) === 0n);
}

/** HLT for ever, or the write that ends the machine: QEMU must not execute them. */
function isEnd(decoded: Decoded, before: Registers): boolean {
  if (decoded.instruction.name === 'HLT') return isSupervisor(before) && (before.eflags! & INTERRUPT_FLAG) === 0n;
  if (decoded.instruction.name !== 'OUT') return false;
  const immediate = decoded.operands.find((operand) => operand.kind === 'immediate');
  return ENDING_PORTS.includes(immediate ? immediate.value & 0xffn : before[GENERAL[RDX]!]! & 0xffffn);
}

/** The masked count of a shift or rotate. */
function shiftCount(decoded: Decoded, before: Registers): number {
  const last: OperandValue | undefined = decoded.operands.at(-1);
  const count = last?.kind === 'one' ? 1 : Number(last?.kind === 'immediate' ? last.value : before[GENERAL[RCX]!]!);
  return count & (decoded.size === 64 ? 0x3f : 0x1f);
}
