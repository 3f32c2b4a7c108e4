// Conversions between floating-point formats.
// Source: SDM Vol. 1, 4.8.3.5, 8.5; Vol. 2, FLD, FST, CVTSS2SD, CVTSD2SS.

import type { FloatContext } from './context';
import { F80 } from './formats';
import type { Extended, Format } from './formats';
import { isNaNOrUnsupported, noteDenormals, propagateOne, seen } from './nan';
import { round } from './round';
import { Kind } from './value';
import type { Unpacked } from './value';

/** SSE conversions to a format, rounded to its precision; raises IE (signaling NaN, which becomes quiet), DE, OE, UE, PE. */
export function convert<T>(context: FloatContext, format: Format<T>, operand: Unpacked): T {
  const value = seen(context, operand);
  if (!isNaNOrUnsupported(value)) noteDenormals(context, value, value);
  return store(context, format, value);
}

/**
 * FLD of a single- or double-precision value: exact; raises IE and DE. An unmasked DE does not keep the processor from
 * pushing the result, as an unmasked IE does.
 */
export function load(context: FloatContext, value: Unpacked): Extended {
  const result = store(context, F80, value);
  if (!isNaNOrUnsupported(value)) noteDenormals(context, value, value);
  return result;
}

/** FST to memory: as `convert`, but a denormal source raises no DE (SDM Vol. 2, FST). */
export function store<T>(context: FloatContext, format: Format<T>, value: Unpacked): T {
  if (isNaNOrUnsupported(value)) return propagateOne(context, format, value);
  if (value.kind === Kind.Infinity) return format.infinity(value.sign);
  if (value.kind === Kind.Zero) return format.pack(value.sign, 0, 0n);
  return round(context, format, format.precision, value.sign, value.significand, value.exponent);
}

/** The double extended value with its sign bit reversed (FCHS): no exceptions, any encoding. */
export function changeSign(value: Extended): Extended {
  return { signExponent: value.signExponent ^ 0x8000, significand: value.significand };
}

/** The double extended value with its sign bit cleared (FABS): no exceptions, any encoding. */
export function absolute(value: Extended): Extended {
  return { signExponent: value.signExponent & 0x7fff, significand: value.significand };
}

/** FXAM's class as condition code bits C3 C2 C0 (bit 2, 1, 0), SDM Vol. 2, table 3-42; C1 is the sign bit. */
export function examine(value: Extended): number {
  const { kind, denormal } = F80.unpack(value);
  if (kind === Kind.Unsupported) return 0b000;
  if (kind === Kind.QuietNaN || kind === Kind.SignalingNaN) return 0b001;
  if (kind === Kind.Infinity) return 0b011;
  if (kind === Kind.Zero) return 0b100;
  return denormal ? 0b110 : 0b010;
}
