/** Reads decoded blocks and entries back from the arena (`entry.ts`), for folding them once more. */
import type { CodeBits } from '../../isa/decoded';
import { MODE, STATE } from '../../cpu/layout';
import { BLOCK, ENTRY, ENTRY_BYTES } from '../entry';
import { PSEUDO } from '../handler-table';
import type { HandlerKey, HandlerTable } from '../handler-table';

const GENERAL_END = STATE.general + 16 * 8;

/** One decoded entry; registers are state offsets, as in the arena. */
export class EntryView {
  constructor(
    private readonly view: DataView,
    private readonly handlers: HandlerTable,
    /** Host offset in the arena. */
    readonly at: number,
  ) {}

  get handler(): number {
    return this.field16(ENTRY.handler);
  }

  /** What it does; undefined for pseudo entries. */
  get key(): HandlerKey | undefined {
    return this.handlers.keyOf(this.handler);
  }

  get isEnd(): boolean {
    return this.handler === PSEUDO.end;
  }

  /** Bytes from the block's start. */
  get offset(): number {
    return this.field16(ENTRY.offset);
  }

  get length(): number {
    return this.view.getUint8(this.at + ENTRY.length);
  }

  /** Instructions of the block from this one on. */
  get left(): number {
    return this.field16(ENTRY.left);
  }

  /** log2 of the index factor. */
  get scale(): number {
    return this.view.getUint8(this.at + ENTRY.shape) & 3;
  }

  /** Address size in bits. */
  get addressSize(): number {
    return 16 << ((this.view.getUint8(this.at + ENTRY.shape) >> 2) & 3);
  }

  /** State offset or number of the register operand in `slot`. */
  register(slot: number): number {
    return this.field16(slot === 0 ? ENTRY.register0 : ENTRY.register1);
  }

  get segment(): number {
    return this.field16(ENTRY.segment);
  }

  /** State offset of what is added to an address: a segment's record, or zero. */
  get segmentBase(): number {
    return this.field16(ENTRY.segmentBase);
  }

  get base(): number {
    return this.field16(ENTRY.base);
  }

  get index(): number {
    return this.field16(ENTRY.index);
  }

  get displacement(): number {
    return this.view.getInt32(this.at + ENTRY.displacement, true);
  }

  get immediate(): bigint {
    return this.view.getBigInt64(this.at + ENTRY.immediate, true);
  }

  private field16(field: number): number {
    return this.view.getUint16(this.at + field, true);
  }
}

/** General register number of a state offset, or -1. */
export function generalNumber(stateOffset: number): number {
  return stateOffset >= STATE.general && stateOffset < GENERAL_END ? (stateOffset - STATE.general) >> 3 : -1;
}

/** A decoded block. */
export class BlockView {
  constructor(
    private readonly view: DataView,
    private readonly handlers: HandlerTable,
    readonly at: number,
  ) {}

  /** Instructions. */
  get count(): number {
    return this.view.getUint32(this.at + BLOCK.count, true);
  }

  /** Host address of its first byte. */
  get host(): number {
    return this.view.getUint32(this.at + BLOCK.host, true);
  }

  get mode(): number {
    return this.view.getUint32(this.at + BLOCK.mode, true);
  }

  /** Code size in bits: 16, 32 or 64. */
  get codeSize(): CodeBits {
    return (16 << (this.mode & MODE.codeMask)) as CodeBits;
  }

  /** The first entry. */
  get first(): EntryView {
    return new EntryView(this.view, this.handlers, this.at + BLOCK.headerBytes);
  }

  /** Its entries up to the pseudo entry that ends it. */
  entries(): EntryView[] {
    const out: EntryView[] = [];
    for (let at = this.at + BLOCK.headerBytes; ; at += ENTRY_BYTES) {
      const entry = new EntryView(this.view, this.handlers, at);
      out.push(entry);
      if (entry.isEnd) return out;
    }
  }
}
