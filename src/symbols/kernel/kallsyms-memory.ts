/** Finds the kallsyms of a kernel that runs: in the guest's memory, which is read piece by piece. */
import { findKallsyms, type Kallsyms } from './kallsyms';
import { type ReadLinear, readMost } from './linear-memory';
import { findDigits } from './token-table';

export type { ReadLinear } from './linear-memory';

/** Mapped linear addresses [start, end). */
export interface LinearRange {
  readonly start: bigint;
  readonly end: bigint;
}

const PIECE = 0x10_0000;
/** Tokens are found by 20 bytes, which may lie across two pieces. */
const OVERLAP = 32;
/** The other tables lie around the tokens, bytes. */
const BEFORE = 0x100_0000n;
const BEHIND = 0x80_0000n;
/** The most that is searched, bytes. */
const MOST = 0x1000_0000;
/** Places that look like tokens, before giving up. */
const MOST_PLACES = 16;

/** The kallsyms in these ranges, searched in their order; those that touch may be one table's. */
export async function readKallsyms(read: ReadLinear, ranges: readonly LinearRange[]): Promise<Kallsyms | undefined> {
  let left = MOST;
  let places = 0;
  for (const range of joined(ranges)) {
    for (let at = range.start; at < range.end && left > 0; at += BigInt(PIECE - OVERLAP), left -= PIECE) {
      const piece = await read(at, Math.min(PIECE, Number(range.end - at)));
      for (let found = findDigits(piece, 0); found >= 0; found = findDigits(piece, found + 1)) {
        if ((places += 1) > MOST_PLACES) return undefined;
        const kallsyms = findKallsyms(await windowAround(read, range, at + BigInt(found)));
        if (kallsyms) return kallsyms;
      }
    }
  }
  return undefined;
}

async function windowAround(
  read: ReadLinear,
  range: LinearRange,
  place: bigint,
): Promise<{ bytes: Uint8Array; base: bigint }> {
  const first = place - BEFORE > range.start ? (place - BEFORE) & ~0xfffn : range.start;
  const last = place + BEHIND < range.end ? place + BEHIND : range.end;
  const bytes = await readMost(read, first, Number(last - first));
  return { bytes, base: first };
}

/** The ranges, those that touch the one before as one. */
function joined(ranges: readonly LinearRange[]): LinearRange[] {
  const all: LinearRange[] = [];
  for (const range of ranges) {
    const last = all.at(-1);
    if (last && last.end === range.start) all[all.length - 1] = { start: last.start, end: range.end };
    else all.push(range);
  }
  return all;
}
