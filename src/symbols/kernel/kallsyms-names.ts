/**
 * The compressed names of kallsyms and their markers, found by their own structure. Source: Linux scripts/kallsyms.c
 * (`write_src`) and kernel/kallsyms.c (`kallsyms_expand_symbol`).
 *
 * `num_syms`, `names` and `markers` follow each other, then `seqs_of_names` (6.2 to 6.4) or the tokens. A name is a
 * length in one byte (two from 6.1 on, if bit 7 is set) and as many tokens; a marker is the offset of each 256th name. On
 * 64 bits, the number and the markers had 8 bytes up to 4.19.
 */
import type { TokenTable } from './token-table';

/** Where the tables lie in the bytes. */
export interface NameTable {
  readonly bits: 32 | 64;
  readonly count: number;
  /** Offset of `kallsyms_num_syms`. */
  readonly number: number;
  /** Offset of `kallsyms_names`. */
  readonly names: number;
}

const NAMES_OF_MARKER = 256;
/** How far before the tokens the markers can lie: `seqs_of_names` of a million symbols is between. */
const MARKER_REACH = 0x40_0000;
/** Bytes of 256 names: each has at least a length and its type. */
const LEAST_STEP = 2 * NAMES_OF_MARKER;
const MOST_STEP = 0x1_0000;
/** A kernel has thousands of symbols. */
const LEAST_MARKERS = 4;
const MAX_SYMBOLS = 0x20_0000;

/** The names that end before a token table; undefined if these bytes do not hold them. */
export function findNames(bytes: Uint8Array, tokens: TokenTable): NameTable | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layouts = [
    { bits: 64, marker: 4 },
    { bits: 32, marker: 4 },
    { bits: 64, marker: 8 },
  ] as const;
  for (const { bits, marker } of layouts) {
    for (const run of markerRuns(view, tokens.start, marker)) {
      // What follows the markers can look like one or two more of them.
      for (let extra = 0; extra <= 2 && run.length - extra >= LEAST_MARKERS; extra += 1) {
        const found = namesBefore(view, bits, { ...run, length: run.length - extra });
        if (found) return found;
      }
    }
  }
  return undefined;
}

/** What may be an array of markers: from 0, rising. */
interface MarkerRun {
  readonly start: number;
  readonly length: number;
  /** Bytes of one. */
  readonly size: 4 | 8;
}

function* markerRuns(view: DataView, end: number, size: 4 | 8): Generator<MarkerRun> {
  // Linkers align the tables on 4 or 8 bytes; what the bytes here begin with is not known to be aligned on more than 4.
  const last = end - size;
  const read = (at: number): number =>
    size === 4 || view.getUint32(at + 4, true) === 0 ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
  for (const phase of size === 4 ? [0] : [0, 4]) {
    let start = -1;
    let value = 0;
    const first = Math.max(0, end - MARKER_REACH);
    for (let at = first - (first % 8) + phase; at >= 0 && at <= last + size; at += size) {
      const next = at <= last ? read(at) : 0;
      const step = next - value;
      if (start >= 0 && step >= LEAST_STEP && step <= MOST_STEP) {
        value = next;
        continue;
      }
      if (start >= 0 && (at - start) / size >= LEAST_MARKERS) yield { start, length: (at - start) / size, size };
      start = next === 0 ? at : -1;
      value = 0;
    }
  }
}

/** The names before these markers, if there is a number of them that fits in front of names that fit the markers. */
function namesBefore(view: DataView, bits: 32 | 64, run: MarkerRun): NameTable | undefined {
  const word = bits / 8;
  const lastMarker = view.getUint32(run.start + (run.length - 1) * run.size, true);
  const most = run.length * NAMES_OF_MARKER;
  const least = most - NAMES_OF_MARKER + 1;
  if (most > MAX_SYMBOLS + NAMES_OF_MARKER) return undefined;
  const nearest = run.start - lastMarker - 2;
  const furthest = Math.max(word, nearest - MOST_STEP);
  for (let names = nearest - ((nearest - run.start) % 4); names >= furthest; names -= 4) {
    const count = view.getUint32(names - word, true);
    if (count < least || count > most || (bits === 64 && view.getUint32(names - 4, true) !== 0)) continue;
    if (fits(view, { bits, count, number: names - word, names }, run))
      return { bits, count, number: names - word, names };
  }
  return undefined;
}

function fits(view: DataView, table: NameTable, run: MarkerRun): boolean {
  let at = table.names;
  for (let index = 0; index < table.count; index += 1) {
    if (at >= run.start) return false;
    if (index % NAMES_OF_MARKER === 0) {
      const marker = view.getUint32(run.start + (index / NAMES_OF_MARKER) * run.size, true);
      if (at - table.names !== marker) return false;
    }
    const { length, size } = lengthAt(view, at);
    if (length === 0) return false;
    at += size + length;
  }
  return at <= run.start && run.start - at < 16;
}

/** The number of tokens of the name at an offset, and the bytes that say so. */
export function lengthAt(view: DataView, at: number): { length: number; size: number } {
  const low = view.getUint8(at);
  if (low < 0x80 || at + 1 >= view.byteLength) return { length: low, size: 1 };
  return { length: (low & 0x7f) | (view.getUint8(at + 1) << 7), size: 2 };
}
