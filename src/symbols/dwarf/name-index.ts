/**
 * Entries by name, sorted: types, variables with static storage and functions of a whole file. It can be kept as bytes, so
 * that a file of hundreds of megabytes is passed over once only. The bytes are ours: little-endian, a magic number with a
 * version, the size of the entries that they were made from, a count, the length of the texts, the texts' starts, the
 * entries' offsets, their kinds, the texts.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import { decodeUtf8, encodeUtf8 } from '../utf8';
import type { NameKind } from './name-table';
import { NAME_KINDS } from './name-table';

const MAGIC = 0x584e_5833;
const HEADER = 20;
/** Entries of one name that one look-up gives. */
const MAX_FOUND = 1000;

/** The rank of entries that are kept whatever others have their name. */
export const EVERY_RANK = 2;

/** A name of an entry. */
export interface IndexedName {
  /** UTF-8, each byte a character. */
  readonly text: string;
  /** Index in `NAME_KINDS`. */
  readonly kind: number;
  readonly offset: number;
  readonly rank: number;
}

/** Names in the order of their bytes, and of one name in that of its kinds. */
export class NameIndex {
  private constructor(
    private readonly texts: Uint8Array,
    /** Where each text begins; one more for the end of the last. */
    private readonly starts: Uint32Array,
    private readonly kinds: Uint8Array,
    private readonly offsets: Uint32Array,
  ) {}

  /** Sorts names; of several of one text and kind the first of the highest rank is kept, those of `EVERY_RANK` all. */
  static of(names: IndexedName[]): NameIndex {
    names.sort((a, b) =>
      a.text < b.text ? -1 : a.text > b.text ? 1 : a.kind - b.kind || b.rank - a.rank || a.offset - b.offset,
    );
    const kept = names.filter(({ text, kind, rank }, at) => {
      const before = names[at - 1];
      return text !== before?.text || kind !== before.kind || rank === EVERY_RANK;
    });
    const starts = new Uint32Array(kept.length + 1);
    let length = 0;
    kept.forEach(({ text }, at) => (starts[at] = (length += text.length) - text.length));
    starts[kept.length] = length;
    const texts = new Uint8Array(length);
    kept.forEach(({ text }, at) => {
      for (let index = 0; index < text.length; index += 1) texts[starts[at]! + index] = text.charCodeAt(index);
    });
    const kinds = Uint8Array.from(kept, ({ kind }) => kind);
    return new NameIndex(
      texts,
      starts,
      kinds,
      Uint32Array.from(kept, ({ offset }) => offset),
    );
  }

  /** The index that `serialise` made of entries of this size; undefined for any other bytes. */
  static restore(bytes: Uint8Array, entriesSize: number): NameIndex | undefined {
    return unlessDamaged(() => {
      const reader = new ByteReader(bytes, 'The stored index');
      if (reader.u32() !== MAGIC || Number(reader.u64()) !== entriesSize) return undefined;
      const count = reader.u32();
      const length = reader.u32();
      const words = (many: number): Uint32Array => Uint32Array.from({ length: many }, () => reader.u32());
      if (reader.remaining !== count * 9 + 4 + length) return undefined;
      const starts = words(count + 1);
      const offsets = words(count);
      const kinds = reader.take(count);
      const isOrdered = starts.every((start, at) => start <= (starts[at + 1] ?? length));
      if (!isOrdered || starts[count] !== length) return undefined;
      return new NameIndex(reader.take(length), starts, kinds, offsets);
    });
  }

  /** How many names there are. */
  get size(): number {
    return this.kinds.length;
  }

  /** The index as bytes, for `restore`; `entriesSize` tells files apart. */
  serialise(entriesSize: number): Uint8Array {
    const { texts, starts, kinds, offsets } = this;
    const bytes = new Uint8Array(HEADER + starts.length * 4 + offsets.length * 4 + kinds.length + texts.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setBigUint64(4, BigInt(entriesSize), true);
    view.setUint32(12, kinds.length, true);
    view.setUint32(16, texts.length, true);
    let at = HEADER;
    for (const values of [starts, offsets]) {
      for (const value of values) {
        view.setUint32(at, value, true);
        at += 4;
      }
    }
    bytes.set(kinds, at);
    bytes.set(texts, at + kinds.length);
    return bytes;
  }

  /** The first entry of a name and kind; undefined if there is none. */
  find(kind: NameKind, name: string): number | undefined {
    return this.findAll(kind, name)[0];
  }

  /** The entries of a name and kind in the order of the file; a thousand at most. */
  findAll(kind: NameKind, name: string): number[] {
    const wanted = NAME_KINDS.indexOf(kind);
    const text = encodeUtf8(name);
    const found: number[] = [];
    for (let at = this.from(text); at < this.size && this.compare(at, text) === 0; at += 1) {
      if (this.kinds[at] === wanted && found.push(this.offsets[at]!) >= MAX_FOUND) break;
    }
    return found;
  }

  /** The first `limit` names of these kinds that begin with `prefix`, in order, each once. */
  names(prefix: string, kinds: readonly NameKind[], limit: number): string[] {
    const wanted = NAME_KINDS.map((kind) => kinds.includes(kind));
    const text = encodeUtf8(prefix);
    const found = new Set<string>();
    for (let at = this.from(text); at < this.size && found.size < limit; at += 1) {
      const name = this.texts.subarray(this.starts[at]!, this.starts[at + 1]!);
      if (!text.every((byte, index) => name[index] === byte)) break;
      if (wanted[this.kinds[at]!]) found.add(decodeUtf8(name));
    }
    return [...found];
  }

  /** The first place whose name is not before a text. */
  private from(text: Uint8Array): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, text) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compare(at: number, text: Uint8Array): number {
    const start = this.starts[at]!;
    const length = this.starts[at + 1]! - start;
    for (let index = 0; index < length && index < text.length; index += 1) {
      const difference = this.texts[start + index]! - text[index]!;
      if (difference !== 0) return difference;
    }
    return length - text.length;
  }
}
