/**
 * The entries of the Linux kernel's containers, in their order: what the kernel's own macros walk. Sources: Linux
 * include/linux/list.h, rbtree.h, xarray.h. Where the types of the program tell the layout, they are followed.
 */
import type { ContainerKind } from '../../symbols/expression/typed';
import { isAggregate, plain, sizeOf } from '../../symbols/types/plain';
import { memberNamed } from '../../symbols/types/members';
import type { AggregateType, TypeSource } from '../../symbols/types/type';
import { bitsIn, missing } from './contents';
import type { ValueReader } from './reader';

/** What a container holds, as far as it was walked. */
export interface Entries {
  /** Linear addresses of the nodes; of an xarray, its entries as they are, by their index. */
  readonly found: readonly { readonly address: bigint; readonly index?: bigint }[];
  /** Why there may be more: it is longer than asked, or broken. */
  readonly cut?: string | undefined;
}

const WORD = 8;
/** A tree of 2^64 nodes is not deeper than this. */
const MAX_DEPTH = 130;
/** Most slots of a node of an xarray, and most bytes that are read for it. */
const MAX_SLOTS = 256;
const MAX_NODE = 8192;
/** Pointers below are internal entries of an xarray: siblings, retries. */
const LEAST_NODE = 4096n;

/** Looks at no more than `limit` nodes of the container at a linear address. Rejects never for damaged ones. */
export async function entriesOf(
  kind: ContainerKind,
  head: bigint,
  limit: number,
  reader: ValueReader,
  types: TypeSource | undefined,
): Promise<Entries> {
  const walk = new Walk(reader, limit, types);
  const cut = await WALKS[kind](walk, head);
  return { found: walk.found, cut: cut ?? (walk.isFull ? `more than ${limit}` : undefined) };
}

class Walk {
  readonly found: { address: bigint; index?: bigint }[] = [];
  private readonly seen = new Set<bigint>();

  constructor(
    private readonly reader: ValueReader,
    private readonly limit: number,
    private readonly types: TypeSource | undefined,
  ) {}

  get isFull(): boolean {
    return this.found.length >= this.limit;
  }

  /** Adds an entry; says why that ends the walk, if it does. */
  add(address: bigint, index?: bigint): string | undefined {
    this.found.push(index === undefined ? { address } : { address, index });
    return undefined;
  }

  /** Says why a node must not be gone to: it was met before. */
  visit(address: bigint): string | undefined {
    if (this.seen.has(address)) return `0x${address.toString(16)} is met twice`;
    // Damaged ones can have nodes without end that hold nothing.
    if (this.seen.size > 2 * this.limit + MAX_SLOTS) return `more than ${this.seen.size} nodes`;
    this.seen.add(address);
    return undefined;
  }

  /** The bytes of a node; a text where it is not mapped. */
  async bytes(address: bigint, length: number): Promise<Uint8Array | string> {
    const bytes = await this.reader.read('linear', address, length);
    return bytes.length < length ? `not mapped at 0x${address.toString(16)}` : bytes;
  }

  async word(address: bigint): Promise<bigint | string> {
    const bytes = await this.bytes(address, WORD);
    return typeof bytes === 'string' ? bytes : wordIn(bytes, 0);
  }

  /** Where a member of a structure is in bytes; `otherwise` if the types do not know. */
  offset(structure: string, member: string, otherwise: number): number {
    const layout = this.layout(structure);
    const found = layout && memberNamed(layout, member);
    return found ? found.bitOffset / 8 : otherwise;
  }

  layout(structure: string): AggregateType | undefined {
    const type = this.types?.typeNamed('struct', structure);
    const found = type && plain(type);
    return found && isAggregate(found) ? found : undefined;
  }
}

const wordIn = (bytes: Uint8Array, at: number): bigint => {
  const value = bitsIn({ bytes, end: '' }, at * 8, 64);
  return typeof value === 'string' ? 0n : value;
};

/** A walk gives why it ended too early, if it did. */
const WALKS: Readonly<Record<ContainerKind, (walk: Walk, head: bigint) => Promise<string | undefined>>> = {
  /** A ring through its head. */
  async list(walk, head) {
    const next = BigInt(walk.offset('list_head', 'next', 0));
    let at = await walk.word(head + next);
    while (at !== head) {
      if (typeof at === 'string') return at;
      if (at === 0n) return 'a pointer in it is 0: it is not in use';
      if (walk.isFull) return undefined;
      const ring = walk.visit(at) ?? walk.add(at);
      if (ring !== undefined) return ring;
      at = await walk.word(at + next);
    }
    return undefined;
  },

  /** A chain that ends with 0, or with an odd number. */
  async hlist(walk, head) {
    const next = BigInt(walk.offset('hlist_node', 'next', 0));
    let at = await walk.word(head + BigInt(walk.offset('hlist_head', 'first', 0)));
    while (at !== 0n) {
      if (typeof at === 'string') return at;
      if (at & 1n || walk.isFull) return undefined;
      const ring = walk.visit(at) ?? walk.add(at);
      if (ring !== undefined) return ring;
      at = await walk.word(at + next);
    }
    return undefined;
  },

  /** In the order of the keys: left, node, right. */
  async rbtree(walk, head) {
    const [right, left] = [walk.offset('rb_node', 'rb_right', 8), walk.offset('rb_node', 'rb_left', 16)];
    const path: { node: bigint; right: bigint }[] = [];
    let at = await walk.word(head + BigInt(walk.offset('rb_root', 'rb_node', 0)));
    for (;;) {
      if (typeof at === 'string') return at;
      if (at !== 0n) {
        const ring = walk.visit(at);
        if (ring !== undefined) return ring;
        if (path.length >= MAX_DEPTH) return 'deeper than any tree';
        const bytes = await walk.bytes(at, Math.max(left, right) + WORD);
        if (typeof bytes === 'string') return bytes;
        path.push({ node: at, right: wordIn(bytes, right) });
        at = wordIn(bytes, left);
        continue;
      }
      const last = path.pop();
      if (!last || walk.isFull) return undefined;
      walk.add(last.node);
      at = last.right;
    }
  },

  /** A tree of slots; an entry is an index's by its way down. */
  async xarray(walk, head) {
    const layout = xaNode(walk);
    const first = await walk.word(head + BigInt(walk.offset('xarray', 'xa_head', 8)));
    if (typeof first === 'string') return first;
    if (!isNode(first)) {
      if (first !== 0n && !isInternal(first)) walk.add(first, 0n);
      return undefined;
    }
    if (!layout) return 'the types of the program do not say how its nodes look';
    return visitSlots(walk, layout, first, 0n, 0);
  },
};

const isInternal = (entry: bigint): boolean => (entry & 3n) === 2n;
const isNode = (entry: bigint): boolean => isInternal(entry) && entry > LEAST_NODE;

interface NodeLayout {
  readonly size: number;
  readonly shift: number;
  readonly slots: number;
  readonly count: number;
}

function xaNode(walk: Walk): NodeLayout | undefined {
  const type = walk.layout('xa_node');
  const shift = type && memberNamed(type, 'shift');
  const slots = type && memberNamed(type, 'slots');
  const array = slots && plain(slots.member.type);
  if (!type || !shift || array?.kind !== 'array' || !array.count) return undefined;
  const size = sizeOf(type) ?? 0;
  if (size > MAX_NODE || array.count > MAX_SLOTS) return undefined;
  return { size, shift: shift.bitOffset / 8, slots: slots!.bitOffset / 8, count: array.count };
}

async function visitSlots(
  walk: Walk,
  layout: NodeLayout,
  entry: bigint,
  base: bigint,
  depth: number,
): Promise<string | undefined> {
  const node = entry & ~3n;
  const ring = walk.visit(node) ?? (depth > MAX_DEPTH ? 'deeper than any tree' : undefined);
  if (ring !== undefined) return ring;
  const bytes = await walk.bytes(node, layout.size);
  if (typeof bytes === 'string') return bytes;
  const shift = BigInt(bytes[layout.shift]!);
  for (let slot = 0; slot < layout.count; slot++) {
    const held = wordIn(bytes, layout.slots + slot * WORD);
    const index = BigInt.asUintN(64, base + (BigInt(slot) << shift));
    if (walk.isFull) return undefined;
    if (isNode(held)) {
      const cut = await visitSlots(walk, layout, held, index, depth + 1);
      if (cut !== undefined) return cut;
    } else if (held !== 0n && !isInternal(held)) walk.add(held, index);
  }
  return undefined;
}

/** How many entries there are, for a row. */
export const lengthText = ({ found, cut }: Entries): string =>
  cut === undefined ? String(found.length) : `${found.length} ${missing(cut)}`;
