// What operands do before arithmetic starts: NaN propagation, unsupported encodings, denormal operands, DAZ.
// Source: SDM Vol. 1, 4.8.3.5 to 4.8.3.7 and table 4-7 (NaN rules), 4.9.2 (priority), 10.2.3.4 (DAZ).

import { Exception } from './context';
import type { FloatContext } from './context';
import type { Format } from './formats';
import { Kind, zero } from './value';
import type { Unpacked } from './value';

const QUIET_BIT = 1n << 62n;
const DEFAULT_SIGNIFICAND = 3n << 62n;

/** The QNaN floating-point indefinite: sign 1, quiet, payload 0. */
export function defaultNaN<T>(format: Format<T>): T {
  return format.nan(1, DEFAULT_SIGNIFICAND);
}

/** Raises IE and gives its masked response, the QNaN floating-point indefinite. */
export function invalid<T>(context: FloatContext, format: Format<T>): T {
  context.raise(Exception.IE);
  return defaultNaN(format);
}

/** Whether a value is a NaN or an encoding that the x87 does not support. */
export function isNaNOrUnsupported(value: Unpacked): boolean {
  return value.kind >= Kind.QuietNaN;
}

/** The result of a one-operand instruction on a NaN or an unsupported encoding; raises IE unless it is a quiet NaN. */
export function propagateOne<T>(context: FloatContext, format: Format<T>, value: Unpacked): T {
  if (value.kind !== Kind.QuietNaN) context.raise(Exception.IE);
  if (value.kind === Kind.Unsupported) return defaultNaN(format);
  return format.nan(value.sign, value.significand | QUIET_BIT);
}

/**
 * The result of a two-operand instruction of which at least one operand is a NaN or unsupported. SSE takes the first
 * operand that is a NaN. The x87 prefers a quiet NaN to a signaling one, then the larger significand, then sign 0.
 */
export function propagate<T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked): T {
  if (a.kind === Kind.Unsupported || b.kind === Kind.Unsupported) return invalid(context, format);
  if (a.kind === Kind.SignalingNaN || b.kind === Kind.SignalingNaN) context.raise(Exception.IE);
  const chosen = context.unit === 'SSE' || b.kind < Kind.QuietNaN ? firstNaN(a, b) : chosenByX87(a, b);
  return format.nan(chosen.sign, chosen.significand | QUIET_BIT);
}

function firstNaN(a: Unpacked, b: Unpacked): Unpacked {
  return isNaNOrUnsupported(a) ? a : b;
}

function chosenByX87(a: Unpacked, b: Unpacked): Unpacked {
  if (!isNaNOrUnsupported(a)) return b;
  if (a.kind !== b.kind) return a.kind === Kind.QuietNaN ? a : b;
  if (a.significand !== b.significand) return a.significand > b.significand ? a : b;
  return a.sign <= b.sign ? a : b;
}

/** The operand as DAZ lets the instruction see it: a denormal becomes a zero of its sign. */
export function seen(context: FloatContext, value: Unpacked): Unpacked {
  return context.daz && value.denormal ? zero(value.sign) : value;
}

/** Raises DE when an operand is a denormal. */
export function noteDenormals(context: FloatContext, a: Unpacked, b: Unpacked): void {
  if (a.denormal || b.denormal) context.raise(Exception.DE);
}
