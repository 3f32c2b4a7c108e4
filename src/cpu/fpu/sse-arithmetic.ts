/**
 * SSE arithmetic and comparison, packed and scalar, in soft-float.
 * Source: SDM Vol. 2: ADDPS to MAXSD, SQRTxx, RCPxx, RSQRTxx, CMPxx, COMISx, UCOMISx, ADDSUBPx, HADDPx, HSUBPx, DPPx,
 * ROUNDxx. RCPxx and RSQRTxx raise nothing.
 */
import { add, divide, multiply, squareRoot, subtract } from '../float/arithmetic';
import { compare, holds, maximum, minimum } from '../float/compare';
import type { FloatContext, Rounding } from '../float/context';
import { reciprocalEstimate, reciprocalSquareRootEstimate } from '../float/estimate';
import type { Format } from '../float/formats';
import { roundToIntegral } from '../float/integer';
import type { Unpacked } from '../float/value';
import { STATE } from '../layout';
import { DOUBLE, SINGLE } from './sse-unit';
import type { Element, SseFunction } from './sse-unit';
import { FLAGS_OF } from './x87-arithmetic';

/** One element's result from the destination's and the source's bits. */
type Compute = <T>(context: FloatContext, format: Format<T>, a: T, b: T, immediate: number) => T;
type OfUnpacked = <T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked) => T;

const unpacked =
  (operation: OfUnpacked): Compute =>
  (context, format, a, b) =>
    operation(context, format, format.unpack(a), format.unpack(b));

function onElements<T>(element: Element<T>, count: number, compute: Compute): SseFunction {
  return (unit, destination, source, immediate) => {
    const a = unit.elements(element, destination, count);
    const b = unit.elements(element, source, count);
    const results = unit.each(count, (context, n) => compute(context, element.format, a[n]!, b[n]!, immediate));
    unit.put(element, destination, results);
  };
}

/** The four forms of one operation. */
function forms(name: string, compute: Compute): Record<string, SseFunction> {
  return {
    [`${name}PS`]: onElements(SINGLE, 4, compute),
    [`${name}PD`]: onElements(DOUBLE, 2, compute),
    [`${name}SS`]: onElements(SINGLE, 1, compute),
    [`${name}SD`]: onElements(DOUBLE, 1, compute),
  };
}

function ones<T>(format: Format<T>): T {
  return format.nan(1, (1n << 64n) - 1n);
}

/** A mask of all ones or zeros. */
const comparison: Compute = (context, format, a, b, immediate) =>
  holds(context, format.unpack(a), format.unpack(b), immediate & 7) ? ones(format) : format.pack(0, 0, 0n);

const MODES: readonly Rounding[] = [0, 1, 2, 3];

/** Immediate: bits 1-0 rounding unless bit 2 takes MXCSR's; bit 3 suppresses PE. */
const rounding: Compute = (context, format, _a, b, immediate) => {
  const mode = immediate & 4 ? undefined : MODES[immediate & 3];
  return roundToIntegral(context, format, format.unpack(b), mode, (immediate & 8) !== 0);
};

function estimate(count: number, compute: (bits: number) => number): SseFunction {
  return (unit, destination, source) => {
    unit.put(SINGLE, destination, unit.elements(SINGLE, source, count).map(compute));
  };
}

function toFlags<T>({ format, read }: Element<T>, quiet: boolean): SseFunction {
  return (unit, destination, source) => {
    const a = format.unpack(read(unit.view, destination));
    const b = format.unpack(read(unit.view, source));
    const [relation] = unit.each(1, (context) => compare(context, a, b, quiet));
    unit.state.setQuad(STATE.result2, FLAGS_OF[relation!]);
  };
}

/** Subtracts in even elements, adds in odd ones. */
function alternating<T>(element: Element<T>): SseFunction {
  const count = 16 / element.bytes;
  return (unit, destination, source) => {
    const a = unit.elements(element, destination).map(element.format.unpack);
    const b = unit.elements(element, source).map(element.format.unpack);
    const results = unit.each(count, (context, n) => (n & 1 ? add : subtract)(context, element.format, a[n]!, b[n]!));
    unit.put(element, destination, results);
  };
}

/** Neighbouring elements of the destination, then of the source. */
function horizontal<T>(element: Element<T>, operation: OfUnpacked): SseFunction {
  const count = 16 / element.bytes;
  return (unit, destination, source) => {
    const all = [...unit.elements(element, destination), ...unit.elements(element, source)].map(element.format.unpack);
    const results = unit.each(count, (context, n) => operation(context, element.format, all[2 * n]!, all[2 * n + 1]!));
    unit.put(element, destination, results);
  };
}

/** Products that the upper immediate bits choose, summed in pairs; the lower bits choose where the sum goes. */
function dotProduct<T>(element: Element<T>): SseFunction {
  const { format, bytes } = element;
  const count = 16 / bytes;
  return (unit, destination, source, immediate) => {
    const a = unit.elements(element, destination).map(format.unpack);
    const b = unit.elements(element, source).map(format.unpack);
    const zero = format.pack(0, 0, 0n);
    let terms = unit.each(count, (context, n) =>
      immediate & (0x10 << n) ? multiply(context, format, a[n]!, b[n]!) : zero,
    );
    while (terms.length > 1) {
      const pairs = terms.map(format.unpack);
      terms = unit.each(pairs.length / 2, (context, n) => add(context, format, pairs[2 * n]!, pairs[2 * n + 1]!));
    }
    const sum = terms[0]!;
    unit.put(
      element,
      destination,
      a.map((_, n) => (immediate & (1 << n) ? sum : zero)),
    );
  };
}

/** The operations by name. */
export const SSE_ARITHMETIC: Readonly<Record<string, SseFunction>> = {
  ...forms('ADD', unpacked(add)),
  ...forms('SUB', unpacked(subtract)),
  ...forms('MUL', unpacked(multiply)),
  ...forms('DIV', unpacked(divide)),
  ...forms('MIN', minimum),
  ...forms('MAX', maximum),
  ...forms('SQRT', (context, format, _a, b) => squareRoot(context, format, format.unpack(b))),
  ...forms('CMP', comparison),
  ...forms('ROUND', rounding),
  RCPPS: estimate(4, reciprocalEstimate),
  RCPSS: estimate(1, reciprocalEstimate),
  RSQRTPS: estimate(4, reciprocalSquareRootEstimate),
  RSQRTSS: estimate(1, reciprocalSquareRootEstimate),
  COMISS: toFlags(SINGLE, false),
  COMISD: toFlags(DOUBLE, false),
  UCOMISS: toFlags(SINGLE, true),
  UCOMISD: toFlags(DOUBLE, true),
  ADDSUBPS: alternating(SINGLE),
  ADDSUBPD: alternating(DOUBLE),
  HADDPS: horizontal(SINGLE, add),
  HADDPD: horizontal(DOUBLE, add),
  HSUBPS: horizontal(SINGLE, subtract),
  HSUBPD: horizontal(DOUBLE, subtract),
  DPPS: dotProduct(SINGLE),
  DPPD: dotProduct(DOUBLE),
};
