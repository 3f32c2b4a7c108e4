// Addition, subtraction, multiplication, division and square root, for the x87 and SSE alike.
// Source: SDM Vol. 1, 4.8.4, 4.9; Vol. 2, FADD, FSUB, FMUL, FDIV, FSQRT, ADDSD, SUBSD, MULSD, DIVSD, SQRTSD.

import { Exception, Rounding } from './context';
import type { FloatContext } from './context';
import type { Format } from './formats';
import { invalid, isNaNOrUnsupported, noteDenormals, propagate, propagateOne, seen } from './nan';
import { round } from './round';
import { bitLength, integerSquareRoot, Kind, leadingExponent, negated } from './value';
import type { Unpacked } from './value';

/** The significand bits an arithmetic result of this format is rounded to: x87 results obey precision control. */
function resultPrecision<T>(context: FloatContext, format: Format<T>): number {
  return format.extended ? context.precision : format.precision;
}

/** The sign of an exact zero sum of values that differ in sign: minus only when rounding down (SDM Vol. 1, 4.8.3.1). */
function zeroSumSign(context: FloatContext): 0 | 1 {
  return context.rounding === Rounding.Down ? 1 : 0;
}

/** a + b, rounded. IE for infinities of opposite signs. */
export function add<T>(context: FloatContext, format: Format<T>, first: Unpacked, second: Unpacked): T {
  const a = seen(context, first);
  const b = seen(context, second);
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return propagate(context, format, a, b);
  return sum(context, format, a, b);
}

/** a - b, rounded. IE for infinities of the same sign; a NaN operand keeps its own sign. */
export function subtract<T>(context: FloatContext, format: Format<T>, first: Unpacked, second: Unpacked): T {
  const a = seen(context, first);
  const b = seen(context, second);
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return propagate(context, format, a, b);
  return sum(context, format, a, negated(b));
}

function sum<T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked): T {
  if (a.kind === Kind.Infinity || b.kind === Kind.Infinity) {
    if (a.kind === b.kind && a.sign !== b.sign) return invalid(context, format);
    noteDenormals(context, a, b);
    return format.infinity(a.kind === Kind.Infinity ? a.sign : b.sign);
  }
  noteDenormals(context, a, b);
  const precision = resultPrecision(context, format);
  if (a.kind === Kind.Zero || b.kind === Kind.Zero) {
    const other = a.kind === Kind.Zero ? b : a;
    if (other.kind !== Kind.Zero)
      return round(context, format, precision, other.sign, other.significand, other.exponent);
    return format.pack(a.sign === b.sign ? a.sign : zeroSumSign(context), 0, 0n);
  }
  const [high, low] = leadingExponent(a) >= leadingExponent(b) ? [a, b] : [b, a];
  let highSignificand = high.significand;
  let lowSignificand = low.significand;
  let exponent = low.exponent;
  if (leadingExponent(high) - leadingExponent(low) > 140) {
    // The smaller operand lies below every bit that rounding looks at: any value that small will do.
    highSignificand <<= 140n;
    lowSignificand = 1n;
    exponent = high.exponent - 140;
  } else if (high.exponent >= low.exponent) {
    highSignificand <<= BigInt(high.exponent - low.exponent);
  } else {
    lowSignificand <<= BigInt(low.exponent - high.exponent);
    exponent = high.exponent;
  }
  if (high.sign === low.sign) {
    return round(context, format, precision, high.sign, highSignificand + lowSignificand, exponent);
  }
  const difference = highSignificand - lowSignificand;
  if (difference === 0n) return format.pack(zeroSumSign(context), 0, 0n);
  if (difference > 0n) return round(context, format, precision, high.sign, difference, exponent);
  return round(context, format, precision, low.sign, -difference, exponent);
}

/** a * b, rounded. IE for zero times infinity. */
export function multiply<T>(context: FloatContext, format: Format<T>, first: Unpacked, second: Unpacked): T {
  const a = seen(context, first);
  const b = seen(context, second);
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return propagate(context, format, a, b);
  const sign = a.sign === b.sign ? 0 : 1;
  if (a.kind === Kind.Infinity || b.kind === Kind.Infinity) {
    if (a.kind === Kind.Zero || b.kind === Kind.Zero) return invalid(context, format);
    noteDenormals(context, a, b);
    return format.infinity(sign);
  }
  noteDenormals(context, a, b);
  if (a.kind === Kind.Zero || b.kind === Kind.Zero) return format.pack(sign, 0, 0n);
  const precision = resultPrecision(context, format);
  return round(context, format, precision, sign, a.significand * b.significand, a.exponent + b.exponent);
}

/** a / b, rounded. IE for 0/0 and infinity/infinity, ZE for a finite value other than 0 over 0. */
export function divide<T>(context: FloatContext, format: Format<T>, first: Unpacked, second: Unpacked): T {
  const a = seen(context, first);
  const b = seen(context, second);
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return propagate(context, format, a, b);
  const sign = a.sign === b.sign ? 0 : 1;
  if (a.kind === b.kind && a.kind !== Kind.Finite) return invalid(context, format);
  if (b.kind === Kind.Zero && a.kind === Kind.Finite) {
    context.raise(Exception.ZE);
    return format.infinity(sign);
  }
  noteDenormals(context, a, b);
  if (a.kind === Kind.Infinity || b.kind === Kind.Zero) return format.infinity(sign);
  if (a.kind === Kind.Zero || b.kind === Kind.Infinity) return format.pack(sign, 0, 0n);
  const precision = resultPrecision(context, format);
  // Two bits more than the result has, and the remainder as a sticky bit below them.
  const scale = Math.max(0, precision + 2 - (bitLength(a.significand) - bitLength(b.significand)));
  const dividend = a.significand << BigInt(scale);
  const quotient = dividend / b.significand;
  const sticky = quotient * b.significand === dividend ? 0n : 1n;
  return round(context, format, precision, sign, (quotient << 1n) | sticky, a.exponent - b.exponent - scale - 1);
}

/** The square root, rounded. IE for every negative value but -0. */
export function squareRoot<T>(context: FloatContext, format: Format<T>, operand: Unpacked): T {
  const a = seen(context, operand);
  if (isNaNOrUnsupported(a)) return propagateOne(context, format, a);
  if (a.kind === Kind.Zero) return format.pack(a.sign, 0, 0n);
  if (a.sign === 1) return invalid(context, format);
  noteDenormals(context, a, a);
  if (a.kind === Kind.Infinity) return format.infinity(0);
  const precision = resultPrecision(context, format);
  let scale = Math.max(0, 2 * precision + 4 - bitLength(a.significand));
  if (((a.exponent - scale) & 1) !== 0) scale += 1;
  const radicand = a.significand << BigInt(scale);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return round(context, format, precision, 0, (root << 1n) | sticky, (a.exponent - scale) / 2 - 1);
}
