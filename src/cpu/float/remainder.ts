// FPREM and FPREM1: the partial remainder, reduced by at most 63 powers of two at a time.
// Source: SDM Vol. 2, FPREM, FPREM1. Where the SDM leaves the size N of an incomplete reduction to the implementation
// (32 to 63), N = 32 + (D modulo 32), D being the difference of the exponents.

import type { FloatContext } from './context';
import { F80 } from './formats';
import type { Extended } from './formats';
import { invalid, isNaNOrUnsupported, noteDenormals, propagate } from './nan';
import { round } from './round';
import { Kind, leadingExponent } from './value';
import type { Unpacked } from './value';

/** What FPREM and FPREM1 leave. */
export interface PartialRemainder {
  /** The new ST(0). */
  readonly value: Extended;
  /** The quotient's low three bits (Q2 Q1 Q0), for C0, C3 and C1; 0 when the reduction is incomplete or there is none. */
  readonly quotient: number;
  /** The reduction is incomplete: C2. */
  readonly incomplete: boolean;
}

/** ST(0) modulo ST(1); `nearest` is FPREM1, whose quotient is rounded to the nearest integer instead of truncated. */
export function partialRemainder(context: FloatContext, a: Unpacked, b: Unpacked, nearest: boolean): PartialRemainder {
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) return whole(propagate(context, F80, a, b));
  if (a.kind === Kind.Infinity || b.kind === Kind.Zero) return whole(invalid(context, F80));
  noteDenormals(context, a, b);
  if (a.kind === Kind.Zero) return whole(F80.pack(a.sign, 0, 0n));
  if (b.kind === Kind.Infinity) return whole(rounded(context, a.sign, a.significand, a.exponent));
  const distance = leadingExponent(a) - leadingExponent(b);
  if (distance < -1) return whole(rounded(context, a.sign, a.significand, a.exponent));
  // The quotient is taken in units of 2^skip.
  const skip = distance < 64 ? 0 : distance - (32 + (distance % 32));
  const divisorExponent = b.exponent + skip;
  const exponent = Math.min(a.exponent, divisorExponent);
  const dividend = a.significand << BigInt(a.exponent - exponent);
  const divisor = b.significand << BigInt(divisorExponent - exponent);
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  let sign = a.sign;
  if (nearest && skip === 0 && (2n * rest > divisor || (2n * rest === divisor && (quotient & 1n) === 1n))) {
    quotient += 1n;
    rest = divisor - rest;
    sign = a.sign === 0 ? 1 : 0;
  }
  const value = rest === 0n ? F80.pack(a.sign, 0, 0n) : rounded(context, sign, rest, exponent);
  return skip === 0
    ? { value, quotient: Number(quotient & 7n), incomplete: false }
    : { value, quotient: 0, incomplete: true };
}

function whole(value: Extended): PartialRemainder {
  return { value, quotient: 0, incomplete: false };
}

/** A remainder is exact; only underflow can still concern it. */
function rounded(context: FloatContext, sign: 0 | 1, significand: bigint, exponent: number): Extended {
  return round(context, F80, F80.precision, sign, significand, exponent);
}
