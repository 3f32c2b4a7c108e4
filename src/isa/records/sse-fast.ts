/**
 * When WebAssembly's arithmetic gives exactly what the processor would: the mode is round-to-nearest, every exception is
 * masked, the operands are zero or normal, the result is normal and above the smallest binade or a zero that is no
 * underflow, and PE stands already or the result is exact, so that no flag changes and no NaN can have come out.
 * Source: SDM Vol. 1, 4.9 (conditions of the exceptions), 10.2.3 (MXCSR). That a sum is exact is told by its error (Knuth,
 * The Art of Computer Programming, Vol. 2, 4.2.2, theorem B).
 */
import { f32, f64, i32, i64, select } from '../../wasm/expr';
import type { F32, F64, I32, I64 } from '../../wasm/expr';
import type { Int, Semantics } from '../semantics';

/** RC and all masks: the fast path wants nearest, all set. */
const MXCSR_MASK = 0x7f80;
const MXCSR_FAST = 0x1f80;
const MXCSR_PE = 0x20;

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

/** 1 when it is +0 or -0. */
function isZero(bits: Int): I32 {
  return bits.type === 'i64'
    ? i64.eqz(i64.shl(bits as I64, i64.const(1)))
    : i32.eqz(i32.shl(bits as I32, i32.const(1)));
}

const isNumber = (bits: Int): I32 => i32.or(exponentFrom(1, bits), isZero(bits));

/** 1 when both values are zero or normal numbers, whose comparison raises nothing. */
export function areNumbers(a: Int, b: Int): I32 {
  return i32.and(isNumber(a), isNumber(b));
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

/** 1 when the significands of two values have so few bits that their product has them all. */
function haveExactProduct(a: Int, b: Int): I32 {
  if (a.type === 'i64') {
    const zeros = (bits: I64): I64 => i64.ctz(i64.or(bits, i64.const(1n << 52n)));
    return i64.geU(i64.add(zeros(a as I64), zeros(b as I64)), i64.const(53));
  }
  const zeros = (bits: I32): I32 => i32.ctz(i32.or(bits, i32.const(1 << 23)));
  return i32.geU(i32.add(zeros(a as I32), zeros(b as I32)), i32.const(24));
}

/** 1 when both are bits of the same number. */
function isSame(a: Int, b: Int): I32 {
  return a.type === 'i64' ? f64.eq(double(a), double(b)) : f32.eq(single(a), single(b));
}

/** 1 only when `result`, which did not overflow or underflow, is exact. */
function isExact(m: Semantics, operator: ScalarOperator, a: Int, b: Int, result: Int): I32 {
  switch (operator) {
    case 'ADD':
    case 'SUB': {
      const inverse = operator === 'ADD' ? 'SUB' : 'ADD';
      const other = m.let(compute('SUB', result, a));
      // What rounding left of a, and of b with its sign turned.
      const ofA = compute('SUB', a, compute('SUB', result, other));
      return isSame(ofA, compute(inverse, other, b));
    }
    case 'MUL':
      return haveExactProduct(a, b);
    case 'DIV':
      // A remainder would be no less than the last place of what is divided, which is more than rounding takes away.
      return haveExactProduct(result, b);
    case 'SQRT':
      return i32.and(haveExactProduct(result, result), isSame(compute('MUL', result, result), b));
  }
}

/** 1 when a result of zero follows from operands of zero, or from the difference of equal ones. */
function isTrueZero(operator: ScalarOperator, a: Int, b: Int, result: Int): I32 {
  if (operator === 'MUL') return i32.and(isZero(result), i32.or(isZero(a), isZero(b)));
  return operator === 'DIV' ? i32.and(isZero(result), isZero(a)) : isZero(result);
}

/** The result's bits and whether they count; the operands are bits of singles (i32) or doubles (i64). */
export function fastScalar(m: Semantics, operator: ScalarOperator, a: Int, b: Int): { result: Int; counts: I32 } {
  const result = m.let(compute(operator, a, b));
  const mxcsr = m.let(m.state('mxcsr'));
  const settings = i32.eq(i32.and(mxcsr, i32.const(MXCSR_MASK)), i32.const(MXCSR_FAST));
  const keepsPe = i32.or(i32.and(mxcsr, i32.const(MXCSR_PE)), isExact(m, operator, a, b, result));
  const isInRange = i32.or(exponentFrom(2, result), isTrueZero(operator, a, b, result));
  const agrees = i32.and(i32.and(settings, areNumbers(a, b)), isInRange);
  return { result, counts: m.let(i32.and(agrees, i32.ne(keepsPe, i32.const(0)))) };
}

/** ZF and CF of a comparison of two zeros or normal numbers. */
export function fastComparison(a: Int, b: Int): I32 {
  const isWide = a.type === 'i64';
  const equal = isWide ? f64.eq(double(a), double(b)) : f32.eq(single(a), single(b));
  const less = isWide ? f64.lt(double(a), double(b)) : f32.lt(single(a), single(b));
  return select(equal, i32.const(0x40), less);
}

/** PM and PE: an inexact conversion then changes nothing. */
const MXCSR_INEXACT = 0x1020;
const DOUBLE_BIAS = 1023;

/** 1 when truncating a double to a signed integer of `width` bits fits, and is exact or PE is masked and stands. */
export function truncates(m: Semantics, value: I64, width: 32 | 64): I32 {
  const exponent = i64.and(i64.shrU(value, i64.const(52)), i64.const(0x7ff));
  const fits = i64.ltU(exponent, i64.const(DOUBLE_BIAS + width - 1));
  const inexact = i32.const(MXCSR_INEXACT);
  const isInteger = f64.eq(f64.trunc(double(value)), double(value));
  return m.let(i32.and(fits, i32.or(isInteger, i32.eq(i32.and(m.state('mxcsr'), inexact), inexact))));
}

/** A double truncated to a signed integer; WebAssembly traps unless `truncates` holds. */
export function truncated(value: I64, width: 32 | 64): Int {
  return width === 64 ? i64.truncF64S(double(value)) : i32.truncF64S(double(value));
}

/** 1 when a signed integer of at least `width` bits has no more of them than the significand of such a number. */
export function convertsExactly(value: Int, width: 32 | 64): I32 {
  const digits = width === 64 ? 53 : 24;
  if (value.type === 'i64') {
    const limit = 1n << BigInt(digits);
    return i64.leU(i64.add(value as I64, i64.const(limit)), i64.const(2n * limit));
  }
  return i32.leU(i32.add(value as I32, i32.const(1 << digits)), i32.const(2 << digits));
}

/** A signed integer that has fewer bits, or of which `convertsExactly` holds, as the bits of a number of `width` bits. */
export function converted(value: Int, width: 32 | 64): Int {
  if (width === 64) {
    const result = value.type === 'i64' ? f64.convertI64S(value as I64) : f64.convertI32S(value as I32);
    return i64.reinterpretF64(result);
  }
  return i32.reinterpretF32(value.type === 'i64' ? f32.convertI64S(value as I64) : f32.convertI32S(value as I32));
}

/** A single that is zero or normal as a double, exactly. */
export function widened(value: I32): I64 {
  return i64.reinterpretF64(f64.promote(single(value)));
}
