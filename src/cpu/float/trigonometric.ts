// FSIN, FCOS, FSINCOS, FPTAN and FPATAN, computed on bigints: the same bits on every host, well within 1 ulp.
// Source: SDM Vol. 1, 8.3.7 to 8.3.10 (argument range 2^63, reduction by the 66-bit value of pi); Vol. 2, the
// instructions' tables of special operands.

import type { FloatContext } from './context';
import { arctangent, pi, sineAndCosine } from './fixed-point';
import { F80 } from './formats';
import type { Extended } from './formats';
import { invalid, isNaNOrUnsupported, noteDenormals, propagate, propagateOne } from './nan';
import { round } from './round';
import { bitLength, Kind, leadingExponent, magnitude } from './value';
import type { Unpacked } from './value';

/** The processor's pi (SDM Vol. 1, 8.3.8), in units of 2^-64; as units of 2^-65 it is half of pi. */
const PI_66 = 0x3243f6a8885a308d3n;
const HALF_PI_EXPONENT = -65;

/** Smaller angles than two to this power have functions that their first Taylor term rounds to. */
const LINEAR = -70;

/** A positive number significand * 2^exponent that stands just beside an irrational one. */
interface Approximation {
  readonly significand: bigint;
  readonly exponent: number;
}

/** An angle brought to at most pi/4: the value is (-1)^sign * significand * 2^exponent plus `quadrant` times pi/2. */
interface Reduced extends Approximation {
  readonly sign: 0 | 1;
  readonly quadrant: number;
}

function opposite(sign: 0 | 1): 0 | 1 {
  return sign === 0 ? 1 : 0;
}

function roundIrrational(context: FloatContext, sign: 0 | 1, value: Approximation): Extended {
  return round(context, F80, F80.precision, sign, (value.significand << 1n) | 1n, value.exponent - 1);
}

function reduce(angle: Unpacked): Reduced {
  const { sign, significand, exponent } = angle;
  if (leadingExponent(angle) < -1) return { sign, significand, exponent, quadrant: 0 };
  const scaled = significand << BigInt(exponent - HALF_PI_EXPONENT);
  const turns = (2n * scaled + PI_66) / (2n * PI_66);
  const rest = scaled - turns * PI_66;
  const quarters = Number(turns & 3n);
  return {
    sign: rest < 0n ? opposite(sign) : sign,
    significand: rest < 0n ? -rest : rest,
    exponent: HALF_PI_EXPONENT,
    quadrant: sign === 0 ? quarters : (4 - quarters) & 3,
  };
}

/** Sine and cosine of the magnitude of a reduced angle. */
function functionsOf(angle: Reduced): { sine: Approximation; cosine: Approximation } {
  const leading = angle.exponent + bitLength(angle.significand) - 1;
  if (leading < LINEAR) {
    return {
      sine: { significand: (angle.significand << 160n) - 1n, exponent: angle.exponent - 160 },
      cosine: { significand: (1n << 200n) - 1n, exponent: -200 },
    };
  }
  const bits = 200 - leading;
  const { sine, cosine } = sineAndCosine(angle.significand << BigInt(bits + angle.exponent), bits);
  return { sine: { significand: sine, exponent: -bits }, cosine: { significand: cosine, exponent: -bits } };
}

function sineOf(context: FloatContext, angle: Reduced): Extended {
  const { sine, cosine } = functionsOf(angle);
  const flip = angle.quadrant >= 2;
  if ((angle.quadrant & 1) === 1) return roundIrrational(context, flip ? 1 : 0, cosine);
  return roundIrrational(context, flip ? opposite(angle.sign) : angle.sign, sine);
}

function cosineOf(context: FloatContext, angle: Reduced): Extended {
  return sineOf(context, { ...angle, quadrant: (angle.quadrant + 1) & 3 });
}

const ONE = F80.pack(0, 0, 1n << 63n);

/** |operand| is at least 2^63: the instruction sets C2 and leaves the stack as it is. */
export function outOfRange(operand: Unpacked): boolean {
  return operand.kind === Kind.Finite && leadingExponent(operand) >= 63;
}

/** The special operands that sine, cosine and tangent treat alike; undefined for a finite value other than zero. */
function special(context: FloatContext, operand: Unpacked, atZero: Extended): Extended | undefined {
  if (isNaNOrUnsupported(operand)) return propagateOne(context, F80, operand);
  if (operand.kind === Kind.Infinity) return invalid(context, F80);
  if (operand.kind === Kind.Zero) return atZero;
  noteDenormals(context, operand, operand);
  return undefined;
}

/** FSIN of an operand that is not `outOfRange`. */
export function sine(context: FloatContext, operand: Unpacked): Extended {
  return special(context, operand, F80.pack(operand.sign, 0, 0n)) ?? sineOf(context, reduce(operand));
}

/** FCOS of an operand that is not `outOfRange`. */
export function cosine(context: FloatContext, operand: Unpacked): Extended {
  return special(context, operand, ONE) ?? cosineOf(context, reduce(operand));
}

/** FPTAN's quotient (the 1.0 that it pushes on top is the caller's) of an operand that is not `outOfRange`. */
export function tangent(context: FloatContext, operand: Unpacked): Extended {
  const value = special(context, operand, F80.pack(operand.sign, 0, 0n));
  if (value !== undefined) return value;
  if (leadingExponent(operand) < LINEAR) {
    const { sign, significand, exponent } = operand;
    return roundIrrational(context, sign, { significand: significand << 160n, exponent: exponent - 160 });
  }
  const angle = reduce(operand);
  const { sine, cosine } = functionsOf(angle);
  const inverted = (angle.quadrant & 1) === 1;
  const [over, under] = inverted ? [cosine, sine] : [sine, cosine];
  return roundIrrational(context, inverted ? opposite(angle.sign) : angle.sign, {
    significand: (over.significand << 300n) / under.significand,
    exponent: over.exponent - under.exponent - 300,
  });
}

/** FPATAN: the angle of the point (x, y), from -pi to pi; y is ST(1), x is ST(0). */
export function arctangentOfQuotient(context: FloatContext, y: Unpacked, x: Unpacked): Extended {
  if (isNaNOrUnsupported(y) || isNaNOrUnsupported(x)) return propagate(context, F80, x, y);
  noteDenormals(context, y, x);
  const eighths = eighthsOfTurn(y, x);
  if (eighths === 0) return F80.pack(y.sign, 0, 0n);
  if (eighths !== undefined) {
    return roundIrrational(context, y.sign, { significand: (pi(256) * BigInt(eighths)) >> 2n, exponent: -256 });
  }
  return roundIrrational(context, y.sign, angleOf(magnitude(y), magnitude(x), x.sign === 1));
}

/** The angle in units of pi/4 where an operand is zero or infinite. */
function eighthsOfTurn(y: Unpacked, x: Unpacked): number | undefined {
  const left = x.sign === 1;
  if (y.kind === Kind.Infinity) return x.kind !== Kind.Infinity ? 2 : left ? 3 : 1;
  if (y.kind === Kind.Zero || x.kind === Kind.Infinity) return left ? 4 : 0;
  return x.kind === Kind.Zero ? 2 : undefined;
}

/** The angle of (x, y), both positive, or of (-x, y) when `left`. */
function angleOf(y: Unpacked, x: Unpacked, left: boolean): Approximation {
  const distance = leadingExponent(y) - leadingExponent(x);
  if (distance < LINEAR && !left) {
    // Just below y/x; when the division is exact, the 1 taken off says so.
    const dividend = y.significand << 200n;
    const quotient = dividend / x.significand;
    const exact = quotient * x.significand === dividend;
    return { significand: exact ? quotient - 1n : quotient, exponent: y.exponent - x.exponent - 200 };
  }
  const bits = 200 + Math.max(0, Math.min(-distance, -LINEAR));
  const steep = distance > 0 || (distance === 0 && quotientOf(y, x, bits) > 1n << BigInt(bits));
  const inner = arctangent(steep ? quotientOf(x, y, bits) : quotientOf(y, x, bits), bits);
  const angle = steep ? (pi(bits) >> 1n) - inner : inner;
  return { significand: left ? pi(bits) - angle : angle, exponent: -bits };
}

/** a / b as a fixed-point number. */
function quotientOf(a: Unpacked, b: Unpacked, bits: number): bigint {
  const shift = bits + a.exponent - b.exponent;
  if (shift < -200) return 0n;
  return shift >= 0
    ? (a.significand << BigInt(shift)) / b.significand
    : a.significand / (b.significand << BigInt(-shift));
}
