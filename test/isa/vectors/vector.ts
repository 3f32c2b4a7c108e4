// One recorded execution: the state before, as a seed and what differs, and what the host's CPU did.

import type { Mode } from './layout';
import type { Profile } from './random-state';

/** Bytes of the data pages that differ from `dataPages`. */
export interface Patch {
  /** Linear address. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What runs: everything that host and our machine are given. */
export interface Trial {
  readonly mode: Mode;
  readonly profile: Profile;
  readonly seed: number;
  readonly code: Uint8Array;
  /** Linear address of the code. */
  readonly at: number;
  /** General registers that do not have their random value. */
  readonly overrides: readonly (readonly [number, bigint])[];
  readonly patches: readonly Patch[];
  /** RFLAGS, with CF, PF, AF, ZF, SF, DF, OF and AC as wanted. */
  readonly flags: number;
  /** Flags that the SDM leaves undefined after this execution. */
  readonly undefinedFlags: number;
  /** Its code or its data cross a page. */
  readonly crosses: boolean;
  /** Bytes of the data pages that are not compared: makers of CPUs differ. */
  readonly ignored: readonly Span[];
}

/** Linear address and length in bytes. */
export type Span = readonly [number, number];

/** A piece of the image that changed. */
export interface Run {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** How it ended. */
export interface Ending {
  /** Exception that the instruction raised; undefined when it completed. */
  readonly fault?: number;
  readonly error: number;
  /** CR2 of a page fault, else 0. */
  readonly address: bigint;
  /** Offset in the code segment. */
  readonly rip: bigint;
  readonly flags: number;
  readonly runs: readonly Run[];
}

export interface Vector extends Trial {
  readonly ending: Ending;
}

/** Vectors of one form at one operand size with a register or memory, in all modes. */
export interface VectorGroup {
  /** `variantKey` of the form. */
  readonly key: string;
  readonly vectors: readonly Vector[];
}

/** Flags that are compared: the arithmetic ones, DF and AC. */
export const COMPARED_FLAGS = 0x408d5 | 0x400;
export const ARITHMETIC = 0x8d5;
