/**
 * Carry vectors of additions and subtractions: bit n is set for a carry (borrow) out of bit n. CF, AF and OF all come
 * from them (CF the carry out of the top bit, AF out of bit 3, OF where the top two carries differ). Instructions that
 * set CF and OF by rules of their own write them as a carry vector too, so that there is one lazy form of flags.
 * Source: SDM Vol. 1, 3.4.3.1.
 */
import { i32, i64 } from '../wasm/expr';
import type { I32 } from '../wasm/expr';
import type { Bits, CarryVector, Int, Semantics } from './semantics';

/** Field by field: V8 gives each object that spreads another and adds to it a shape of its own. */
function carryVector({ type, code, args, constant }: Int, kind: 'add' | 'sub', a: Int, b: Int): CarryVector {
  return { type, code, args, constant, origin: { kind, a, b } } as CarryVector;
}

/** Carries of `sum` = a + b (+ carry in). */
export function carriesOfAdd(m: Semantics, a: Int, b: Int, sum: Int): CarryVector {
  return carryVector(m.or(m.and(a, b), m.and(m.or(a, b), m.not(sum))), 'add', a, b);
}

/** Borrows of `difference` = a - b (- borrow in). */
export function borrowsOfSub(m: Semantics, a: Int, b: Int, difference: Int): CarryVector {
  return carryVector(m.or(m.and(m.not(a), b), m.and(m.or(m.not(a), b), difference)), 'sub', a, b);
}

/** The carry vector, in the container of `bits`, that stands for these values (0 or 1) of CF, OF and AF. */
export function carriesFor(m: Semantics, bits: Bits, carry: I32, overflow: I32, adjust: I32 = i32.const(0)): Int {
  const place = (flag: I32, index: number): Int =>
    bits === 64 ? i64.shl(i64.extendU(flag), i64.const(index)) : i32.shl(flag, i32.const(index));
  const cf = m.let(carry);
  return m.or(m.or(place(cf, bits - 1), place(i32.xor(cf, overflow), bits - 2)), place(adjust, 3));
}
