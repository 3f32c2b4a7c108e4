/**
 * Chooses what becomes one region: the decoded blocks of one page that are connected with a hot block, whichever of two
 * leads to the other by a direct jump, falling through, or returning from a call; as far as they have run and belong to no
 * region yet. Going only where the hot block leads makes a third more regions, since what got hot first is taken.
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

/** A block of a page and where it leads within the page, and where it is led to from. */
export interface PageBlock {
  readonly member: RegionBlock;
  readonly neighbours: PageBlock[];
}

/** The blocks of one page as a graph; `blocks` are decoded in one mode. */
export function graphOf(blocks: Iterable<BlockView>): ReadonlyMap<number, PageBlock> {
  const graph = new Map<number, PageBlock>();
  const targets = new Map<PageBlock, readonly number[]>();
  for (const block of blocks) {
    const offset = block.host & (PAGE - 1);
    const entries = block.entries();
    const { jumps, behind } = successors(entries, offset);
    const node: PageBlock = { member: { block, offset, entries, repeats: jumps.includes(offset) }, neighbours: [] };
    graph.set(offset, node);
    targets.set(node, [behind, ...jumps]);
  }
  for (const [node, offsets] of targets) {
    for (const offset of offsets) {
      const other = graph.get(offset);
      if (!other || other === node) continue;
      node.neighbours.push(other);
      other.neighbours.push(node);
    }
  }
  return graph;
}

/** The region of `hot`: what is connected with it, as far as `isFree` says that no region has it. */
export function shapeRegion(hot: PageBlock, isFree: (block: BlockView) => boolean): RegionShape {
  const taken = new Set<PageBlock>();
  let instructions = 0;
  const waiting = [hot];
  for (const node of waiting) {
    if (taken.size >= MAX_BLOCKS || instructions >= MAX_INSTRUCTIONS) break;
    if (taken.has(node)) continue;
    taken.add(node);
    instructions += node.member.block.count;
    for (const next of node.neighbours) if (!taken.has(next) && isFree(next.member.block)) waiting.push(next);
  }
  return [...taken].map(({ member }) => member).sort((a, b) => a.offset - b.offset);
}
