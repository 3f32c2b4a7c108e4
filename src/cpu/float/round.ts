// Rounding an exact (or sticky) value into a format, with overflow, underflow and inexact results.
// Source: SDM Vol. 1, 4.8.4, 4.9.1.4 to 4.9.1.6 (masked responses, tininess after rounding), 8.5.4 and 8.5.5 (x87
// unmasked responses: the exponent adjusted by 24576), 10.2.3.3 (FTZ).

import { Exception, Rounding } from './context';
import type { FloatContext } from './context';
import type { Format } from './formats';
import { bitLength } from './value';

/** What unmasked overflow subtracts from, and unmasked underflow adds to, an x87 result's exponent (SDM Vol. 1, 8.5.4). */
export const BIAS_ADJUSTMENT = 24576;

/**
 * `significand` / 2^`shift`, rounded to an integer in the context's mode for a value of this sign; sets `inexact` and
 * `roundedUp`. A negative shift is an exact multiplication.
 */
export function shiftAndRound(context: FloatContext, sign: 0 | 1, significand: bigint, shift: number): bigint {
  context.inexact = false;
  context.roundedUp = false;
  if (shift <= 0) return shift === 0 ? significand : significand << BigInt(-shift);
  const quotient = significand >> BigInt(shift);
  const rest = significand - (quotient << BigInt(shift));
  if (rest === 0n) return quotient;
  context.inexact = true;
  let up: boolean;
  if (context.rounding === Rounding.Nearest) {
    const half = 1n << BigInt(shift - 1);
    up = rest > half || (rest === half && (quotient & 1n) === 1n);
  } else {
    up = context.rounding === (sign === 0 ? Rounding.Up : Rounding.Down);
  }
  context.roundedUp = up;
  return up ? quotient + 1n : quotient;
}

/**
 * Rounds (-1)^sign * significand * 2^exponent, not zero, to `precision` bits and encodes it. Raises OE, UE and PE and
 * gives the masked response; for the x87 registers also the unmasked one, the result with its exponent adjusted. After
 * an unmasked exception with no result (see `FloatContext.blocked`) nothing is raised and a zero stands in.
 */
export function round<T>(
  context: FloatContext,
  format: Format<T>,
  precision: number,
  sign: 0 | 1,
  significand: bigint,
  exponent: number,
): T {
  if (context.blocked) return format.pack(sign, 0, 0n);
  const length = bitLength(significand);
  const leading = exponent + length - 1;
  if (leading < format.minExponent) return roundTiny(context, format, precision, sign, significand, exponent);
  const rounded = shiftAndRound(context, sign, significand, length - precision);
  const carried = rounded >> BigInt(precision) !== 0n;
  const final = carried ? leading + 1 : leading;
  const kept = carried ? rounded >> 1n : rounded;
  if (final > format.maxExponent) return overflow(context, format, precision, sign, kept, final);
  if (context.inexact) context.raise(Exception.PE);
  return format.pack(sign, final, kept << BigInt(format.precision - precision));
}

function overflow<T>(
  context: FloatContext,
  format: Format<T>,
  precision: number,
  sign: 0 | 1,
  significand: bigint,
  exponent: number,
): T {
  context.raise(Exception.OE);
  const spare = BigInt(format.precision - precision);
  if (!context.masked(Exception.OE)) {
    noteUnmaskedInexact(context, format);
    const adjusted = exponent - BIAS_ADJUSTMENT;
    if (!format.extended) return format.infinity(sign);
    if (adjusted > format.maxExponent) return massive(context, format.infinity(sign), true);
    return format.pack(sign, adjusted, significand << spare);
  }
  context.raise(Exception.PE);
  context.inexact = true;
  const away = context.rounding === Rounding.Nearest || context.rounding === (sign === 0 ? Rounding.Up : Rounding.Down);
  context.roundedUp = away;
  if (away) return format.infinity(sign);
  return format.pack(sign, format.maxExponent, ((1n << BigInt(precision)) - 1n) << spare);
}

/**
 * PE beside an unmasked OE or UE: an x87 store, which then leaves memory as it is, reports neither PE nor C1 (SDM
 * Vol. 1, 8.5.6).
 */
function noteUnmaskedInexact<T>(context: FloatContext, format: Format<T>): void {
  if (context.unit === 'x87' && !format.extended) {
    context.inexact = false;
    context.roundedUp = false;
  } else if (context.inexact) {
    context.raise(Exception.PE);
  }
}

/** FSCALE's result when even the adjusted exponent is out of range: an infinity or a zero, which is inexact. */
function massive<T>(context: FloatContext, result: T, roundedUp: boolean): T {
  context.raise(Exception.PE);
  context.inexact = true;
  context.roundedUp = roundedUp;
  return result;
}

/** Rounds a value below the smallest normal one. */
function roundTiny<T>(
  context: FloatContext,
  format: Format<T>,
  precision: number,
  sign: 0 | 1,
  significand: bigint,
  exponent: number,
): T {
  const spare = BigInt(format.precision - precision);
  const length = bitLength(significand);
  const leading = exponent + length - 1;
  // Tininess is a matter of the result rounded as if the exponent had no lower bound.
  const unbounded = shiftAndRound(context, sign, significand, length - precision);
  const carried = unbounded >> BigInt(precision) !== 0n;
  const tiny = !(carried && leading + 1 === format.minExponent);
  if (tiny && !context.masked(Exception.UE)) {
    context.raise(Exception.UE);
    noteUnmaskedInexact(context, format);
    const adjusted = leading + (carried ? 1 : 0) + BIAS_ADJUSTMENT;
    if (!format.extended) return format.pack(sign, 0, 0n);
    if (adjusted < format.minExponent) return massive(context, format.pack(sign, 0, 0n), false);
    return format.pack(sign, adjusted, (carried ? unbounded >> 1n : unbounded) << spare);
  }
  if (tiny && context.ftz) {
    context.raise(Exception.UE | Exception.PE);
    return format.pack(sign, 0, 0n);
  }
  const quantum = format.minExponent - (precision - 1);
  const rounded = shiftAndRound(context, sign, significand, quantum - exponent);
  if (context.inexact) context.raise(tiny ? Exception.UE | Exception.PE : Exception.PE);
  return format.pack(sign, format.minExponent, rounded << spare);
}
