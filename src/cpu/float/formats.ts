// The binary formats: single (32 bits), double (64 bits) and double extended precision (80 bits).
// Source: SDM Vol. 1, 4.2.2, 4.8.3 and tables 4-2, 4-3; unsupported encodings: 8.2.2 and table 8-3.
// NOT IMPLEMENTED: half precision (it comes with F16C).

import { finite, infinity, Kind, zero } from './value';
import type { Unpacked } from './value';

/** A double extended value as the x87 registers hold it. */
export interface Extended {
  /** Bits 79:64: sign in bit 15, biased exponent in bits 14:0. */
  readonly signExponent: number;
  /** Bits 63:0, unsigned; bit 63 is the explicit integer bit. */
  readonly significand: bigint;
}

/** How one format's values are encoded; `T` is what carries its bits. */
export interface Format<T> {
  /** Significand bits, the integer bit included. */
  readonly precision: number;
  /** Power of two of the smallest normal value. */
  readonly minExponent: number;
  /** Power of two of the largest binade. */
  readonly maxExponent: number;
  /** Double extended: x87 precision control applies, and unmasked overflow and underflow keep a biased result. */
  readonly extended: boolean;
  /** Takes an encoding apart. */
  unpack(bits: T): Unpacked;
  /**
   * Encodes a finite value: `significand` has at most `precision` bits; when it has exactly that many, `exponent` is
   * the power of two of the highest, else the value is a denormal (or zero) and `exponent` does not count.
   */
  pack(sign: 0 | 1, exponent: number, significand: bigint): T;
  /** Encodes an infinity. */
  infinity(sign: 0 | 1): T;
  /** Encodes a NaN from a 64-bit significand as `Unpacked` has it; bits that do not fit are dropped. */
  nan(sign: 0 | 1, significand: bigint): T;
}

const EXTENDED_INTEGER_BIT = 1n << 63n;
const QUIET_BIT = 1n << 62n;

function nanOf(sign: 0 | 1, significand: bigint): Unpacked {
  const kind = (significand & QUIET_BIT) !== 0n ? Kind.QuietNaN : Kind.SignalingNaN;
  return { kind, sign, exponent: 0, significand, denormal: false };
}

/** Single precision; its bits are an unsigned 32-bit number. */
export const F32: Format<number> = {
  precision: 24,
  minExponent: -126,
  maxExponent: 127,
  extended: false,
  unpack(bits) {
    const sign = bits >>> 31 === 0 ? 0 : 1;
    const biased = (bits >>> 23) & 0xff;
    const fraction = bits & 0x7fffff;
    if (biased === 0) {
      if (fraction === 0) return zero(sign);
      return { kind: Kind.Finite, sign, exponent: -149, significand: BigInt(fraction), denormal: true };
    }
    if (biased !== 0xff) return finite(sign, BigInt(fraction | 0x800000), biased - 150);
    return fraction === 0 ? infinity(sign) : nanOf(sign, EXTENDED_INTEGER_BIT | (BigInt(fraction) << 40n));
  },
  pack(sign, exponent, significand) {
    const bits = Number(significand);
    const biased = bits >= 0x800000 ? exponent + 127 : 0;
    return ((sign << 31) | (biased << 23) | (bits & 0x7fffff)) >>> 0;
  },
  infinity: (sign) => (sign === 0 ? 0x7f800000 : 0xff800000),
  nan: (sign, significand) => ((sign << 31) | 0x7f800000 | Number((significand >> 40n) & 0x7fffffn)) >>> 0,
};

const F64_FRACTION = (1n << 52n) - 1n;
const F64_INTEGER_BIT = 1n << 52n;
const F64_SIGN = 1n << 63n;
const F64_INFINITY = 0x7ffn << 52n;

/** Double precision; its bits are an unsigned 64-bit bigint. */
export const F64: Format<bigint> = {
  precision: 53,
  minExponent: -1022,
  maxExponent: 1023,
  extended: false,
  unpack(bits) {
    const high = Number(bits >> 52n);
    const sign = (high & 0x800) === 0 ? 0 : 1;
    const biased = high & 0x7ff;
    const fraction = bits & F64_FRACTION;
    if (biased === 0) {
      if (fraction === 0n) return zero(sign);
      return { kind: Kind.Finite, sign, exponent: -1074, significand: fraction, denormal: true };
    }
    if (biased !== 0x7ff) return finite(sign, fraction | F64_INTEGER_BIT, biased - 1075);
    return fraction === 0n ? infinity(sign) : nanOf(sign, EXTENDED_INTEGER_BIT | (fraction << 11n));
  },
  pack(sign, exponent, significand) {
    const biased = significand >= F64_INTEGER_BIT ? exponent + 1023 : 0;
    return (BigInt((sign << 11) | biased) << 52n) | (significand & F64_FRACTION);
  },
  infinity: (sign) => (sign === 0 ? F64_INFINITY : F64_INFINITY | F64_SIGN),
  nan: (sign, significand) => (sign === 0 ? 0n : F64_SIGN) | F64_INFINITY | ((significand >> 11n) & F64_FRACTION),
};

/** Double extended precision. */
export const F80: Format<Extended> = {
  precision: 64,
  minExponent: -16382,
  maxExponent: 16383,
  extended: true,
  unpack({ signExponent, significand }) {
    const sign = (signExponent & 0x8000) === 0 ? 0 : 1;
    const biased = signExponent & 0x7fff;
    const integerBit = (significand & EXTENDED_INTEGER_BIT) !== 0n;
    if (biased === 0) {
      if (significand === 0n) return zero(sign);
      // A pseudo-denormal (integer bit set) has the exponent of the smallest normals, as every denormal has.
      return { kind: Kind.Finite, sign, exponent: -16445, significand, denormal: true };
    }
    // Pseudo-NaNs, pseudo-infinities and unnormals.
    if (!integerBit) return { kind: Kind.Unsupported, sign, exponent: 0, significand, denormal: false };
    if (biased !== 0x7fff) return finite(sign, significand, biased - 16446);
    return significand === EXTENDED_INTEGER_BIT ? infinity(sign) : nanOf(sign, significand);
  },
  pack(sign, exponent, significand) {
    const biased = significand >= EXTENDED_INTEGER_BIT ? exponent + 16383 : 0;
    return { signExponent: (sign << 15) | biased, significand };
  },
  infinity: (sign) => ({ signExponent: (sign << 15) | 0x7fff, significand: EXTENDED_INTEGER_BIT }),
  nan: (sign, significand) => ({ signExponent: (sign << 15) | 0x7fff, significand }),
};
