/** Far pointers in memory: an offset of the operand size, then a 16-bit selector (SDM Vol. 1, 4.3). */
import { i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import type { Operand, Semantics } from '../semantics';

/** Loads the far pointer at `operand`; the offset comes zero-extended. */
export function farPointer(m: Semantics, operand: Operand): { readonly selector: I32; readonly offset: I64 } {
  const place = m.address(operand);
  const offset = m.wide(m.load(place, m.size));
  const selector = m.load(m.displaced(place, i64.const(m.size / 8)), 16) as I32;
  return { selector, offset };
}
