/** EDX:EAX, in which 64-bit values go through 32-bit registers. */
import { i64 } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import type { GeneralName, Semantics } from '../semantics';

/** The 64-bit value of two 32-bit registers, EDX:EAX unless others are named. */
export function registerPair(m: Semantics, high: GeneralName = 'RDX', low: GeneralName = 'RAX'): I64 {
  return i64.or(i64.shl(m.wide(m.register(high, 32)), i64.const(32)), m.wide(m.register(low, 32)));
}

/** Writes `value` to two 32-bit registers; the upper halves become 0. */
export function setRegisterPair(m: Semantics, value: I64, high: GeneralName = 'RDX', low: GeneralName = 'RAX'): void {
  m.setRegister(low, 32, m.zeroExtend(value, 32));
  m.setRegister(high, 32, m.zeroExtend(i64.shrU(value, i64.const(32)), 32));
}
