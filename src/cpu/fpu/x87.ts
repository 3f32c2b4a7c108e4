/**
 * The slow function `x87`: one instruction on the register stack, by the numbers of float-operations.ts.
 * Source: SDM Vol. 1 ch. 8; 8.7 (#MF and FERR#); Vol. 2.
 * NOT IMPLEMENTED: with CR0.NE = 0 the processor does not stop until an interrupt comes (IGNNE# counts as asserted).
 */
import { X87_FIELD, X87_OPERATIONS, X87_SOURCES } from '../../isa/float-operations';
import type { X87OperationName, X87Source } from '../../isa/float-operations';
import { SEGMENT, VECTOR } from '../../isa/semantics';
import { STATE } from '../layout';
import type { LinearMemory } from '../linear-memory';
import { CURRENT } from '../linear-memory';
import { CR0 } from '../mode';
import { GuestFault } from '../signals';
import { linearAddress } from '../segmentation';
import { X87_ARITHMETIC } from './x87-arithmetic';
import type { X87Function } from './x87-arithmetic';
import {
  conditionalMove,
  exchange,
  loadFromMemory,
  loadFromRegister,
  operandOf,
  storeToMemory,
  storeToRegister,
  storeUnchecked,
} from './x87-move';
import { X87_PUSH } from './x87-push';
import type { X87Unit } from './x87-unit';

/** What the x87 asks of the processor around it. */
export interface X87Environment {
  /** Length in bytes of the instruction at hand. */
  length(): number;
  /** FERR#: an exception is reported with CR0.NE = 0. */
  reportError(): void;
}

/** One call of the slow function. */
interface Call {
  readonly i: number;
  readonly source: X87Source;
  /** Bits 63:0 and 79:64 of a memory operand; unsigned. */
  readonly low: bigint;
  readonly high: number;
  readonly pops: number;
  readonly toSti: boolean;
}

const TABLE: Readonly<Partial<Record<string, X87Function>>> = { ...X87_ARITHMETIC, ...X87_PUSH };

const MOVES: Readonly<Partial<Record<X87OperationName, (unit: X87Unit, call: Call) => void>>> = {
  FNOP: () => undefined,
  FLD: (unit, { i, source, low, high }) =>
    source === 'STi' ? loadFromRegister(unit, i) : loadFromMemory(unit, source, low, high),
  FST: (unit, { i, source, pops }) =>
    source === 'STi' ? storeToRegister(unit, i, pops) : storeToMemory(unit, source, false, pops),
  FISTT: (unit, { source, pops }) => source !== 'STi' && storeToMemory(unit, source, true, pops),
  FSTPNCE: (unit, { i }) => storeUnchecked(unit, i),
  FXCH: (unit, { i }) => exchange(unit, i),
  FCMOV: (unit, { i, low }) => conditionalMove(unit, i, low !== 0n),
  FFREE: (unit, { i, pops }) => {
    unit.free(i);
    unit.pop(pops);
  },
  FINCSTP: (unit) => unit.moveTop(1),
  FDECSTP: (unit) => unit.moveTop(-1),
};

/** Control instructions: they do not move the last instruction's pointers. */
const CONTROL: Readonly<Partial<Record<X87OperationName, (unit: X87Unit, low: bigint) => void>>> = {
  FNINIT: (unit) => unit.initialize(),
  FNCLEX: (unit) => unit.clearExceptions(),
  FLDCW: (unit, low) => {
    unit.control = Number(low & 0xffffn);
  },
};

/** Where C1 has no meaning (SDM Vol. 2: undefined, or of a stack underflow alone) it stays. */
const KEEPS_C1: readonly X87OperationName[] = ['FNOP', 'FCMOV'];

const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];

/** FOP: the low three bits of the opcode, then ModRM; 0 when the code cannot be read any more. */
function opcodeAtRip(unit: X87Unit, memory: LinearMemory, length: number): number {
  let bytes: Uint8Array;
  try {
    bytes = memory.readBytes(linearAddress(unit, SEGMENT.CS, unit.state.rip, length, 'read'), length, CURRENT);
  } catch (signal) {
    if (signal instanceof Error) throw signal;
    return 0;
  }
  const at = bytes.findIndex((byte) => !PREFIXES.includes(byte) && byte >> 4 !== 4);
  return at < 0 ? 0 : ((bytes[at]! & 7) << 8) | (bytes[at + 1] ?? 0);
}

function notePointers(
  unit: X87Unit,
  memory: LinearMemory,
  around: X87Environment,
  segment: number,
  offset: bigint,
): void {
  const { state } = unit;
  state.setQuad(STATE.fpuIp, state.rip);
  state.setWord(STATE.fpuCs, state.selector(SEGMENT.CS));
  if (segment >= 0) {
    state.setQuad(STATE.fpuDp, BigInt.asUintN(64, offset));
    state.setWord(STATE.fpuDs, state.selector(segment));
  }
  if (unit.context.unmasked) state.setWord(STATE.fpuOpcode, opcodeAtRip(unit, memory, around.length()));
}

/** An exception waits at a waiting instruction: #MF, or with CR0.NE = 0 a signal to the board. */
function reportPending(unit: X87Unit, around: X87Environment): void {
  if (!unit.isPending) return;
  if (unit.state.word(STATE.cr0) & CR0.NE) throw new GuestFault(VECTOR.MF);
  around.reportError();
}

/** Carries out one operation; see `SLOW_FUNCTIONS.x87` for the arguments and results. */
export function x87(
  unit: X87Unit,
  memory: LinearMemory,
  around: X87Environment,
  number: number,
  i: number,
  low: bigint,
  high: number,
  segment: number,
  offset: bigint,
): void {
  const name = X87_OPERATIONS[number & 0xff]!;
  if (name === 'PENDING') {
    reportPending(unit, around);
    return;
  }
  const value = BigInt.asUintN(64, low);
  const control = CONTROL[name];
  if (control) {
    control(unit, value);
    return;
  }
  const source = X87_SOURCES[(number >> X87_FIELD.sourceShift) & X87_FIELD.sourceMask]!;
  const pops = (number >> X87_FIELD.popShift) & X87_FIELD.popMask;
  const toSti = (number & X87_FIELD.toSti) !== 0;
  unit.begin(KEEPS_C1.includes(name));
  const move = MOVES[name];
  if (move) move(unit, { i, source, low: value, high, pops, toSti });
  else TABLE[name]!(unit, { i, memory: source === 'STi' ? undefined : operandOf(source, value), pops, toSti });
  notePointers(unit, memory, around, segment, offset);
}
