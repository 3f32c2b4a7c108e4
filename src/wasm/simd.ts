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
