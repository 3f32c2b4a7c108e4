/**
 * Chooses what becomes one region: the decoded blocks of one page that a hot block leads to by direct jumps, falling
 * through, or returning from a call, as far as they have run and belong to no region yet.
 */
import { PAGE } from '../../memory/plan';
import type { BlockView } from './entry-view';
import { isFoldable } from './foldable';
import type { EntryView } from './entry-view';

/** Caps: V8's compilers are more than linear in a function's size. */
const MAX_BLOCKS = 48;
const MAX_INSTRUCTIONS = 400;

/** One block of a region. */
export interface RegionBlock {
  readonly block: BlockView;
  /** Bytes from the page's start. */
  readonly offset: number;
  readonly entries: readonly EntryView[];
  /** It jumps to its own start. */
  readonly repeats: boolean;
}

/** Blocks in the order of their addresses. */
export type RegionShape = readonly RegionBlock[];

/** Page offsets where `entries` of a block at page offset `offset` go on without an indirect jump. */
function successors(
  entries: readonly EntryView[],
  offset: number,
): { readonly jumps: number[]; readonly behind: number } {
  const jumps: number[] = [];
  let behind = -1;
  for (const entry of entries) {
    const { key } = entry;
    if (key?.operands.some(({ kind }) => kind === 'relative')) jumps.push(offset + Number(entry.immediate));
    if (entry.isEnd) {
      behind = offset + entry.offset;
      const last = entries.at(-2)?.key?.instruction.name;
      if (last === 'JMP' || last === 'RET') behind = -1;
    }
  }
  return { jumps, behind };
}

/** True when a region can begin with the block. */
export function canBegin(block: BlockView): boolean {
  return block.codeSize !== 16 && isFoldable(block.first, block.codeSize);
}

/**
 * The region of `hot`. `find` gives the block at a page offset that may join: one with which a region can begin, decoded in
 * the same mode, run often enough, in no region.
 */
export function shapeRegion(hot: BlockView, find: (offset: number) => BlockView | undefined): RegionShape {
  const taken = new Map<number, RegionBlock>();
  const waiting: BlockView[] = [hot];
  let instructions = 0;
  while (waiting.length > 0 && taken.size < MAX_BLOCKS && instructions < MAX_INSTRUCTIONS) {
    const block = waiting.shift()!;
    const offset = block.host & (PAGE - 1);
    if (taken.has(offset)) continue;
    const entries = block.entries();
    const { jumps, behind } = successors(entries, offset);
    taken.set(offset, { block, offset, entries, repeats: jumps.includes(offset) });
    instructions += block.count;
    for (const next of [behind, ...jumps]) {
      if (next < 0 || next >= PAGE || taken.has(next)) continue;
      const found = find(next);
      if (found) waiting.push(found);
    }
  }
  return [...taken.values()].sort((a, b) => a.offset - b.offset);
}
