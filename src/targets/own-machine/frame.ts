/** Where a guest's program stands, so that it is known again after whatever came between. */
import { MODE, STATE } from '../../cpu/layout';
import { createDecoder, MAX_INSTRUCTION_LENGTH } from '../../isa/decode';
import { INSTRUCTIONS } from '../../isa/records';
import { SEGMENT } from '../../isa/semantics';
import type { Machine } from '../../machine/machine';

const RSP = 4;
/** Address bits of CR3: a PCID may change from one time to the next. */
const TABLE = 0xf_ffff_ffff_f000n;

/** Size of the code segment. */
export type CodeBits = 16 | 32 | 64;

export interface Frame {
  /** Linear address of the instruction. */
  readonly linear: bigint;
  /** Linear address of the stack's top. */
  readonly stack: bigint;
  /** Physical address of the first paging structure: another one is another program. */
  readonly table: bigint;
}

/** Size of the code segment by the mode word. */
export function codeBits(mode: number): CodeBits {
  const size = mode & MODE.codeMask;
  return size === MODE.code64 ? 64 : size === MODE.code32 ? 32 : 16;
}

/** Linear address of the guest's stack pointer; the state must show the guest. */
export function linearStack({ state }: Pick<Machine, 'state'>): bigint {
  const size = (state.word(STATE.mode) >> MODE.stackShift) & 3;
  const pointer = state.general(RSP);
  if (size === MODE.code64) return pointer;
  const offset = BigInt.asUintN(size === MODE.code32 ? 32 : 16, pointer);
  return BigInt.asUintN(32, state.segmentBase(SEGMENT.SS) + offset);
}

/** Where the guest stands. */
export function frameOf(machine: Machine): Frame {
  const linear = machine.linearRip();
  return machine.asGuest(() => ({
    linear,
    stack: linearStack(machine),
    table: machine.state.quad(STATE.cr3) & TABLE,
  }));
}

/** True if the guest stands on `frame`'s stack, exactly at the same height. */
export function isOnStackOf(machine: Machine, frame: Frame): boolean {
  const { stack, table } = frameOf(machine);
  return stack === frame.stack && table === frame.table;
}

const decoder = createDecoder(INSTRUCTIONS);
/** What comes back to the next instruction. */
const CALLS: ReadonlySet<string> = new Set(['CALL', 'INT', 'INT3', 'INT1', 'INTO', 'SYSCALL', 'SYSENTER']);

/** An instruction that is more than one step. */
export interface Compound {
  readonly kind: 'call' | 'repeat';
  /** Bytes. */
  readonly length: number;
}

/** The instruction at which the guest stands, if it is a call, a software interrupt or a repeated instruction. */
export function compoundAt(machine: Machine, linear: bigint): Compound | undefined {
  const bytes = machine.readMemory('linear', linear, MAX_INSTRUCTION_LENGTH);
  return compoundIn(bytes, codeBits(machine.asGuest(() => machine.state.word(STATE.mode))));
}

/** The instruction at the beginning of these bytes, if it is one of those. */
export function compoundIn(bytes: Uint8Array, bits: CodeBits): Compound | undefined {
  const decoded = decoder.decode(bytes, 0, bytes.length, bits);
  if ('failure' in decoded) return undefined;
  const { instruction, repeat, length } = decoded;
  if (CALLS.has(instruction.name)) return { kind: 'call', length };
  return repeat !== 0 && instruction.repeat !== undefined ? { kind: 'repeat', length } : undefined;
}
