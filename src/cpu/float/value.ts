// A floating-point value taken apart, the same for every format, and the integer tools that work on significands.
// Source: SDM Vol. 1, 4.8.3 (classes), 8.2.2 (unsupported double extended encodings).

/** Classes of values, NaNs and unsupported encodings last so that `kind >= Kind.QuietNaN` finds them. */
export const Kind = { Zero: 0, Finite: 1, Infinity: 2, QuietNaN: 3, SignalingNaN: 4, Unsupported: 5 } as const;
/** A class of values. */
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * A value taken apart. A finite one is (-1)^sign * significand * 2^exponent, exactly, the significand not normalized.
 * A NaN's significand is aligned as in double extended precision: bit 63 set, bit 62 the quiet bit.
 */
export interface Unpacked {
  readonly kind: Kind;
  readonly sign: 0 | 1;
  /** Weight of the significand's lowest bit as a power of two. */
  readonly exponent: number;
  readonly significand: bigint;
  /** Its encoding is a denormal (or a pseudo-denormal): using it raises DE. */
  readonly denormal: boolean;
}

/** A zero of the given sign. */
export function zero(sign: 0 | 1): Unpacked {
  return { kind: Kind.Zero, sign, exponent: 0, significand: 0n, denormal: false };
}

/** An infinity of the given sign. */
export function infinity(sign: 0 | 1): Unpacked {
  return { kind: Kind.Infinity, sign, exponent: 0, significand: 0n, denormal: false };
}

/** A finite value, or zero when the significand is 0. */
export function finite(sign: 0 | 1, significand: bigint, exponent: number): Unpacked {
  return { kind: significand === 0n ? Kind.Zero : Kind.Finite, sign, exponent, significand, denormal: false };
}

/** The same value with its sign reversed. */
export function negated(value: Unpacked): Unpacked {
  return { ...value, sign: value.sign === 0 ? 1 : 0 };
}

/** The same value with sign 0. */
export function magnitude(value: Unpacked): Unpacked {
  return value.sign === 0 ? value : { ...value, sign: 0 };
}

const scratch = new DataView(new ArrayBuffer(8));

/** The number of bits up to and including the highest set one; 0 for 0n. The value must not be negative. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const approximate = Number(value);
  if (approximate === Infinity) return bitLength(value >> 1000n) + 1000;
  scratch.setFloat64(0, approximate);
  const high = scratch.getUint32(0);
  const length = (high >>> 20) - 1022;
  // The conversion may have rounded up to the next power of two.
  const isPower = (high & 0xfffff) === 0 && scratch.getUint32(4) === 0;
  return isPower && value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** The power of two of a finite value's highest set bit. */
export function leadingExponent(value: Unpacked): number {
  return value.exponent + bitLength(value.significand) - 1;
}

/** The floor of the square root of a value that is not negative. */
export function integerSquareRoot(value: bigint): bigint {
  if (value === 0n) return 0n;
  // Newton's iteration from above decreases strictly until it reaches the floor.
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
