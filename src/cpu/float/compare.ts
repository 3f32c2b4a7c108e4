// Comparison, and SSE's minimum and maximum.
// Source: SDM Vol. 1, 8.3.6, 11.5.2.1; Vol. 2, FCOM, FUCOM, COMISD, UCOMISD, CMPSD, MINSD, MAXSD.

import { Exception } from './context';
import type { FloatContext } from './context';
import type { Format } from './formats';
import { isNaNOrUnsupported, noteDenormals, seen } from './nan';
import { Kind, leadingExponent } from './value';
import type { Unpacked } from './value';

/** How the first operand stands to the second. */
export const Relation = { Less: -1, Equal: 0, Greater: 1, Unordered: 2 } as const;
/** A result of `compare`. */
export type Relation = (typeof Relation)[keyof typeof Relation];

/**
 * Compares two values. A NaN makes them unordered and raises IE: any NaN, or with `quiet` a signaling NaN alone. An
 * unsupported encoding always raises IE. Zeros are equal whatever their signs.
 */
export function compare(context: FloatContext, first: Unpacked, second: Unpacked, quiet: boolean): Relation {
  const a = seen(context, first);
  const b = seen(context, second);
  if (isNaNOrUnsupported(a) || isNaNOrUnsupported(b)) {
    if (!quiet || a.kind > Kind.QuietNaN || b.kind > Kind.QuietNaN) context.raise(Exception.IE);
    return Relation.Unordered;
  }
  noteDenormals(context, a, b);
  return order(a, b);
}

function order(a: Unpacked, b: Unpacked): Relation {
  if (a.kind === Kind.Zero && b.kind === Kind.Zero) return Relation.Equal;
  if (a.kind === Kind.Zero) return b.sign === 0 ? Relation.Less : Relation.Greater;
  if (b.kind === Kind.Zero || a.sign !== b.sign) return a.sign === 0 ? Relation.Greater : Relation.Less;
  const larger = compareMagnitudes(a, b);
  if (larger === 0) return Relation.Equal;
  return larger > 0 === (a.sign === 0) ? Relation.Greater : Relation.Less;
}

/** Negative, 0 or positive as |a| is less than, equal to or greater than |b|; neither is zero. */
function compareMagnitudes(a: Unpacked, b: Unpacked): number {
  if (a.kind === Kind.Infinity || b.kind === Kind.Infinity) {
    return (a.kind === Kind.Infinity ? 1 : 0) - (b.kind === Kind.Infinity ? 1 : 0);
  }
  const leading = leadingExponent(a) - leadingExponent(b);
  if (leading !== 0) return leading;
  const shift = a.exponent - b.exponent;
  const left = shift > 0 ? a.significand << BigInt(shift) : a.significand;
  const right = shift < 0 ? b.significand << BigInt(-shift) : b.significand;
  return left === right ? 0 : left > right ? 1 : -1;
}

/** MINSS, MINSD: the second operand's bits unless the first is less; every NaN raises IE and yields the second. */
export function minimum<T>(context: FloatContext, format: Format<T>, first: T, second: T): T {
  return select(context, format, first, second, Relation.Less);
}

/** MAXSS, MAXSD: the second operand's bits unless the first is greater; every NaN raises IE and yields the second. */
export function maximum<T>(context: FloatContext, format: Format<T>, first: T, second: T): T {
  return select(context, format, first, second, Relation.Greater);
}

function select<T>(context: FloatContext, format: Format<T>, first: T, second: T, wanted: Relation): T {
  const a = format.unpack(first);
  const b = format.unpack(second);
  const takesFirst = compare(context, a, b, false) === wanted;
  const chosen = seen(context, takesFirst ? a : b);
  if (chosen.kind === Kind.Zero) return format.pack(chosen.sign, 0, 0n);
  return takesFirst ? first : second;
}

/**
 * CMPSS, CMPSD and their packed forms, predicates 0 to 7 (SDM Vol. 2, table 3-1): EQ, LT, LE, UNORD, NEQ, NLT, NLE,
 * ORD. Those built on LT and LE raise IE for quiet NaNs too.
 */
export function holds(context: FloatContext, first: Unpacked, second: Unpacked, predicate: number): boolean {
  const base = predicate & 3;
  const relation = compare(context, first, second, base === 0 || base === 3);
  const yes =
    base === 0
      ? relation === Relation.Equal
      : base === 1
        ? relation === Relation.Less
        : base === 2
          ? relation === Relation.Less || relation === Relation.Equal
          : relation === Relation.Unordered;
  return yes !== ((predicate & 4) !== 0);
}
