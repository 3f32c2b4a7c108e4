// Elementary functions on binary fixed-point numbers: bigints that count units of 2^-bits. Each result is off by a few
// dozen units at most; callers take about 130 bits more than they need.
// Source: the functions' Taylor series; no x86 rule lives here.

import { integerSquareRoot } from './value';

const CONSTANT_BITS = 512;

/** The inverse tangent of 1/n by its series. */
function arctangentOfInverse(n: bigint, bits: number): bigint {
  let power = (1n << BigInt(bits)) / n;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? power / k : -(power / k);
    power /= n * n;
  }
  return sum;
}

/** The natural logarithm of (1 + z) / (1 - z), |z| < 1/2. */
function logarithmFromRatio(z: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const square = (z * z) >> shift;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power / k !== 0n; k += 2n) {
    sum += power / k;
    power = (power * square) >> shift;
  }
  return 2n * sum;
}

// Machin's formula, and ln 2 = ln((1 + 1/3) / (1 - 1/3)); 40 guard bits.
const GUARDED = CONSTANT_BITS + 40;
const PI = (16n * arctangentOfInverse(5n, GUARDED) - 4n * arctangentOfInverse(239n, GUARDED)) >> 40n;
const LN2 = logarithmFromRatio((1n << BigInt(GUARDED)) / 3n, GUARDED) >> 40n;

/** Pi with `bits` (at most 512) fraction bits. */
export function pi(bits: number): bigint {
  return PI >> BigInt(CONSTANT_BITS - bits);
}

/** The natural logarithm of 2 with `bits` (at most 512) fraction bits. */
export function naturalLogarithmOf2(bits: number): bigint {
  return LN2 >> BigInt(CONSTANT_BITS - bits);
}

/** Sine and cosine of an angle of at most 1 in magnitude. */
export function sineAndCosine(angle: bigint, bits: number): { sine: bigint; cosine: bigint } {
  const shift = BigInt(bits);
  let term = 1n << shift;
  let sine = 0n;
  let cosine = term;
  for (let k = 1n; term !== 0n && term !== -1n; k += 1n) {
    term = ((term * angle) >> shift) / k;
    const positive = (k & 2n) === 0n;
    if ((k & 1n) === 0n) cosine += positive ? term : -term;
    else sine += positive ? term : -term;
  }
  return { sine, cosine };
}

/** The inverse tangent of a value from 0 to 1. */
export function arctangent(value: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const one = 1n << shift;
  // atan z = 2 atan(z / (1 + sqrt(1 + z^2))): four halvings bring the series' argument below 1/16.
  let z = value;
  for (let halving = 0; halving < 4; halving++) z = (z << shift) / (one + integerSquareRoot((one << shift) + z * z));
  const square = (z * z) >> shift;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power / k !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? power / k : -(power / k);
    power = (power * square) >> shift;
  }
  return sum << 4n;
}

/** e^value - 1 for a value of at most 1 in magnitude. */
export function exponentialMinus1(value: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  let term = value;
  let sum = 0n;
  for (let k = 2n; term !== 0n && term !== -1n; k += 1n) {
    sum += term;
    term = ((term * value) >> shift) / k;
  }
  return sum;
}

/** The base-2 logarithm of numerator / denominator, both positive and their ratio from 1/2 to 2. */
export function logarithm2OfRatio(numerator: bigint, denominator: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const z = ((numerator - denominator) << shift) / (numerator + denominator);
  return (logarithmFromRatio(z, bits) << shift) / naturalLogarithmOf2(bits);
}
