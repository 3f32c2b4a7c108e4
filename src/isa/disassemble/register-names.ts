/** Names of registers as assemblers write them. Source: SDM Vol. 1, 3.4; Vol. 2A, table 3-1. */
import type { OperandSpec } from '../form';
import { operandBits } from '../form';

const LOW = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh'];
export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const EXTENDED_SUFFIX: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'd', 64: '' };

/** Name of a general register of `bits` bits; 16-19 are AH, CH, DH and BH. */
export function generalName(number: number, bits: number): string {
  if (number >= 16) return HIGH_BYTES[number - 16]!;
  if (number >= 8) return `r${number}${EXTENDED_SUFFIX[bits]}`;
  if (bits === 8) return BYTES[number]!;
  return (bits === 64 ? 'r' : bits === 32 ? 'e' : '') + LOW[number]!;
}

/** Name of register `number` of an operand of the form, at operand size `size`. */
export function registerName(spec: OperandSpec, number: number, size: number): string {
  switch (spec.letter) {
    case 'C':
      return `cr${number}`;
    case 'D':
      return `dr${number}`;
    case 'S':
    case 'segment':
      return SEGMENT_NAMES[number]!;
    case 'N':
    case 'P':
    case 'Q':
      return `mm${number}`;
    case 'U':
    case 'V':
    case 'W':
    case 'xmm0':
      return `xmm${number}`;
    case 'st0':
      return 'st';
    case 'sti':
      return `st(${number})`;
    default:
      return generalName(number, operandBits(spec, size) || size);
  }
}
