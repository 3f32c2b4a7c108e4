/** What a memory dump holds, however its file is laid out. */
import type { DumpBytes } from './dump-bytes';
import type { DumpNotes } from './notes';

/** Guest-physical memory [start, end) that is in the file from `offset` on, as far as it lies there as it is. */
export interface DumpRange {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/** A dump. */
export interface DumpContents extends DumpNotes {
  readonly file: DumpBytes;
  readonly machine: 'x86' | 'x86-64';
  /** In ascending order. */
  readonly ranges: readonly Omit<DumpRange, 'offset'>[];
  /** A page of 4096 bytes by its number; undefined if the dump does not have it. Throws a UserError for damage. */
  readPage(page: number): Uint8Array | undefined;
}
