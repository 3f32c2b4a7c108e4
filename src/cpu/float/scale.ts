// FSCALE and FXTRACT.
// Source: SDM Vol. 2, FSCALE (table 3-39), FXTRACT; Vol. 1, 8.5.4 and 8.5.5 (massive overflow and underflow).

import { Exception } from './context';
import type { FloatContext } from './context';
import { F80 } from './formats';
import type { Extended } from './formats';
import { invalid, isNaNOrUnsupported, noteDenormals, propagate, propagateOne } from './nan';
import { round } from './round';
import { bitLength, Kind, leadingExponent } from './value';
import type { Unpacked } from './value';

/** Beyond this power of two even a result with its exponent adjusted is out of range. */
const LARGEST_SCALE = 0x10000;

/** FSCALE: `a` times two to the power of `b` truncated to an integer. */
export function scale(context: FloatContext, a: Unpacked, b: Unpacked): Extended {
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return propagate(context, F80, a, b);
  if (b.kind === Kind.Infinity) {
    if (a.kind === (b.sign === 0 ? Kind.Zero : Kind.Infinity)) return invalid(context, F80);
    noteDenormals(context, a, b);
    return b.sign === 0 ? F80.infinity(a.sign) : F80.pack(a.sign, 0, 0n);
  }
  noteDenormals(context, a, b);
  if (a.kind === Kind.Infinity) return F80.infinity(a.sign);
  if (a.kind === Kind.Zero) return F80.pack(a.sign, 0, 0n);
  return round(context, F80, F80.precision, a.sign, a.significand, a.exponent + truncated(b));
}

/** The value truncated to an integer, its magnitude at most `LARGEST_SCALE`. */
function truncated(value: Unpacked): number {
  if (value.kind === Kind.Zero || leadingExponent(value) < 0) return 0;
  const magnitude = leadingExponent(value) > 16 ? LARGEST_SCALE : Number(shifted(value.significand, value.exponent));
  const bounded = Math.min(magnitude, LARGEST_SCALE);
  return value.sign === 0 ? bounded : -bounded;
}

function shifted(significand: bigint, exponent: number): bigint {
  return exponent >= 0 ? significand << BigInt(exponent) : significand >> BigInt(-exponent);
}

/** What FXTRACT leaves: the unbiased exponent in ST(1), the significand with exponent 0 in ST(0). */
export interface Extracted {
  readonly exponent: Extended;
  readonly significand: Extended;
}

/** FXTRACT. Zero raises ZE and has the exponent minus infinity. */
export function extract(context: FloatContext, a: Unpacked): Extracted {
  if (isNaNOrUnsupported(a)) {
    const nan = propagateOne(context, F80, a);
    return { exponent: nan, significand: nan };
  }
  if (a.kind === Kind.Infinity) return { exponent: F80.infinity(0), significand: F80.infinity(a.sign) };
  if (a.kind === Kind.Zero) {
    context.raise(Exception.ZE);
    return { exponent: F80.infinity(1), significand: F80.pack(a.sign, 0, 0n) };
  }
  noteDenormals(context, a, a);
  const leading = leadingExponent(a);
  const magnitude = BigInt(Math.abs(leading));
  const length = bitLength(magnitude);
  return {
    exponent: F80.pack(leading < 0 ? 1 : 0, length - 1, length === 0 ? 0n : magnitude << BigInt(64 - length)),
    significand: F80.pack(a.sign, 0, a.significand << BigInt(64 - bitLength(a.significand))),
  };
}
