// Instructions whose results may differ between CPUs: transcendental ones by one unit in the last place, reciprocal
// estimates by 1.5 * 2^-12 in proportion (SDM Vol. 1, 8.3.10; Vol. 2, RCPPS, RSQRTPS).

import { IMAGE } from './layout';
import type { Span } from './vector';

const TRANSCENDENTAL = /^(FSIN|FCOS|FSINCOS|FPTAN|FPATAN|F2XM1|FYL2X|FYL2XP1) /;
const ESTIMATE = /^(RCP|RSQRT)[PS]S /;

/** True when results of the form may differ a little. */
export function approximate(key: string): boolean {
  return TRANSCENDENTAL.test(key) || ESTIMATE.test(key);
}

const STACK = IMAGE.fxsave + 32;
const VECTORS = IMAGE.fxsave + 160;

function nearExtended(actual: Buffer, expected: Buffer, at: number): boolean {
  const ordinal = (buffer: Buffer): bigint =>
    (BigInt(buffer.readUInt16LE(at + 8)) << 63n) | (buffer.readBigUInt64LE(at) & 0x7fffffffffffffffn);
  const distance = ordinal(actual) - ordinal(expected);
  return distance >= -1n && distance <= 1n;
}

function nearSingle(actual: Buffer, expected: Buffer, at: number): boolean {
  const [a, e] = [actual.readUInt32LE(at), expected.readUInt32LE(at)];
  const tiny = (e & 0x7fffffff) === 0 && (a & 0x7fffffff) >>> 23 <= 1; // may or may not be flushed to zero
  return Math.abs(a - e) <= 0x1800 || tiny;
}

/** Equal but for x87 registers one unit apart and singles within the error of estimates. */
export function sameApproximately(actual: Buffer, expected: Buffer, from: number, to: number): boolean {
  for (let n = from; n < to; n++) {
    if (actual[n] === expected[n]) continue;
    if (n >= STACK && n < VECTORS) {
      const register = n - ((n - STACK) & 15);
      if (!nearExtended(actual, expected, register)) return false;
      n = register + 15;
    } else if (n >= VECTORS && n < IMAGE.data) {
      const lane = n - ((n - VECTORS) & 3);
      if (!nearSingle(actual, expected, lane)) return false;
      n = lane + 3;
    } else return false;
  }
  return true;
}

const [IE, UE, PE, ES, B] = [1, 0x10, 0x20, 0x80, 0x8000];
const [C0, C1, C2, C3] = [0x100, 0x200, 0x400, 0x4000];

/**
 * Bits of the x87 status word that are not compared. Condition codes of an invalid comparison or remainder are undefined
 * or, unmasked, not set (SDM Vol. 2: FCOM, FPREM), which AMD parts do otherwise; so with C1 where the SDM says that it
 * is 0 or undefined and AMD parts leave it. They also count exact results of transcendental instructions as inexact.
 */
export function undefinedStatus(key: string, statusAfter: number): number {
  if (/^(FCMOV|FU?COMIP? |FNOP)/.test(key)) return C1;
  if (/^(FU?COM|FICOM|FTST|FPREM)/.test(key)) return statusAfter & IE ? C0 | C2 | C3 : 0;
  return TRANSCENDENTAL.test(key) ? UE | PE | ES | B | C1 : 0;
}

/** Arithmetic flags that an unmasked invalid comparison does not set (SDM Vol. 2A, FCOMI) but AMD parts do. */
export function undefinedByComparison(key: string, control: number, statusAfter: number): number {
  return /^FU?COMIP? /.test(key) && (control & IE) === 0 && (statusAfter & IE) !== 0 ? 0x8d5 : 0;
}

/** Bytes of the image that are not compared: CVTPI2PS from memory enters MMX mode by the SDM, not on AMD parts. */
export function ignoredState(key: string): readonly Span[] {
  return /^CVTPI2PS .* memory$/.test(key) ? [[IMAGE.fxsave + 3, 2]] : [];
}
