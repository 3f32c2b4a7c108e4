// RCPSS and RSQRTSS (and their packed forms): approximations in single precision, which raise no exceptions.
// Source: SDM Vol. 2, RCPPS, RSQRTPS (relative error at most 1.5 * 2^-12; denormal operands count as zeros, tiny
// results become zeros). Our choice within that bound: the exact result truncated to 14 significant bits.

import { F32 } from './formats';
import { defaultNaN, isNaNOrUnsupported } from './nan';
import { bitLength, integerSquareRoot, Kind, zero } from './value';
import type { Unpacked } from './value';

const ESTIMATE_BITS = 14;
const QUIET_BIT = 1n << 62n;

function packEstimate(sign: 0 | 1, significand: bigint, exponent: number): number {
  const spare = bitLength(significand) - ESTIMATE_BITS;
  const leading = exponent + bitLength(significand) - 1;
  if (leading < F32.minExponent) return F32.pack(sign, 0, 0n);
  if (leading > F32.maxExponent) return F32.infinity(sign);
  return F32.pack(sign, leading, (significand >> BigInt(spare)) << BigInt(F32.precision - ESTIMATE_BITS));
}

function operandOf(bits: number): Unpacked {
  const value = F32.unpack(bits);
  return value.denormal ? zero(value.sign) : value;
}

/** RCPSS: an estimate of 1/x of a single-precision value. */
export function reciprocalEstimate(bits: number): number {
  const value = operandOf(bits);
  if (isNaNOrUnsupported(value)) return F32.nan(value.sign, value.significand | QUIET_BIT);
  if (value.kind === Kind.Zero) return F32.infinity(value.sign);
  if (value.kind === Kind.Infinity) return F32.pack(value.sign, 0, 0n);
  return packEstimate(value.sign, (1n << 64n) / value.significand, -64 - value.exponent);
}

/** RSQRTSS: an estimate of 1/sqrt(x) of a single-precision value; the QNaN indefinite for negative values. */
export function reciprocalSquareRootEstimate(bits: number): number {
  const value = operandOf(bits);
  if (isNaNOrUnsupported(value)) return F32.nan(value.sign, value.significand | QUIET_BIT);
  if (value.kind === Kind.Zero) return F32.infinity(value.sign);
  if (value.sign === 1) return defaultNaN(F32);
  if (value.kind === Kind.Infinity) return F32.pack(0, 0, 0n);
  const odd = (value.exponent & 1) !== 0;
  const significand = odd ? value.significand << 1n : value.significand;
  const exponent = odd ? value.exponent - 1 : value.exponent;
  return packEstimate(0, integerSquareRoot((1n << 128n) / significand), -64 - exponent / 2);
}
