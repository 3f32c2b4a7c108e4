/**
 * What x87 records share: the checks before an instruction, calls of the slow function `x87`, and reading and storing
 * memory operands (SDM Vol. 1, 8.1, 8.6, 8.7; Vol. 3A, 2.5 for CR0.EM and TS).
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { x87Operation } from '../float-operations';
import type { X87OperationName, X87Source } from '../float-operations';
import { VECTOR } from '../semantics';
import type { Operand, Semantics } from '../semantics';
import { checkPending } from './simd-entry';

const CR0_EM_TS = 0xc;
/** Bit 16 of a store's second result: the value is to be stored. */
const STORES = 16;

/** The type of a memory operand in each of the formats. */
export const MEMORY_TYPE: Readonly<Record<Exclude<X87Source, 'STi'>, string>> = {
  single: 'Md',
  double: 'Mq',
  extended: 'Mt',
  word: 'Mw',
  doubleword: 'Md',
  quadword: 'Mq',
  bcd: 'Mt',
};

/** #NM while the x87 is emulated or another task's; and, for a waiting instruction, an exception that is pending. */
export function enterX87(m: Semantics, waits = true): void {
  m.faultIf(i32.and(m.state('cr0'), i32.const(CR0_EM_TS)), VECTOR.NM);
  if (waits) checkPending(m);
}

/** An operation on registers: ST(0), and ST(i) where the form has it. `value` is its immediate argument. */
export function callX87(m: Semantics, operation: number, operand?: Operand, value: I64 = i64.const(0)): void {
  const register = operand ? m.registerNumber(operand) : i32.const(0);
  m.call('x87', i32.const(operation), register, value, i32.const(0), i32.const(-1), i64.const(0));
}

/** An operation with a memory operand that is read. */
export function callX87WithMemory(m: Semantics, operation: number, operand: Operand): void {
  const address = m.address(operand);
  const isWide = operand.bits === 80;
  const low = m.wide(m.load(address, isWide ? 64 : (operand.bits as 16 | 32 | 64)));
  const high = isWide ? (m.load(m.displaced(address, i64.const(8)), 16) as I32) : i32.const(0);
  m.call('x87', i32.const(operation), i32.const(0), low, high, address.segment, address.offset);
}

/** A store: the destination is proved, then the value computed and the stack popped, then the value stored. */
export function storeX87(
  m: Semantics,
  name: X87OperationName,
  source: X87Source,
  pops: number,
  operand: Operand,
): void {
  const address = m.address(operand);
  const { bits } = operand;
  m.prove(address, bits / 8);
  const operation = i32.const(x87Operation(name, source, pops));
  m.call('x87', operation, i32.const(0), i64.const(0), i32.const(0), address.segment, address.offset);
  const low = m.result(bits === 80 ? 64 : (bits as 16 | 32 | 64));
  const high = m.narrow(m.result2());
  m.if(m.bit(high, STORES), () => {
    m.store(address, low, bits === 80 ? 64 : (bits as 16 | 32 | 64));
    if (bits === 80) m.store(m.displaced(address, i64.const(8)), m.zeroExtend(high, 16), 16);
  });
}
