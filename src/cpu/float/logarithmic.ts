// F2XM1, FYL2X and FYL2XP1, computed on bigints: the same bits on every host, well within 1 ulp.
// Source: SDM Vol. 1, 8.3.9, 8.3.10; Vol. 2, the instructions' tables of special operands. Where the SDM leaves the
// result undefined: F2XM1 of more than 1 in magnitude returns its operand, FYL2XP1 of -1 or less is invalid, and
// FYL2XP1 beyond its stated range is still y * log2(x + 1).

import { Exception } from './context';
import type { FloatContext } from './context';
import { exponentialMinus1, logarithm2OfRatio, naturalLogarithmOf2 } from './fixed-point';
import { F80 } from './formats';
import type { Extended } from './formats';
import { invalid, isNaNOrUnsupported, noteDenormals, propagate, propagateOne } from './nan';
import { round } from './round';
import { bitLength, Kind, leadingExponent } from './value';
import type { Unpacked } from './value';

/** Smaller operands than two to this power have functions that their first Taylor term rounds to. */
const LINEAR = -140;
const CONSTANT_BITS = 400;

/** A logarithm: sign, and magnitude significand * 2^exponent; `exact` when nothing was cut off. */
interface Logarithm {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  readonly exact: boolean;
}

function signOf(a: 0 | 1, b: 0 | 1): 0 | 1 {
  return a === b ? 0 : 1;
}

/** F2XM1: 2^x - 1 for x from -1 to 1. */
export function exponential2Minus1(context: FloatContext, x: Unpacked): Extended {
  if (isNaNOrUnsupported(x)) return propagateOne(context, F80, x);
  if (x.kind === Kind.Infinity) return x.sign === 0 ? F80.infinity(0) : F80.pack(1, 0, 1n << 63n);
  if (x.kind === Kind.Zero) return F80.pack(x.sign, 0, 0n);
  noteDenormals(context, x, x);
  const leading = leadingExponent(x);
  if (leading >= 0) {
    const isMinus1 =
      x.sign === 1 && leading === 0 && bitLength(x.significand & -x.significand) === bitLength(x.significand);
    return round(context, F80, F80.precision, x.sign, x.significand, isMinus1 ? x.exponent - 1 : x.exponent);
  }
  if (leading < LINEAR) {
    const significand = x.significand * naturalLogarithmOf2(CONSTANT_BITS);
    return round(context, F80, F80.precision, x.sign, (significand << 1n) | 1n, x.exponent - CONSTANT_BITS - 1);
  }
  const bits = 200 - leading;
  const product = (x.significand * naturalLogarithmOf2(bits)) >> BigInt(-x.exponent);
  const power = exponentialMinus1(x.sign === 0 ? product : -product, bits);
  const size = power < 0n ? -power : power;
  return round(context, F80, F80.precision, x.sign, (size << 1n) | 1n, -bits - 1);
}

/** y times a logarithm, rounded. */
function timesLogarithm(context: FloatContext, y: Unpacked, logarithm: Logarithm): Extended {
  const sign = signOf(y.sign, logarithm.negative ? 1 : 0);
  const significand = y.significand * logarithm.significand;
  if (significand === 0n) return F80.pack(sign, 0, 0n);
  const sticky = logarithm.exact ? 0n : 1n;
  const exponent = y.exponent + logarithm.exponent - 1;
  return round(context, F80, F80.precision, sign, (significand << 1n) | sticky, exponent);
}

/** log2 of significand * 2^exponent, positive. */
function logarithm2(significand: bigint, exponent: number): Logarithm {
  const length = bitLength(significand);
  // The mantissa from 3/4 to 3/2, so that values near 1 keep a power of 0 and all their precision.
  const high = length > 1 && significand >= 3n << BigInt(length - 2);
  const mantissaExponent = high ? length : length - 1;
  const power = exponent + mantissaExponent;
  if (significand === 1n << BigInt(length - 1)) {
    return { negative: power < 0, significand: BigInt(Math.abs(power)), exponent: 0, exact: true };
  }
  // 1 - x may be as small as 2^-(length): that many more bits.
  const bits = 200 + length;
  const fraction = logarithm2OfRatio(significand, 1n << BigInt(mantissaExponent), bits);
  const value = (BigInt(power) << BigInt(bits)) + fraction;
  return { negative: value < 0n, significand: value < 0n ? -value : value, exponent: -bits, exact: false };
}

/** FYL2X: y * log2(x); y is ST(1), x is ST(0). */
export function yTimesLogarithm2(context: FloatContext, y: Unpacked, x: Unpacked): Extended {
  if (isNaNOrUnsupported(y) || isNaNOrUnsupported(x)) return propagate(context, F80, x, y);
  if (x.kind === Kind.Zero) {
    if (y.kind === Kind.Zero) return invalid(context, F80);
    if (y.kind === Kind.Finite) context.raise(Exception.ZE);
    return F80.infinity(signOf(y.sign, 1));
  }
  if (x.sign === 1) return invalid(context, F80);
  if (x.kind === Kind.Infinity) {
    if (y.kind === Kind.Zero) return invalid(context, F80);
    noteDenormals(context, y, y);
    return F80.infinity(y.sign);
  }
  const logarithm = logarithm2(x.significand, x.exponent);
  if (y.kind === Kind.Infinity) {
    if (logarithm.significand === 0n) return invalid(context, F80);
    noteDenormals(context, x, x);
    return F80.infinity(signOf(y.sign, logarithm.negative ? 1 : 0));
  }
  noteDenormals(context, x, y);
  return timesLogarithm(context, y, logarithm);
}

/** FYL2XP1: y * log2(x + 1); y is ST(1), x is ST(0). */
export function yTimesLogarithm2Plus1(context: FloatContext, y: Unpacked, x: Unpacked): Extended {
  if (isNaNOrUnsupported(y) || isNaNOrUnsupported(x)) return propagate(context, F80, x, y);
  if (x.kind === Kind.Infinity) {
    if (x.sign === 1 || y.kind === Kind.Zero) return invalid(context, F80);
    noteDenormals(context, y, y);
    return F80.infinity(y.sign);
  }
  if (x.kind === Kind.Zero || y.kind === Kind.Infinity) {
    if (x.kind === Kind.Zero && y.kind === Kind.Infinity) return invalid(context, F80);
    noteDenormals(context, x, y);
    const sign = signOf(x.sign, y.sign);
    return y.kind === Kind.Infinity ? F80.infinity(sign) : F80.pack(sign, 0, 0n);
  }
  const leading = leadingExponent(x);
  if (x.sign === 1 && leading >= 0) return invalid(context, F80);
  noteDenormals(context, x, y);
  return timesLogarithm(context, y, logarithm2Plus1(x, leading));
}

function logarithm2Plus1(x: Unpacked, leading: number): Logarithm {
  if (leading > -LINEAR) return logarithm2(x.significand, x.exponent);
  if (leading < LINEAR) {
    const bits = 200;
    const inverse = (1n << BigInt(bits + CONSTANT_BITS)) / naturalLogarithmOf2(CONSTANT_BITS);
    return { negative: x.sign === 1, significand: x.significand * inverse, exponent: x.exponent - bits, exact: false };
  }
  if (x.exponent >= 0) return logarithm2((x.significand << BigInt(x.exponent)) + 1n, 0);
  const one = 1n << BigInt(-x.exponent);
  return logarithm2(x.sign === 0 ? one + x.significand : one - x.significand, x.exponent);
}
