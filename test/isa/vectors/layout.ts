// The world in which vectors run, the same in host.c and on our machine: a few pages at fixed linear addresses, and
// segments over them for 16- and 32-bit code.

import type { CodeBits } from '../../../src/isa/decoded';

export const PAGE = 4096;
/** Two pages to write, one to read only; nothing is mapped below and above. */
export const DATA = { at: 0x100000, pages: 3, writablePages: 2 } as const;
/** Two pages to execute and read; nothing is mapped above. They are full of INT3. */
export const CODE = { at: 0x200000, pages: 2 } as const;
export const INT3 = 0xcc;

/** Bytes of the FXSAVE area up to XMM15; ours holds R0-R7 in the place of ST(0)-ST(7). */
export const FXSAVE_BYTES = 416;
/** Where things lie in the image of a state, of which runs of changed bytes are recorded. */
export const IMAGE = {
  registers: 0,
  fxsave: 128,
  data: 128 + FXSAVE_BYTES,
  bytes: 128 + FXSAVE_BYTES + 3 * PAGE,
} as const;

/** A segment in the LDT; `rights` in the VMCS's format. */
export interface SegmentSetup {
  readonly selector: number;
  readonly base: number;
  /** In bytes. */
  readonly limit: number;
  readonly rights: number;
}

const ldt = (index: number, base: number, limit: number, rights: number): SegmentSetup => ({
  selector: (index << 3) | 7,
  base,
  limit,
  rights,
});

export const SEGMENTS = {
  code16: ldt(0, 0x1f8000, 0xffff, 0x00fb),
  code32: ldt(1, 0x1f0000, 0x17fff, 0x40fb),
  code64: { selector: 0x33, base: 0, limit: 0xffffffff, rights: 0xa0fb },
  ds: ldt(2, 0xf8000, 0xa7ff, 0x40f3),
  es: ldt(3, 0xf7000, 0xffffffff, 0xc0f3),
  stack16: ldt(4, 0xf8000, 0xffff, 0x00f3),
  stack32: ldt(5, 0xf6000, 0xffffffff, 0xc0f3),
  stack64: { selector: 0x2b, base: 0, limit: 0xffffffff, rights: 0xc0f3 },
  /** FS holds the null selector. */
  fs: { selector: 0, base: 0, limit: 0, rights: 0x10000 },
  /** Expands down: offsets above 7FFFH. */
  gs: ldt(6, 0xf8000, 0x7fff, 0x40f7),
} as const;

/** Mode of a vector: size of the code, and of the stack outside 64-bit code. */
export interface Mode {
  readonly bits: CodeBits;
  readonly stack: 16 | 32;
}

/** ES, CS, SS, DS, FS, GS in a mode. */
export function segmentsOf({ bits, stack }: Mode): readonly SegmentSetup[] {
  const { code16, code32, code64, ds, es, stack16, stack32, stack64, fs, gs } = SEGMENTS;
  if (bits === 64) return [es, code64, stack64, ds, fs, gs];
  return [es, bits === 32 ? code32 : code16, stack === 32 ? stack32 : stack16, ds, fs, gs];
}

/** Base that an access through segment `number` adds in a mode. */
export function segmentBase(mode: Mode, number: number): number {
  return mode.bits === 64 && number < 4 ? 0 : segmentsOf(mode)[number]!.base;
}
