/** 128-bit SIMD operators (WebAssembly SIMD128, fixed width). Nothing relaxed: results are the same on every host. */
import { unsigned } from './encode';
import { node } from './expr';
import type { Expr, F32, F64, I32, I64, ValType, V128 } from './expr';

/** A SIMD operator by its sub-opcode (after the 0xfd prefix), with an optional lane immediate. */
export function simd<T extends ValType>(type: T, op: number, args: readonly Expr[], lane?: number): Expr<T> {
  const code = [0xfd];
  unsigned(code, op);
  if (lane !== undefined) code.push(lane);
  return node(type, code, ...args);
}

/** A 16-byte constant, first byte lowest. */
export function v128Const(bytes: readonly number[]): V128 {
  return node('v128', [0xfd, 0x0c, ...bytes]);
}

/** Picks 16 bytes out of the 32 of `a` and `b` by constant lane numbers. */
export function shuffle(a: V128, b: V128, lanes: readonly number[]): V128 {
  return node('v128', [0xfd, 0x0d, ...lanes], a, b);
}

/** A two-operand vector operator. */
export const vector2 = (op: number, a: V128, b: V128): V128 => simd('v128', op, [a, b]);

/** A one-operand vector operator. */
export const vector1 = (op: number, a: V128): V128 => simd('v128', op, [a]);

/** A vector shift of every lane by a scalar count (taken modulo the lane width). */
export const vectorShift = (op: number, a: V128, count: I32): V128 => simd('v128', op, [a, count]);

export const i64x2 = {
  splat: (a: I64): V128 => simd('v128', 0x12, [a]),
  extract: (a: V128, lane: 0 | 1): I64 => simd('i64', 0x1d, [a], lane),
  replace: (a: V128, lane: 0 | 1, value: I64): V128 => simd('v128', 0x1e, [a, value], lane),
};

export const i32x4 = {
  splat: (a: I32): V128 => simd('v128', 0x11, [a]),
  extract: (a: V128, lane: number): I32 => simd('i32', 0x1b, [a], lane),
  replace: (a: V128, lane: number, value: I32): V128 => simd('v128', 0x1c, [a, value], lane),
};

export const f64x2 = {
  splat: (a: F64): V128 => simd('v128', 0x14, [a]),
  extract: (a: V128, lane: 0 | 1): F64 => simd('f64', 0x21, [a], lane),
};

export const f32x4 = {
  splat: (a: F32): V128 => simd('v128', 0x13, [a]),
  extract: (a: V128, lane: number): F32 => simd('f32', 0x1f, [a], lane),
};

/** A lane operator of the group `[add, ...]` for lanes of 8, 16, 32 and 64 bits; -1 where there is none. */
type ByLane = readonly [number, number, number, number];

/** Sub-opcodes of lane operators by lane width: 8, 16, 32, 64 bits. */
export const LANES = {
  add: [0x6e, 0x8e, 0xae, 0xce],
  sub: [0x71, 0x91, 0xb1, 0xd1],
  addSaturateS: [0x6f, 0x8f, -1, -1],
  addSaturateU: [0x70, 0x90, -1, -1],
  subSaturateS: [0x72, 0x92, -1, -1],
  subSaturateU: [0x73, 0x93, -1, -1],
  minS: [0x76, 0x96, 0xb6, -1],
  minU: [0x77, 0x97, 0xb7, -1],
  maxS: [0x78, 0x98, 0xb8, -1],
  maxU: [0x79, 0x99, 0xb9, -1],
  averageU: [0x7b, 0x9b, -1, -1],
  eq: [0x23, 0x2d, 0x37, 0xd6],
  gtS: [0x27, 0x31, 0x3b, 0xd9],
  mul: [-1, 0x95, 0xb5, 0xd5],
  abs: [0x60, 0x80, 0xa0, 0xc0],
  shl: [0x6b, 0x8b, 0xab, 0xcb],
  shrS: [0x6c, 0x8c, 0xac, 0xcc],
  shrU: [0x6d, 0x8d, 0xad, 0xcd],
  bitmask: [0x64, 0x84, 0xa4, 0xc4],
  /** Lanes of half the width, low half, to this width. */
  extendLowS: [-1, 0x87, 0xa7, 0xc7],
  extendHighS: [-1, 0x88, 0xa8, 0xc8],
  extendLowU: [-1, 0x89, 0xa9, 0xc9],
  extendHighU: [-1, 0x8a, 0xaa, 0xca],
  /** Full products of lanes of half the width. */
  multiplyLowS: [-1, 0x9c, 0xbc, 0xdc],
  multiplyHighS: [-1, 0x9d, 0xbd, 0xdd],
  multiplyLowU: [-1, 0x9e, 0xbe, 0xde],
  multiplyHighU: [-1, 0x9f, 0xbf, 0xdf],
  /** Both operands' lanes of twice the width, saturated to this one. */
  narrowS: [0x65, 0x85, -1, -1],
  narrowU: [0x66, 0x86, -1, -1],
  splat: [0x0f, 0x10, 0x11, 0x12],
} as const satisfies Record<string, ByLane>;

/** Sub-opcodes of operators of a single kind, by their WebAssembly names. */
export const VECTOR_OPERATOR = {
  swizzle: 0x0e,
  not: 0x4d,
  and: 0x4e,
  /** a and not b. */
  andNot: 0x4f,
  or: 0x50,
  xor: 0x51,
  i16x8Q15MultiplySaturateS: 0x82,
  i32x4Dot: 0xba,
  i16x8AddPairwiseU: 0x7d,
  i32x4AddPairwiseU: 0x7f,
} as const;

/** The position of a lane width in a row of `LANES`. */
export const laneIndex = (bits: 8 | 16 | 32 | 64): 0 | 1 | 2 | 3 =>
  bits === 8 ? 0 : bits === 16 ? 1 : bits === 32 ? 2 : 3;

/** Bits of `a` where `mask` has ones, else of `b`. */
export const bitSelect = (a: V128, b: V128, mask: V128): V128 => simd('v128', 0x52, [a, b, mask]);

/** 1 when any bit is set. */
export const anyTrue = (a: V128): I32 => simd('i32', 0x53, [a]);
