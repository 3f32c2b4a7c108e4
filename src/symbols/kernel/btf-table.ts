/**
 * The records of BTF: where each type lies, its head, its name. Source: Linux Documentation/bpf/btf.rst, include/uapi/linux/
 * btf.h. A module's numbers and strings go on where the kernel's end. NOT IMPLEMENTED: big-endian data, `.BTF.ext`,
 * `.BTF.base` (modules built outside of a kernel's tree, from 6.11 on).
 */
import { ByteReader, damaged } from '../byte-reader';
import { decodeUtf8 } from '../utf8';

/** A number of a type in its table; 0 is `void`. */
export type BtfId = number;

const MAGIC = 0xeb9f;
const WHAT = 'The BTF type information';
/** A kernel with everything in it has less, bytes. */
const MAX_BYTES = 0x400_0000;
/** The kernel's own limit is 512; Rust's names are the longest. */
const MAX_NAME = 2048;
const HEAD = 12;

/** Kinds by their number, and the bytes behind each record's head: once, and for each of its parts. */
const KINDS = [
  { kind: 'void', once: 0, each: 0 },
  { kind: 'integer', once: 4, each: 0 },
  { kind: 'pointer', once: 0, each: 0 },
  { kind: 'array', once: 12, each: 0 },
  { kind: 'struct', once: 0, each: 12 },
  { kind: 'union', once: 0, each: 12 },
  { kind: 'enum', once: 0, each: 8 },
  { kind: 'forward', once: 0, each: 0 },
  { kind: 'typedef', once: 0, each: 0 },
  { kind: 'volatile', once: 0, each: 0 },
  { kind: 'const', once: 0, each: 0 },
  { kind: 'restrict', once: 0, each: 0 },
  { kind: 'function', once: 0, each: 0 },
  { kind: 'prototype', once: 0, each: 8 },
  { kind: 'variable', once: 4, each: 0 },
  { kind: 'section', once: 0, each: 12 },
  { kind: 'float', once: 0, each: 0 },
  { kind: 'declarationTag', once: 4, each: 0 },
  { kind: 'typeTag', once: 0, each: 0 },
  { kind: 'enum64', once: 0, each: 12 },
] as const;

/** What a record describes. */
export type BtfKind = (typeof KINDS)[number]['kind'];

/** What every record begins with. */
export interface BtfHead {
  readonly kind: BtfKind;
  /** Offset of its name among the strings; 0 for none. */
  readonly name: number;
  /** How many members, enumerators, parameters or variables follow. */
  readonly parts: number;
  /** `kind_flag`: bit-field sizes beside offsets, a signed enumeration, a declared union. */
  readonly flag: boolean;
  /** A size in bytes or the number of another type, by the kind. */
  readonly value: number;
}

/** The error for BTF that contradicts itself. */
export function damagedBtf(why: string): Error {
  return damaged(WHAT, why);
}

/** A table of records, perhaps on top of another one. */
export class BtfTable {
  /** Number of this table's first type, and the one after its last. */
  readonly first: BtfId;
  readonly end: BtfId;
  private readonly offsets: Uint32Array;
  private readonly records: Uint8Array;
  private readonly view: DataView;
  private readonly strings: Uint8Array;
  private readonly firstString: number;

  /** `base` is the kernel's table, for a module's. Throws the `damaged` UserError. */
  constructor(
    bytes: Uint8Array,
    private readonly base?: BtfTable,
  ) {
    const header = new ByteReader(bytes, WHAT);
    if (bytes.length > MAX_BYTES || header.u16() !== MAGIC) throw damagedBtf('it does not begin as BTF does');
    header.skip(2);
    const length = header.u32();
    const part = (): Uint8Array => {
      const start = length + header.u32();
      const size = header.u32();
      if (start + size > bytes.length) throw damagedBtf('it ends too early');
      return bytes.subarray(start, start + size);
    };
    this.records = part();
    this.strings = part();
    this.first = base?.end ?? 1;
    this.firstString = base ? base.firstString + base.strings.length : 0;
    this.view = new DataView(this.records.buffer, this.records.byteOffset, this.records.byteLength);
    this.offsets = this.places();
    this.end = this.first + this.offsets.length;
  }

  /** The head of a type's record; `void` for 0. Throws the `damaged` error for a number that is not there. */
  head(id: BtfId): BtfHead {
    if (id < this.first) return this.base ? this.base.head(id) : VOID;
    const at = this.place(id);
    const info = this.view.getUint32(at + 4, true);
    return {
      kind: KINDS[(info >>> 24) & 31]!.kind,
      name: this.view.getUint32(at, true),
      parts: info & 0xffff,
      flag: info >>> 31 === 1,
      value: this.view.getUint32(at + 8, true),
    };
  }

  /** Reads what follows the head. */
  body(id: BtfId): ByteReader {
    if (id < this.first && this.base) return this.base.body(id);
    return new ByteReader(this.records, WHAT, this.place(id) + HEAD);
  }

  /** The name at an offset; empty for 0. */
  name(offset: number): string {
    if (offset < this.firstString && this.base) return this.base.name(offset);
    const start = offset - this.firstString;
    const end = this.strings.subarray(start, start + MAX_NAME).indexOf(0);
    if (end < 0) throw damagedBtf('a name in it has no end');
    return decodeUtf8(this.strings.subarray(start, start + end));
  }

  private place(id: BtfId): number {
    const offset = this.offsets[id - this.first];
    if (offset === undefined) throw damagedBtf(`it names a type ${id}, which it does not have`);
    return offset;
  }

  private places(): Uint32Array {
    const places = new Uint32Array(Math.floor(this.records.length / HEAD));
    let count = 0;
    let at = 0;
    for (; at + HEAD <= this.records.length; count += 1) {
      const info = this.view.getUint32(at + 4, true);
      const kind = KINDS[(info >>> 24) & 31];
      if (!kind || kind.kind === 'void') throw damagedBtf('it has a type of an unknown kind');
      places[count] = at;
      at += HEAD + kind.once + kind.each * (info & 0xffff);
    }
    if (at !== this.records.length) throw damagedBtf('its last type is cut');
    return places.slice(0, count);
  }
}

const VOID: BtfHead = { kind: 'void', name: 0, parts: 0, flag: false, value: 0 };
