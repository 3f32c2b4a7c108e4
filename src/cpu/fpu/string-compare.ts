/**
 * The string comparisons of SSE4.2: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM.
 * Source: SDM Vol. 2B, 4.1 (imm8: data format, aggregation, polarity, output; valid data override, table 4-7).
 */
import { STATE } from '../layout';
import type { SseFunction, SseUnit } from './sse-unit';

/** Fields of imm8. */
const FORMAT = { words: 1, signed: 2 } as const;
const AGGREGATION = { any: 0, ranges: 1, each: 2, ordered: 3 } as const;
const POLARITY = { negative: 0x10, masked: 0x20 } as const;
const MOST_SIGNIFICANT = 0x40;
/** The lengths of explicit forms stand above imm8. */
const FIRST_LENGTH_SHIFT = 8;
const SECOND_LENGTH_SHIFT = 16;

const FLAG = { CF: 1, ZF: 0x40, SF: 0x80, OF: 0x800 } as const;

/** An operand, refilled for each instruction: programs compare strings in their hottest loops. */
interface StringOperand {
  readonly elements: Int32Array;
  /** Elements that an operand has: 8 words or 16 bytes. */
  count: number;
  /** Number of valid elements. */
  length: number;
}

const FIRST: StringOperand = { elements: new Int32Array(16), count: 0, length: 0 };
const SECOND: StringOperand = { elements: new Int32Array(16), count: 0, length: 0 };

/** Reads an operand into `into`: with an explicit length, or up to the first zero. */
function take(into: StringOperand, { view }: SseUnit, offset: number, immediate: number, explicit: number): void {
  const isSigned = (immediate & FORMAT.signed) !== 0;
  const { elements } = into;
  const count = immediate & FORMAT.words ? 8 : 16;
  let implicit = count;
  for (let n = count - 1; n >= 0; n--) {
    const unsigned = count === 8 ? view.getUint16(offset + 2 * n, true) : view.getUint8(offset + n);
    const shift = count === 8 ? 16 : 24;
    elements[n] = isSigned ? (unsigned << shift) >> shift : unsigned;
    if (unsigned === 0) implicit = n;
  }
  into.count = count;
  into.length = explicit < 0 ? implicit : Math.min(explicit, count);
}

/** Whether element `j` of the second string matches, by the aggregation. */
function matches(first: StringOperand, second: StringOperand, aggregation: number, j: number): boolean {
  const { elements: a } = first;
  const b = second.elements;
  const isValid = j < second.length;
  switch (aggregation) {
    case AGGREGATION.any:
      for (let i = 0; isValid && i < first.length; i++) if (a[i] === b[j]) return true;
      return false;
    case AGGREGATION.ranges: {
      for (let i = 0; isValid && i + 1 < first.length; i += 2) if (b[j]! >= a[i]! && b[j]! <= a[i + 1]!) return true;
      return false;
    }
    case AGGREGATION.each:
      return j < first.length && isValid ? a[j] === b[j] : j >= first.length && !isValid;
    default:
      // Equal ordered: a needle's end matches anything, the second string's end nothing else.
      for (let i = 0; i < first.length && j + i < second.count; i++) {
        if (j + i >= second.length || a[i] !== b[j + i]) return false;
      }
      return true;
  }
}

function compareStrings(first: StringOperand, second: StringOperand, immediate: number): number {
  let bits = 0;
  for (let j = 0; j < second.count; j++) {
    const isMatch = matches(first, second, (immediate >> 2) & 3, j);
    const isInverted = (immediate & POLARITY.negative) !== 0 && (!(immediate & POLARITY.masked) || j < second.length);
    if (isMatch !== isInverted) bits |= 1 << j;
  }
  return bits;
}

function indexOf(bits: number, count: number, immediate: number): number {
  if (bits === 0) return count;
  return immediate & MOST_SIGNIFICANT ? 31 - Math.clz32(bits) : 31 - Math.clz32(bits & -bits);
}

function comparison(isExplicit: boolean, givesMask: boolean): SseFunction {
  return (unit, destination, source, control) => {
    const immediate = control & 0xff;
    const explicit = (shift: number): number => (isExplicit ? (control >> shift) & 0xff : -1);
    take(FIRST, unit, destination, immediate, explicit(FIRST_LENGTH_SHIFT));
    take(SECOND, unit, source, immediate, explicit(SECOND_LENGTH_SHIFT));
    const { count } = SECOND;
    const bits = compareStrings(FIRST, SECOND, immediate);
    const flags =
      (bits ? FLAG.CF : 0) |
      (SECOND.length < count ? FLAG.ZF : 0) |
      (FIRST.length < count ? FLAG.SF : 0) |
      (bits & 1 ? FLAG.OF : 0);
    unit.view.setUint32(STATE.result, givesMask ? bits : indexOf(bits, count, immediate), true);
    unit.view.setUint32(STATE.result + 4, 0, true);
    unit.view.setUint32(STATE.result2, flags, true);
    unit.view.setUint32(STATE.result2 + 4, 0, true);
  };
}

/** The operations by name. */
export const STRING_COMPARE: Readonly<Record<string, SseFunction>> = {
  PCMPESTRI: comparison(true, false),
  PCMPESTRM: comparison(true, true),
  PCMPISTRI: comparison(false, false),
  PCMPISTRM: comparison(false, true),
};
