// Conversions to and from signed integers and packed BCD, and rounding to an integral value.
// Source: SDM Vol. 1, 4.2.1, 4.7, 8.1.2 (indefinite values); Vol. 2, FILD, FIST, FISTTP, FBLD, FBSTP, FRNDINT,
// CVTSI2SD, CVTSD2SI, CVTTSD2SI, ROUNDSD.

import { Exception } from './context';
import type { FloatContext, Rounding } from './context';
import { F80 } from './formats';
import type { Extended, Format } from './formats';
import { isNaNOrUnsupported, noteDenormals, propagateOne, seen } from './nan';
import { round, shiftAndRound } from './round';
import { bitLength, Kind, leadingExponent } from './value';
import type { Unpacked } from './value';

const PACKED_BCD_INDEFINITE = 0xffffc000000000000000n;
const PACKED_BCD_LIMIT = 10n ** 18n;

/** A signed integer as a floating-point value, rounded to the format's precision; raises PE. */
export function fromInteger<T>(context: FloatContext, format: Format<T>, value: bigint): T {
  if (value === 0n) return format.pack(0, 0, 0n);
  const sign = value < 0n ? 1 : 0;
  return round(context, format, format.precision, sign, value < 0n ? -value : value, 0);
}

/** Runs `body` with another rounding mode. */
function withRounding<R>(context: FloatContext, rounding: Rounding, body: () => R): R {
  const saved = context.rounding;
  context.rounding = rounding;
  const result = body();
  context.rounding = saved;
  return result;
}

/** The magnitude rounded to an integer, or undefined when it has more than 70 bits, or is not a number. */
function integralMagnitude(context: FloatContext, value: Unpacked): bigint | undefined {
  if (value.kind === Kind.Zero) return 0n;
  if (value.kind !== Kind.Finite || leadingExponent(value) > 70) return undefined;
  return shiftAndRound(context, value.sign, value.significand, -value.exponent);
}

/**
 * The value rounded to a signed integer of `width` bits; raises PE, or IE when it does not fit, and is then the integer
 * indefinite, -2^(width-1). `rounding` overrides the context's mode (truncating forms). DE is never raised.
 */
export function toInteger(
  context: FloatContext,
  operand: Unpacked,
  width: 16 | 32 | 64,
  rounding: Rounding = context.rounding,
): bigint {
  const value = seen(context, operand);
  const magnitude = withRounding(context, rounding, () => integralMagnitude(context, value));
  const limit = 1n << BigInt(width - 1);
  if (magnitude === undefined || magnitude > limit || (magnitude === limit && value.sign === 0)) {
    context.roundedUp = false;
    context.raise(Exception.IE);
    return -limit;
  }
  if (context.inexact) context.raise(Exception.PE);
  return value.sign === 0 ? magnitude : -magnitude;
}

/** FBLD: an 80-bit packed BCD integer as a value, exactly; a digit above 9, whose result is undefined, counts as its value. */
export function fromPackedBcd(bits: bigint): Extended {
  const sign = ((bits >> 79n) & 1n) === 0n ? 0 : 1;
  let value = 0n;
  for (let digit = 17n; digit >= 0n; digit -= 1n) value = value * 10n + ((bits >> (digit * 4n)) & 15n);
  const length = bitLength(value);
  return length === 0 ? F80.pack(sign, 0, 0n) : F80.pack(sign, length - 1, value << BigInt(64 - length));
}

/** FBSTP: the value rounded to 18 packed decimal digits (80 bits); raises PE, or IE with the packed BCD indefinite. */
export function toPackedBcd(context: FloatContext, value: Unpacked): bigint {
  let rest = integralMagnitude(context, value);
  if (rest === undefined || rest >= PACKED_BCD_LIMIT) {
    context.roundedUp = false;
    context.raise(Exception.IE);
    return PACKED_BCD_INDEFINITE;
  }
  if (context.inexact) context.raise(Exception.PE);
  let bits = value.sign === 0 ? 0n : 1n << 79n;
  for (let shift = 0n; rest > 0n; shift += 4n) {
    bits |= (rest % 10n) << shift;
    rest /= 10n;
  }
  return bits;
}

/**
 * The value rounded to an integral value in its own format (FRNDINT, ROUNDSD); raises PE unless `quietPrecision`, and
 * DE on the x87 only. A zero result keeps the operand's sign.
 */
export function roundToIntegral<T>(
  context: FloatContext,
  format: Format<T>,
  operand: Unpacked,
  rounding: Rounding = context.rounding,
  quietPrecision = false,
): T {
  const value = seen(context, operand);
  if (isNaNOrUnsupported(value)) return propagateOne(context, format, value);
  if (value.kind === Kind.Infinity) return format.infinity(value.sign);
  if (value.kind === Kind.Zero) return format.pack(value.sign, 0, 0n);
  if (context.unit === 'x87') noteDenormals(context, value, value);
  if (context.blocked) return format.pack(value.sign, 0, 0n);
  if (value.exponent >= 0) {
    return round(context, format, format.precision, value.sign, value.significand, value.exponent);
  }
  const integral = withRounding(context, rounding, () =>
    shiftAndRound(context, value.sign, value.significand, -value.exponent),
  );
  if (context.inexact && !quietPrecision) context.raise(Exception.PE);
  const length = bitLength(integral);
  return format.pack(value.sign, length - 1, length === 0 ? 0n : integral << BigInt(format.precision - length));
}
