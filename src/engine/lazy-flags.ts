/** Emits the arithmetic flags' lazy form: see `STATE.flagResult` and `STATE.flagCarries` for the representation. */
import { i32, i64, select } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import type { FunctionBuilder } from '../wasm/function';
import { STATE } from '../cpu/layout';
import { quad, setQuad, setWord, word } from '../cpu/paging/emit';
import type { ArithmeticFlag, Bits, Int, Semantics } from '../isa/semantics';

/**
 * Between compiled regions, and between their blocks, flags may be deferred: `flagResult` and `flagCarries` are then the
 * result and the first operand of an addition or subtraction, zero-extended, and a kind says so: bits 0-5 by how much the
 * operands' top bit must move to come to bit 63, and these bits. Kind 0 is the lazy form.
 */
const DEFERRED = { is: 0x40, addition: 0x80 } as const;

/** The kind of deferred flags of an operation. */
export function deferredKind(operation: 'add' | 'sub', bits: Bits): number {
  return DEFERRED.is | (64 - bits) | (operation === 'add' ? DEFERRED.addition : 0);
}

/** Emits the way from deferred flags of a kind that is not 0 to the lazy form. */
export function settleDeferred(f: FunctionBuilder, kind: I32, place = STATE_FLAGS): void {
  const shift = f.let(i64.and(i64.extendU(kind), i64.const(63)));
  const a = f.let(i64.shl(place.carries(), shift));
  const result = f.let(i64.shl(place.result(), shift));
  // All ones for an addition: what is added is minus what would be subtracted, and carries are borrows of ~a.
  const adds = f.let(i64.extendS(i32.sub(i32.const(0), i32.shrU(kind, i32.const(7)))));
  const b = f.let(i64.sub(i64.xor(i64.sub(a, result), adds), adds));
  const first = f.let(i64.xor(i64.xor(a, adds), i64.const(-1)));
  const carries = i64.or(i64.and(first, b), i64.and(i64.or(first, b), i64.xor(result, adds)));
  const top = i64.and(carries, i64.const(3n << 62n));
  // A carry out of bit 3 shows in bit 4.
  const adjust = i64.shrU(i64.shrU(i64.xor(i64.xor(a, b), result), shift), i64.const(1));
  place.setCarries(f, i64.or(top, i64.and(adjust, i64.const(8))));
  place.setResult(f, i64.shrS(result, shift));
}

/** Where the lazy form lies: the processor's state, or a compiled region's locals. Halves are 32 bits. */
export interface FlagPlace {
  result(): I64;
  resultLow(): I32;
  resultHigh(): I32;
  carries(): I64;
  carriesLow(): I32;
  carriesHigh(): I32;
  setResult(f: FunctionBuilder, value: I64): void;
  setCarries(f: FunctionBuilder, value: I64): void;
  setCarriesHigh(f: FunctionBuilder, value: I32): void;
}

/** The processor's state. */
export const STATE_FLAGS: FlagPlace = {
  result: () => quad(STATE.flagResult),
  resultLow: () => word(STATE.flagResult),
  resultHigh: () => word(STATE.flagResult + 4),
  carries: () => quad(STATE.flagCarries),
  carriesLow: () => word(STATE.flagCarries),
  carriesHigh: () => word(STATE.flagCarries + 4),
  setResult: (f, value) => setQuad(f, STATE.flagResult, value),
  setCarries: (f, value) => setQuad(f, STATE.flagCarries, value),
  setCarriesHigh: (f, value) => setWord(f, STATE.flagCarries + 4, value),
};

const bit = (value: I32, index: number): I32 => i32.and(i32.shrU(value, i32.const(index)), i32.const(1));

/** One flag as 0 or 1. */
export function lazyFlag(name: ArithmeticFlag, place = STATE_FLAGS): I32 {
  switch (name) {
    case 'CF':
      return i32.shrU(place.carriesHigh(), i32.const(31));
    case 'AF':
      return bit(place.carriesLow(), 3);
    case 'ZF':
      return i64.eqz(place.result());
    case 'SF':
      return i32.xor(i32.shrU(place.resultHigh(), i32.const(31)), bit(place.carriesLow(), 8));
    case 'OF':
      return i32.shrU(i32.xor(place.carriesHigh(), i32.shl(place.carriesHigh(), i32.const(1))), i32.const(31));
    case 'PF': {
      const byte = i32.xor(place.resultLow(), i32.shrU(place.carriesLow(), i32.const(16)));
      return i32.and(i32.xor(i32.popcnt(i32.and(byte, i32.const(0xff))), i32.const(1)), i32.const(1));
    }
  }
}

/** All six flags at their EFLAGS positions. */
export function lazyFlags(place = STATE_FLAGS): I32 {
  const at = (name: ArithmeticFlag, position: number): I32 => i32.shl(lazyFlag(name, place), i32.const(position));
  const low = i32.or(i32.or(at('CF', 0), at('PF', 2)), i32.or(at('AF', 4), at('ZF', 6)));
  return i32.or(low, i32.or(at('SF', 7), at('OF', 11)));
}

/** Sets all six flags from their EFLAGS positions (the inverse of `lazyFlags`). */
export function setLazyFlags(f: FunctionBuilder, flags: I32, place = STATE_FLAGS): void {
  const value = f.let(flags);
  const result = select(bit(value, 6), i64.const(0), i64.const(0x100));
  const parity = i32.shl(i32.xor(bit(value, 2), i32.const(1)), i32.const(16));
  const low = i32.or(i32.or(i32.shl(bit(value, 4), i32.const(3)), i32.shl(bit(value, 7), i32.const(8))), parity);
  const carry = i32.shl(value, i32.const(31));
  const before = i32.shl(i32.xor(bit(value, 0), bit(value, 11)), i32.const(30));
  const high = i64.shl(i64.extendU(i32.or(carry, before)), i64.const(32));
  place.setResult(f, result);
  place.setCarries(f, i64.or(i64.extendU(low), high));
}

/** Sets CF alone, keeping OF, AF and the parity and sign corrections. */
export function setLazyCarry(f: FunctionBuilder, carry: I32, place = STATE_FLAGS): void {
  const before31 = i32.xor(place.carriesHigh(), i32.shl(place.carriesHigh(), i32.const(1)));
  const overflow = i32.and(before31, i32.const(0x80000000 | 0));
  const top = f.let(i32.shl(carry, i32.const(31)));
  const before = i32.shrU(i32.xor(top, overflow), i32.const(1));
  place.setCarriesHigh(f, i32.or(top, before));
}

/** Sets CF and OF alone, keeping AF and the parity and sign corrections. */
export function setLazyCarryAndOverflow(f: FunctionBuilder, carry: I32, overflow: I32, place = STATE_FLAGS): void {
  const top = f.let(carry);
  const high = i32.or(i32.shl(top, i32.const(31)), i32.shl(i32.xor(top, overflow), i32.const(30)));
  place.setCarriesHigh(f, high);
}

/** Notes a result and its carries as the flags; see `Semantics.setArithmeticFlags`. */
export function noteFlags(
  m: Semantics,
  result: Int,
  carries: Int | undefined,
  bits: Bits,
  keepCarry: boolean,
  place = STATE_FLAGS,
): void {
  const f = m.code;
  const placed: I64 = carries === undefined ? i64.const(0) : placedCarries(f, m, carries, bits);
  if (keepCarry) {
    const fresh = f.let(placed);
    const overflow = f.let(i64.and(i64.xor(fresh, i64.shl(fresh, i64.const(1))), i64.const(1n << 63n)));
    const carry = f.let(i64.and(place.carries(), i64.const(1n << 63n)));
    const before = i64.shrU(i64.xor(carry, overflow), i64.const(1));
    const low = i64.and(fresh, i64.const(8));
    place.setCarries(f, i64.or(low, i64.or(carry, before)));
  } else {
    place.setCarries(f, placed);
  }
  place.setResult(f, m.signExtend(result, bits, 64) as I64);
}

/** Carries with the top one at bit 63 and the auxiliary one at bit 3, the correction bits clear. */
function placedCarries(f: FunctionBuilder, m: Semantics, carries: Int, bits: Bits): I64 {
  if (bits === 64) return i64.and(carries as I64, i64.const((3n << 62n) | 8n));
  const narrow = f.let(m.narrow(carries));
  const top = i64.shl(i64.extendU(narrow), i64.const(64 - bits));
  return i64.or(top, i64.extendU(i32.and(narrow, i32.const(8))));
}
