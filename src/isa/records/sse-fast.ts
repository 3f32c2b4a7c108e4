/**
 * When WebAssembly's arithmetic gives exactly what the processor would: the mode is round-to-nearest, every exception is
 * masked and PE stands already, the operands are normal, and the result is normal and above the smallest binade, so that
 * nothing but PE can have been raised and no NaN can have come out.
 * Source: SDM Vol. 1, 4.9 (conditions of the exceptions), 10.2.3 (MXCSR).
 */
import { f32, f64, i32, i64, select } from '../../wasm/expr';
import type { F32, F64, I32, I64 } from '../../wasm/expr';
import type { Int, Semantics } from '../semantics';

/** RC, all masks and PE: the fast path wants nearest, all set, set. */
const MXCSR_MASK = 0x7fa0;
const MXCSR_FAST = 0x1fa0;

/** Arithmetic operators that both have. */
export type ScalarOperator = 'ADD' | 'SUB' | 'MUL' | 'DIV' | 'SQRT';

const OPERATORS = {
  ADD: 'add',
  SUB: 'sub',
  MUL: 'mul',
  DIV: 'div',
} as const;

/** 1 when the biased exponent is from `least` to the largest finite one. */
function exponentFrom(least: 1 | 2, bits: Int): I32 {
  if (bits.type === 'i64') {
    const exponent = i64.and(i64.shrU(bits as I64, i64.const(52)), i64.const(0x7ff));
    return i64.ltU(i64.sub(exponent, i64.const(least)), i64.const(0x7ff - least));
  }
  const exponent = i32.and(i32.shrU(bits as I32, i32.const(23)), i32.const(0xff));
  return i32.ltU(i32.sub(exponent, i32.const(least)), i32.const(0xff - least));
}

/** 1 when both values are normal numbers, whose comparison raises nothing. */
export function areNormal(a: Int, b: Int): I32 {
  return i32.and(exponentFrom(1, a), exponentFrom(1, b));
}

const single = (bits: Int): F32 => f32.reinterpretI32(bits as I32);
const double = (bits: Int): F64 => f64.reinterpretI64(bits as I64);

/** The bits of a `operator` b; of the square root of b. */
function compute(operator: ScalarOperator, a: Int, b: Int): Int {
  if (a.type === 'i64') {
    const result = operator === 'SQRT' ? f64.sqrt(double(b)) : f64[OPERATORS[operator]](double(a), double(b));
    return i64.reinterpretF64(result);
  }
  const result = operator === 'SQRT' ? f32.sqrt(single(b)) : f32[OPERATORS[operator]](single(a), single(b));
  return i32.reinterpretF32(result);
}

/** The result's bits and whether they count; the operands are bits of singles (i32) or doubles (i64). */
export function fastScalar(m: Semantics, operator: ScalarOperator, a: Int, b: Int): { result: Int; isExact: I32 } {
  const result = m.let(compute(operator, a, b));
  const settings = i32.eq(i32.and(m.state('mxcsr'), i32.const(MXCSR_MASK)), i32.const(MXCSR_FAST));
  const isExact = i32.and(i32.and(settings, areNormal(a, b)), exponentFrom(2, result));
  return { result, isExact: m.let(isExact) };
}

/** ZF and CF of a comparison of two normal numbers. */
export function fastComparison(a: Int, b: Int): I32 {
  const isWide = a.type === 'i64';
  const equal = isWide ? f64.eq(double(a), double(b)) : f32.eq(single(a), single(b));
  const less = isWide ? f64.lt(double(a), double(b)) : f32.lt(single(a), single(b));
  return select(equal, i32.const(0x40), less);
}

/** PM and PE: an inexact conversion then changes nothing. */
const MXCSR_INEXACT = 0x1020;
const DOUBLE_BIAS = 1023;

/** 1 when truncating a double to a signed integer of `width` bits fits, and PE is masked and stands. */
export function truncates(m: Semantics, value: I64, width: 32 | 64): I32 {
  const exponent = i64.and(i64.shrU(value, i64.const(52)), i64.const(0x7ff));
  const fits = i64.ltU(exponent, i64.const(DOUBLE_BIAS + width - 1));
  const inexact = i32.const(MXCSR_INEXACT);
  return m.let(i32.and(fits, i32.eq(i32.and(m.state('mxcsr'), inexact), inexact)));
}

/** A double truncated to a signed integer; WebAssembly traps unless `truncates` holds. */
export function truncated(value: I64, width: 32 | 64): Int {
  return width === 64 ? i64.truncF64S(double(value)) : i32.truncF64S(double(value));
}

/** A signed 32-bit integer as a double, always exactly. */
export function doubleOf(value: I32): I64 {
  return i64.reinterpretF64(f64.convertI32S(value));
}

/** A normal single as a double, exactly. */
export function widened(value: I32): I64 {
  return i64.reinterpretF64(f64.promote(single(value)));
}
