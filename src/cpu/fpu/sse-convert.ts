/**
 * SSE conversions between integers and the two precisions.
 * Source: SDM Vol. 1, 11.4.1.6, table E-1 (indefinite integers); Vol. 2, CVTxx2xx.
 */
import { Rounding } from '../float/context';
import { convert } from '../float/convert';
import { fromInteger, toInteger } from '../float/integer';
import { STATE } from '../layout';
import { DOUBLE, SINGLE } from './sse-unit';
import type { Element, SseFunction, SseUnit } from './sse-unit';

/** Exponent field of an MMX register: all ones (SDM Vol. 3A, 12.2). */
const MMX_EXPONENT = 0xffff;

/** `count` elements of another precision; `clears` the rest of a packed destination. */
function between<A, B>(from: Element<A>, to: Element<B>, count: number, clears: boolean): SseFunction {
  return (unit, destination, source) => {
    const values = unit.elements(from, source, count).map(from.format.unpack);
    const results = unit.each(count, (context, n) => convert(context, to.format, values[n]!));
    unit.put(to, destination, results);
    if (clears) clearHigh(unit, destination);
  };
}

function clearHigh(unit: SseUnit, destination: number): void {
  unit.state.setQuad(destination + 8, 0n);
}

/** Signed integers of 32 or 64 bits to floating point. */
function fromIntegers<T>(to: Element<T>, count: number, width: 32 | 64 = 32): SseFunction {
  return (unit, destination, source) => {
    const values = Array.from({ length: count }, (_, n) =>
      width === 64 ? unit.view.getBigInt64(source, true) : BigInt(unit.view.getInt32(source + 4 * n, true)),
    );
    const results = unit.each(count, (context, n) => fromInteger(context, to.format, values[n]!));
    unit.put(to, destination, results);
  };
}

/** Where integers go: packed to an XMM register (the rest cleared), to an MMX register, or to the result slot. */
type Place = 'xmm' | 'mmx' | 'result';

function toIntegers<T>(
  from: Element<T>,
  count: number,
  place: Place,
  truncates: boolean,
  width: 32 | 64 = 32,
): SseFunction {
  return (unit, destination, source) => {
    const values = unit.elements(from, source, count).map(from.format.unpack);
    const integers = unit.each(count, (context, n) =>
      toInteger(context, values[n]!, width, truncates ? Rounding.Zero : context.rounding),
    );
    if (place === 'result') {
      unit.state.setQuad(STATE.result, BigInt.asUintN(width, integers[0]!));
      return;
    }
    for (const [n, integer] of integers.entries()) unit.view.setInt32(destination + 4 * n, Number(integer), true);
    if (place === 'mmx') unit.view.setUint16(destination + 8, MMX_EXPONENT, true);
    else if (count === 2) clearHigh(unit, destination);
  };
}

/** Both roundings of the conversions to integers. */
function roundings(truncates: boolean): Record<string, SseFunction> {
  const name = truncates ? 'CVTT' : 'CVT';
  return {
    [`${name}PS2PI`]: toIntegers(SINGLE, 2, 'mmx', truncates),
    [`${name}PD2PI`]: toIntegers(DOUBLE, 2, 'mmx', truncates),
    [`${name}PS2DQ`]: toIntegers(SINGLE, 4, 'xmm', truncates),
    [`${name}PD2DQ`]: toIntegers(DOUBLE, 2, 'xmm', truncates),
    [`${name}SS2SI`]: toIntegers(SINGLE, 1, 'result', truncates),
    [`${name}SD2SI`]: toIntegers(DOUBLE, 1, 'result', truncates),
    [`${name}SS2SI64`]: toIntegers(SINGLE, 1, 'result', truncates, 64),
    [`${name}SD2SI64`]: toIntegers(DOUBLE, 1, 'result', truncates, 64),
  };
}

/** The operations by name. */
export const SSE_CONVERT: Readonly<Record<string, SseFunction>> = {
  CVTPI2PS: fromIntegers(SINGLE, 2),
  CVTPI2PD: fromIntegers(DOUBLE, 2),
  CVTDQ2PS: fromIntegers(SINGLE, 4),
  CVTDQ2PD: fromIntegers(DOUBLE, 2),
  CVTSI2SS: fromIntegers(SINGLE, 1),
  CVTSI2SD: fromIntegers(DOUBLE, 1),
  CVTSI2SS64: fromIntegers(SINGLE, 1, 64),
  CVTSI2SD64: fromIntegers(DOUBLE, 1, 64),
  ...roundings(false),
  ...roundings(true),
  CVTPS2PD: between(SINGLE, DOUBLE, 2, false),
  CVTPD2PS: between(DOUBLE, SINGLE, 2, true),
  CVTSS2SD: between(SINGLE, DOUBLE, 1, false),
  CVTSD2SS: between(DOUBLE, SINGLE, 1, false),
};
