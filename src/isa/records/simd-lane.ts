/** Short names for vector operators as the SIMD records use them: lanes by width, bytes picked at run time. */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import {
  i32x4,
  i64x2,
  laneIndex,
  LANES,
  shuffle,
  simd,
  v128Const,
  vector1,
  vector2,
  VECTOR_OPERATOR,
} from '../../wasm/simd';
import { vectorShift } from '../../wasm/simd';

/** Width of a lane in bits. */
export type LaneBits = 8 | 16 | 32 | 64;
/** An operation on whole vectors; its arguments may be used more than once. */
export type Binary = (a: V128, b: V128) => V128;

type Unary = 'abs' | `extend${'Low' | 'High'}${'S' | 'U'}`;
type Shift = 'shl' | 'shrS' | 'shrU';
type TwoOperand = Exclude<keyof typeof LANES, Unary | Shift | 'splat' | 'bitmask'>;

/** A two-operand operator on lanes of `bits`. */
export const lanes =
  (name: TwoOperand, bits: LaneBits): Binary =>
  (a, b) =>
    vector2(LANES[name][laneIndex(bits)], a, b);

/** A one-operand operator on lanes of `bits`. */
export const lanes1 = (name: Unary, bits: LaneBits, a: V128): V128 => vector1(LANES[name][laneIndex(bits)], a);

/** A shift of all lanes of `bits` by `count`, below the lane width. */
export const laneShift = (name: Shift, bits: LaneBits, a: V128, count: I32): V128 =>
  vectorShift(LANES[name][laneIndex(bits)], a, count);

/** The top bits of the lanes of `bits` as a number. */
export const laneMask = (bits: LaneBits, a: V128): I32 => simd('i32', LANES.bitmask[laneIndex(bits)], [a]);

/** All lanes of `bits` (8, 16, 32) equal to the low bits of `value`. */
export const splat = (bits: 8 | 16 | 32, value: I32): V128 => simd('v128', LANES.splat[laneIndex(bits)], [value]);

/** Bytes of `a` picked by the bytes of `index`; 0 for numbers of 16 and above. */
export const swizzle: Binary = (a, index) => vector2(VECTOR_OPERATOR.swizzle, a, index);
export const and: Binary = (a, b) => vector2(VECTOR_OPERATOR.and, a, b);
export const or: Binary = (a, b) => vector2(VECTOR_OPERATOR.or, a, b);
export const xor: Binary = (a, b) => vector2(VECTOR_OPERATOR.xor, a, b);
/** `a` where `b` has zeros. */
export const andNot: Binary = (a, b) => vector2(VECTOR_OPERATOR.andNot, a, b);

export const ZERO = v128Const(new Array<number>(16).fill(0));
/** Bytes 0 to 15: the identity of `swizzle`. */
export const IDENTITY = v128Const(Array.from({ length: 16 }, (_, byte) => byte));

/** A constant vector of lanes of `bits` (8 to 64), lowest first. */
export function constantLanes(bits: LaneBits, values: readonly number[]): V128 {
  return v128Const(
    values.flatMap((value) =>
      Array.from({ length: bits / 8 }, (_, byte) => (byte < 4 ? (value >>> (byte * 8)) & 0xff : 0)),
    ),
  );
}

/** Ones in the lanes of `bits` whose bit of `mask` (lane 0 in bit 0) is set. */
export function lanesOfMask(bits: LaneBits, mask: I32): V128 {
  const count = 128 / bits;
  const own = constantLanes(
    bits,
    Array.from({ length: count }, (_, lane) => 1 << (lane & 7)),
  );
  const spread = bits === 64 ? i64x2.splat(i64.extendU(mask)) : splat(bits, mask);
  return lanes('eq', bits)(and(spread, own), own);
}

/** Ones in lane `lane` of `bits`. */
export function laneAt(bits: LaneBits, lane: I32): V128 {
  const numbers = constantLanes(
    bits,
    Array.from({ length: 128 / bits }, (_, index) => index),
  );
  return lanes('eq', bits)(bits === 64 ? i64x2.splat(i64.extendU(lane)) : splat(bits, lane), numbers);
}

/** The two 64-bit halves as one vector. */
export const halves = (low: I64, high: I64): V128 => i64x2.replace(i64x2.splat(low), 1, high);
/** 64 bits, zero-extended to a vector. */
export const fromLow64 = (low: I64): V128 => i64x2.replace(ZERO, 0, low);
/** 32 bits, zero-extended to a vector. */
export const fromLow32 = (low: I32): V128 => i32x4.replace(ZERO, 0, low);
export const low64 = (a: V128): I64 => i64x2.extract(a, 0);
export const high64 = (a: V128): I64 => i64x2.extract(a, 1);

/** Picks lanes of `bits` out of `a` (numbers from 0) and `b` (behind them) by constant numbers. */
export function pick(bits: LaneBits, a: V128, b: V128, numbers: readonly number[]): V128 {
  const bytes = bits / 8;
  return shuffle(
    a,
    b,
    numbers.flatMap((lane) => Array.from({ length: bytes }, (_, byte) => lane * bytes + byte)),
  );
}

/** Lanes 0, 2, 4, ... (`first` 0) or 1, 3, 5, ... (1) of `a`, then of `b`. */
export function everySecond(bits: LaneBits, a: V128, b: V128, first: 0 | 1): V128 {
  return pick(
    bits,
    a,
    b,
    Array.from({ length: 128 / bits }, (_, lane) => 2 * lane + first),
  );
}

/** Lanes of both operands in turn, from the low (`0`) or high (`1`) halves. */
export function interleave(bits: LaneBits, half: 0 | 1): Binary {
  const count = 128 / bits;
  const numbers = Array.from({ length: count }, (_, lane) => (lane >> 1) + (half * count) / 2 + (lane & 1) * count);
  return (a, b) => pick(bits, a, b, numbers);
}

/** Byte `index` (0 to 15) of `a`, zero-extended. */
export function byteAt(a: V128, index: I32): I32 {
  return i32.and(i32x4.extract(swizzle(a, splat(8, index)), 0), i32.const(0xff));
}

/** The lower of `value` and `limit`, unsigned. */
export function atMost(value: I32, limit: number): I32 {
  return { type: 'i32', code: [0x1b], args: [value, i32.const(limit), i32.ltU(value, i32.const(limit))] };
}
