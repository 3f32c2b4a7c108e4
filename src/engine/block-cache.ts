/**
 * Decodes code into blocks of entries and keeps them as long as their bytes stay the same. Blocks are found by the host
 * address of their first byte and the mode they were decoded for; the pages they came from are flagged, so that every
 * write to them, from whoever, drops what it touches at once, the running block's rest included.
 *
 * A block ends at a branch that cannot fall through, at an instruction that may change mode or events, at the page's
 * end, or after `MAX_BLOCK` instructions. An instruction that crosses into the next page is a block of its own, whose
 * first entry checks that the next page is still the same.
 */
import { assert } from '../common/assert';
import type { CodeBits, Decoded, OperandValue } from '../isa/decoded';
import { RIP_BASE } from '../isa/decoded';
import type { Decoder } from '../isa/decode';
import type { Instruction } from '../isa/define';
import type { Operand } from '../isa/semantics';
import { SEGMENT_BYTES, STATE } from '../cpu/layout';
import type { ProcessorState } from '../cpu/state';
import { BLOCK_TABLE_ENTRIES, PAGE, PAGE_FLAG } from '../memory/plan';
import type { MemoryPlan } from '../memory/plan';
import { BLOCK, ENTRY, ENTRY_BYTES } from './entry';
import { PSEUDO } from './handler-table';
import type { HandlerTable } from './handler-table';
import { BLOCK_SLOT, blockSlotIndex } from './interpreter-module';

/** Shorter blocks cut more loops in two (SHA-256's rounds take 47 instructions); longer ones decode more that never runs. */
const MAX_BLOCK = 48;
const MAX_LENGTH = 15;
/** Room for the block that runs out of budget: see `truncate`. */
const SCRATCH_BYTES = BLOCK.headerBytes + (2 * MAX_BLOCK + 2) * ENTRY_BYTES;

/** What the block cache asks of the interpreter. */
export interface BlockCacheHost {
  /** Host address of the byte at `linear` for a fetch: 0 on a fault, 1 on the bus. */
  translateFetch(linear: bigint): number;
  /** Makes cached look-ups stale. */
  nextGeneration(): void;
  /** Ends fast writes to a page that is now flagged. */
  protect(page: number): void;
  /** True when a breakpoint may lie at `linear`. */
  breakpointAt(linear: bigint): boolean;
  /** What `BLOCK.heat` of a fresh block is. */
  readonly initialHeat: number;
  /** A block is no longer what memory holds, or is dropped for another reason. */
  dropped(block: number): void;
}

interface BlockRecord {
  readonly at: number;
  /** Host range of its bytes. */
  readonly start: number;
  readonly end: number;
  readonly entries: number;
}

/** An instruction that never falls through, or whose successor must be looked up anew. */
function endsBlock(instruction: Instruction): boolean {
  return instruction.endsBlock === true || instruction.repeat !== undefined || instruction.goesElsewhere === true;
}

export class BlockCache {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly words: Int32Array;
  private readonly flags: Uint8Array;
  private readonly pages = new Map<number, BlockRecord[]>();
  /** Every block that is still valid, by mode key and host address: the table in memory keeps one of those that share a slot. */
  private readonly valid = new Map<number, Map<number, number>>();
  private readonly decoded = new Map<number, Decoded>();
  private readonly scratch: number;
  private readonly crossing = new Uint8Array(2 * MAX_LENGTH);
  private next: number;

  constructor(
    private readonly state: ProcessorState,
    private readonly plan: MemoryPlan,
    private readonly decoder: Decoder,
    private readonly handlers: HandlerTable,
    private readonly host: BlockCacheHost,
  ) {
    this.bytes = new Uint8Array(state.buffer);
    this.view = new DataView(state.buffer);
    this.words = new Int32Array(state.buffer);
    this.flags = new Uint8Array(state.buffer, plan.pageFlags, plan.physicalBytes / PAGE);
    this.scratch = plan.arena;
    this.next = plan.arena + SCRATCH_BYTES;
  }

  /**
   * Finds or decodes the block at host address `at` (1: RIP is on the bus) for the mode key `mode`, at `STATE.rip`. Gives
   * the block's host offset, or 0 with a fault recorded in the state.
   */
  decode(at: number, mode: number): number {
    if (this.next + SCRATCH_BYTES > this.plan.arenaEnd) this.clear();
    const bits: CodeBits = (mode & 3) === 2 ? 64 : (mode & 3) === 1 ? 32 : 16;
    const rip = this.state.rip;
    // Bytes up to the end of the page and of the code segment.
    const toPageEnd = PAGE - (at & (PAGE - 1));
    const limit = bits === 64 ? Infinity : Number(BigInt(this.state.segmentLimit(1)) - rip) + 1;
    const available = at === 1 ? 0 : Math.min(toPageEnd, limit);
    const known = this.valid.get(mode)?.get(at);
    if (known !== undefined && this.view.getUint32(known + BLOCK.bytes, true) <= limit) {
      this.enter(known, at, mode);
      return known;
    }
    const block = this.next;
    const linear = this.linearOf(rip, bits);
    let entry = block + BLOCK.headerBytes;
    let offset = 0;
    let count = 0;
    const cacheable = available === toPageEnd;
    while (count < MAX_BLOCK) {
      const decoded =
        available > offset ? this.decoder.decode(this.bytes, at + offset, at + available, bits) : undefined;
      if (decoded && !('failure' in decoded)) {
        entry = this.addBreakpoint(entry, linear, offset);
        this.writeEntry(entry, decoded, offset, bits);
        entry += ENTRY_BYTES;
        offset += decoded.length;
        count++;
        if (endsBlock(decoded.instruction) || this.isKnown(at + offset, mode)) break;
        continue;
      }
      if (decoded && decoded.failure !== 'truncated') {
        entry = this.addBreakpoint(entry, linear, offset);
        this.writePseudo(entry, decoded.failure === 'undefined' ? PSEUDO.undefined : PSEUDO.general, offset);
        entry += ENTRY_BYTES;
        offset += decoded.length;
        count++;
        break;
      }
      // The bytes ran out: at the segment's limit, at the page's end, or where there is no memory.
      if (count > 0) break;
      if (at === 1) return this.emptyBlock(block, PSEUDO.undefined, bits);
      if (available < toPageEnd) return this.emptyBlock(block, PSEUDO.general, bits);
      return this.decodeCrossing(block, at, mode, bits, limit);
    }
    this.writePseudo(entry, PSEUDO.end, offset);
    entry += ENTRY_BYTES;
    this.finish(block, entry, at, mode, offset, count);
    if (cacheable) this.enter(block, at, mode);
    this.note(at >>> 12, { at: block, start: at, end: at + offset, entries: this.entriesOf(block, entry) });
    this.next = entry;
    return block;
  }

  /** A copy of `block` that ends after `budget` (fewer than its own) instructions. */
  truncate(block: number, budget: number): number {
    const count = this.view.getUint32(block + BLOCK.count, true);
    const copy = this.scratch;
    let from = block + BLOCK.headerBytes;
    let to = copy + BLOCK.headerBytes;
    this.bytes.copyWithin(copy, block, from);
    const cut = count - budget;
    for (; this.view.getUint16(from + ENTRY.left, true) > cut; from += ENTRY_BYTES, to += ENTRY_BYTES) {
      this.bytes.copyWithin(to, from, from + ENTRY_BYTES);
      this.view.setUint16(to + ENTRY.left, this.view.getUint16(from + ENTRY.left, true) - cut, true);
    }
    this.writePseudo(to, PSEUDO.end, this.view.getUint16(from + ENTRY.offset, true));
    this.view.setUint32(copy + BLOCK.count, budget, true);
    return copy;
  }

  /** The bytes at [host, host + length) are about to change: blocks made of them end where they stand. */
  written(host: number, length: number): void {
    const page = host >>> 12;
    const records = this.pages.get(page);
    if (!records) return;
    let dropped = false;
    for (let i = records.length - 1; i >= 0; i--) {
      const record = records[i]!;
      if (record.start >= host + length || record.end <= host) continue;
      this.endAll(record);
      records.splice(i, 1);
      dropped = true;
    }
    if (!dropped) return;
    if (records.length === 0) {
      this.pages.delete(page);
      this.flags[page - (this.plan.physical >>> 12)]! &= ~PAGE_FLAG.code;
    }
    this.host.nextGeneration();
  }

  /** Drops one block. */
  drop(block: number): void {
    const page = this.view.getUint32(block + BLOCK.host, true) >>> 12;
    const records = this.pages.get(page) ?? [];
    const index = records.findIndex((record) => record.at === block);
    if (index < 0) return;
    this.endAll(records[index]!);
    records.splice(index, 1);
    this.host.nextGeneration();
  }

  /** Makes the running block end behind the current instruction. */
  endRunning(): void {
    const block = this.state.word(STATE.block);
    if (block === this.scratch) this.endScratch();
    else this.drop(block);
  }

  /** The bytes of the instruction at `entry` of the running block: where it was fetched from, second page included. */
  bytesOf(entry: number): Uint8Array {
    const { view } = this;
    const block = this.state.word(STATE.block);
    const length = view.getUint8(entry + ENTRY.length);
    const host = view.getUint32(block + BLOCK.host, true) + view.getUint16(entry + ENTRY.offset, true);
    const here = Math.min(length, PAGE - (host & (PAGE - 1)));
    const bytes = this.bytes.slice(host, host + length);
    if (here === length) return bytes;
    let crossing = block + BLOCK.headerBytes;
    while (view.getUint16(crossing + ENTRY.handler, true) !== PSEUDO.crossing) crossing += ENTRY_BYTES;
    const second = Number(view.getBigInt64(crossing + ENTRY.immediate, true));
    bytes.set(this.bytes.subarray(second, second + length - here), here);
    return bytes;
  }

  /** What `noteDecoded` said of an entry. */
  noted(entry: number): Decoded | undefined {
    return this.decoded.get(entry);
  }

  /** Keeps the decoded form of the instruction at `entry`; entries are written once between two calls of `clear`. */
  noteDecoded(entry: number, decoded: Decoded): void {
    if (entry >= this.scratch + SCRATCH_BYTES) this.decoded.set(entry, decoded);
  }

  /** Host offsets of the blocks decoded from a page (host page number). */
  blocksOf(page: number): number[] {
    return (this.pages.get(page) ?? []).map(({ at }) => at);
  }

  /** Runs `visit` for the host offset of every block. */
  forEachBlock(visit: (block: number) => void): void {
    for (const records of this.pages.values()) for (const { at } of records) visit(at);
  }

  /** Forgets every block. */
  clear(): void {
    for (const records of this.pages.values()) for (const { at } of records) this.host.dropped(at);
    for (const page of this.pages.keys()) this.flags[page - (this.plan.physical >>> 12)]! &= ~PAGE_FLAG.code;
    this.pages.clear();
    this.valid.clear();
    this.decoded.clear();
    this.bytes.fill(0, this.plan.blockTable, this.plan.blockTable + BLOCK_TABLE_ENTRIES * 16);
    this.next = this.plan.arena + SCRATCH_BYTES;
    this.host.nextGeneration();
  }

  /**
   * True when the block table has a block there: running into it beats decoding its instructions once more. Asked behind
   * each instruction, so that a block that lost its place in the table is overlooked rather than searched for.
   */
  private isKnown(host: number, mode: number): boolean {
    const slot = this.plan.blockTable + blockSlotIndex(host, mode) * 16;
    const { view } = this;
    return (
      view.getUint32(slot + BLOCK_SLOT.host, true) === host && view.getUint32(slot + BLOCK_SLOT.mode, true) === mode
    );
  }

  private linearOf(rip: bigint, bits: CodeBits): bigint {
    return bits === 64 ? rip : (rip + this.state.segmentBase(1)) & 0xffffffffn;
  }

  /** One instruction whose bytes lie in two pages. */
  private decodeCrossing(block: number, at: number, mode: number, bits: CodeBits, limit: number): number {
    const first = PAGE - (at & (PAGE - 1));
    const rip = this.state.rip;
    const linear = this.linearOf(rip, bits);
    const secondLinear =
      bits === 64 ? BigInt.asUintN(64, linear + BigInt(first)) : (linear + BigInt(first)) & 0xffffffffn;
    const second = this.host.translateFetch(secondLinear);
    if (second === 0) return 0;
    const total = Math.min(MAX_LENGTH, limit);
    this.crossing.fill(0xff);
    this.crossing.set(this.bytes.subarray(at, at + Math.min(first, total)));
    if (second !== 1 && total > first) this.crossing.set(this.bytes.subarray(second, second + total - first), first);
    const decoded = this.decoder.decode(this.crossing, 0, total, bits);
    let entry = block + BLOCK.headerBytes;
    entry = this.addBreakpoint(entry, linear, 0);
    this.writePseudo(entry, PSEUDO.crossing, 0);
    this.view.setInt32(entry + ENTRY.displacement, first, true);
    this.view.setBigInt64(entry + ENTRY.immediate, BigInt(second), true);
    entry += ENTRY_BYTES;
    let length: number;
    if ('failure' in decoded) {
      length = decoded.length;
      this.writePseudo(entry, decoded.failure === 'undefined' ? PSEUDO.undefined : PSEUDO.general, 0);
    } else {
      length = decoded.length;
      this.writeEntry(entry, decoded, 0, bits);
    }
    entry += ENTRY_BYTES;
    this.writePseudo(entry, PSEUDO.end, length);
    entry += ENTRY_BYTES;
    this.finish(block, entry, at, mode, length, 1);
    if (limit >= MAX_LENGTH) this.enter(block, at, mode);
    const entries = this.entriesOf(block, entry);
    this.note(at >>> 12, { at: block, start: at, end: at + first, entries });
    if (second !== 1) this.note(second >>> 12, { at: block, start: second, end: second + length - first, entries });
    this.next = entry;
    return block;
  }

  /** A block that only faults. Not cached: nothing would drop it. */
  private emptyBlock(block: number, pseudo: number, bits: CodeBits): number {
    const entry = this.addBreakpoint(block + BLOCK.headerBytes, this.linearOf(this.state.rip, bits), 0);
    this.writePseudo(entry, pseudo, 0);
    this.finish(block, entry + ENTRY_BYTES, 0, 0, 1, 1);
    return block;
  }

  private entriesOf(block: number, end: number): number {
    return (end - block - BLOCK.headerBytes) / ENTRY_BYTES;
  }

  /** Writes the header and every entry's number of instructions that are left. */
  private finish(block: number, end: number, host: number, mode: number, bytes: number, count: number): void {
    const { view } = this;
    view.setUint32(block + BLOCK.count, count, true);
    view.setUint32(block + BLOCK.host, host, true);
    view.setUint32(block + BLOCK.mode, mode, true);
    view.setUint32(block + BLOCK.bytes, bytes, true);
    view.setUint32(block + BLOCK.region, 0, true);
    view.setUint32(block + BLOCK.heat, this.host.initialHeat, true);
    let left = 0;
    let behind = -1;
    for (let entry = end - ENTRY_BYTES; entry >= block + BLOCK.headerBytes; entry -= ENTRY_BYTES) {
      const handler = view.getUint16(entry + ENTRY.handler, true);
      const counts = handler !== PSEUDO.end && handler !== PSEUDO.breakpoint && handler !== PSEUDO.crossing;
      if (counts) left++;
      behind = handler;
      view.setUint16(entry + ENTRY.left, left, true);
    }
    assert(left === count && behind >= 0, 'block count');
  }

  private enter(block: number, host: number, mode: number): void {
    const slot = this.plan.blockTable + blockSlotIndex(host, mode) * 16;
    this.view.setUint32(slot + BLOCK_SLOT.host, host, true);
    this.view.setUint32(slot + BLOCK_SLOT.mode, mode, true);
    this.view.setUint32(slot + BLOCK_SLOT.block, block, true);
    const ofMode = this.valid.get(mode);
    if (ofMode) ofMode.set(host, block);
    else this.valid.set(mode, new Map([[host, block]]));
  }

  private note(page: number, record: BlockRecord): void {
    const records = this.pages.get(page);
    if (records) {
      records.push(record);
      return;
    }
    this.pages.set(page, [record]);
    const physical = page - (this.plan.physical >>> 12);
    const before = this.flags[physical]!;
    this.flags[physical] = before | PAGE_FLAG.code;
    if (before === 0) this.host.protect(physical);
  }

  /** Turns every entry of a block, and of the truncated copy if that is running, into an end. */
  private endAll(record: BlockRecord): void {
    this.host.dropped(record.at);
    for (let i = 0; i < record.entries; i++) {
      this.view.setUint16(record.at + BLOCK.headerBytes + i * ENTRY_BYTES, PSEUDO.end, true);
    }
    const host = this.view.getUint32(record.at + BLOCK.host, true);
    const mode = this.view.getUint32(record.at + BLOCK.mode, true);
    const slot = this.plan.blockTable + blockSlotIndex(host, mode) * 16;
    if (this.view.getUint32(slot + BLOCK_SLOT.block, true) === record.at) this.view.setUint32(slot, 0, true);
    const ofMode = this.valid.get(mode);
    if (ofMode?.get(host) === record.at) ofMode.delete(host);
    if (this.state.word(STATE.block) === this.scratch) this.endScratch();
  }

  private endScratch(): void {
    for (let entry = this.scratch + BLOCK.headerBytes; entry < this.scratch + SCRATCH_BYTES; entry += ENTRY_BYTES) {
      this.view.setUint16(entry, PSEUDO.end, true);
    }
  }

  private addBreakpoint(entry: number, linear: bigint, offset: number): number {
    if (this.state.word(STATE.breakpoints) === 0 || !this.host.breakpointAt(linear + BigInt(offset))) return entry;
    this.writePseudo(entry, PSEUDO.breakpoint, offset);
    return entry + ENTRY_BYTES;
  }

  private writePseudo(entry: number, handler: number, offset: number): void {
    const { words } = this;
    const at = entry >>> 2;
    words[at] = handler | (offset << 16);
    for (let word = 1; word < ENTRY_BYTES / 4; word++) words[at + word] = 0;
  }

  private writeEntry(entry: number, decoded: Decoded, offset: number, bits: CodeBits): void {
    const mode64 = bits === 64;
    const handler = this.handlers.handlerOf(decoded, mode64);
    const { operands } = this.handlers.keyOf(handler)!;
    const sizeCode = decoded.addressSize === 64 ? 2 : decoded.addressSize === 32 ? 1 : 0;
    let scale = 0;
    let base: number = STATE.zero;
    let index: number = STATE.zero;
    let segment = decoded.dataSegment;
    let register0 = 0;
    let register1 = 0;
    let displacement = 0;
    let low = 0;
    let high = 0;
    for (let i = 0; i < operands.length; i++) {
      const value = decoded.operands[i]!;
      const operand = operands[i]!;
      switch (value.kind) {
        case 'register':
          if (operand.fixed !== undefined) break;
          if (operand.slot === 0) register0 = registerField(value.number, operand.file);
          else register1 = registerField(value.number, operand.file);
          break;
        case 'immediate':
          if (operand.slot === 0) {
            low = Number(value.value);
            high = Math.floor(low / 0x1_0000_0000);
            if (!Number.isSafeInteger(low)) {
              low = Number(BigInt.asIntN(32, value.value));
              high = Number(BigInt.asIntN(32, value.value >> 32n));
            }
          } else displacement = Number(BigInt.asIntN(32, value.value));
          break;
        case 'relative':
          low = offset + decoded.length + Number(value.value);
          high = low < 0 ? -1 : 0;
          break;
        case 'far':
          low = value.offset;
          displacement = value.selector;
          break;
        case 'memory': {
          const { memory } = value;
          segment = memory.segment;
          scale = memory.scale;
          if (memory.index >= 0) index = STATE.general + memory.index * 8;
          if (operand.spec.letter === 'O') {
            low = Number(BigInt.asIntN(32, memory.displacement));
            high = Number(BigInt.asIntN(32, memory.displacement >> 32n));
            break;
          }
          displacement = Number(memory.displacement);
          if (memory.base === RIP_BASE) {
            base = STATE.blockRip;
            displacement += offset + decoded.length;
          } else if (memory.base >= 0) base = STATE.general + memory.base * 8;
          break;
        }
        default:
          assertNoField(value);
      }
    }
    const segmentBase = !mode64 || segment >= 4 ? STATE.segments + segment * SEGMENT_BYTES : STATE.zero;
    // Word by word, as `ENTRY` lays the fields out; `finish` writes `ENTRY.left`. Stores keep the low 32 bits.
    const { words } = this;
    const at = entry >>> 2;
    words[at] = handler | (offset << 16);
    words[at + 1] = decoded.length | ((scale | (sizeCode << 2)) << 8);
    words[at + 2] = register0 | (register1 << 16);
    words[at + 3] = segmentBase | (segment << 16);
    words[at + 4] = base | (index << 16);
    words[at + 5] = displacement;
    words[at + 6] = low;
    words[at + 7] = high;
  }
}

/** The register field of an entry: a state offset, or the number where handlers want that. */
function registerField(number: number, file: Operand['file']): number {
  switch (file) {
    case 'general':
      return number >= 16 ? STATE.general + (number - 16) * 8 + 1 : STATE.general + number * 8;
    case 'xmm':
      return STATE.vector + number * 64;
    case 'mmx':
      return STATE.fpu + number * 16;
    default:
      return number;
  }
}

function assertNoField(value: OperandValue): void {
  assert(value.kind === 'condition' || value.kind === 'one', 'operand without a field');
}
