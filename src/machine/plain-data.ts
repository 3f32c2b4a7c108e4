/**
 * Plain data (what parts of the machine save: numbers, strings, booleans, bigints, byte arrays, lists, named fields) as
 * bytes and back. The form is canonical: equal data give equal bytes, whatever the order in which fields were set, so
 * that it serves state hashes as well as snapshots. Little-endian throughout.
 *
 * | tag | value       | then                                                                       |
 * |-----|-------------|----------------------------------------------------------------------------|
 * | 0   | undefined   |                                                                            |
 * | 1   | false       |                                                                            |
 * | 2   | true        |                                                                            |
 * | 3   | number      | IEEE double; every NaN is one                                              |
 * | 4   | bigint      | 64 bits, unsigned                                                          |
 * | 5   | string      | length u32 in bytes, UTF-8                                                 |
 * | 6   | Uint8Array  | length u32, bytes                                                          |
 * | 7   | array       | length u32, values                                                         |
 * | 8   | fields      | number u32; for each, sorted by name: name (length u32, UTF-8), value      |
 * | 9   | Uint32Array | number of elements u32, u32 each                                           |
 *
 * NOT IMPLEMENTED: null, negative or wider bigints, other typed arrays: no part of the machine saves them.
 */
import { assert } from '../common/assert';

/** What a part may save. */
export type PlainData =
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Uint32Array
  | readonly PlainData[]
  | { readonly [name: string]: PlainData };

const TAG = {
  undefined: 0,
  false: 1,
  true: 2,
  number: 3,
  bigint: 4,
  string: 5,
  bytes: 6,
  list: 7,
  fields: 8,
  words: 9,
} as const;
/** Nesting that a reader accepts: far more than any part's. */
const MAX_DEPTH = 32;

/** The bytes of `value`. Anything that is not `PlainData` is a bug of the part that saved it. */
export function encodePlainData(value: unknown): Uint8Array {
  const writer = new Writer();
  writer.value(value, 0);
  return writer.finish();
}

/** Thrown for bytes that no `encodePlainData` gives; the message says what is wrong, for a sentence to quote. */
export class MalformedData extends Error {}

/** The value of `bytes`, all of them; throws `MalformedData`. Byte arrays are views into `bytes`. */
export function decodePlainData(bytes: Uint8Array): PlainData {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.left !== 0) throw new MalformedData(`${reader.left} bytes too many`);
  return value;
}

class Writer {
  private bytes = new Uint8Array(1 << 12);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  value(value: unknown, depth: number): void {
    assert(depth < MAX_DEPTH, 'saved data are not nested without end');
    switch (typeof value) {
      case 'undefined':
        return this.tag(TAG.undefined);
      case 'boolean':
        return this.tag(value ? TAG.true : TAG.false);
      case 'number':
        this.tag(TAG.number);
        this.reserve(8);
        this.view.setFloat64(this.at, Number.isNaN(value) ? NaN : value, true);
        this.at += 8;
        return;
      case 'bigint':
        assert(value === BigInt.asUintN(64, value), 'a saved bigint has 64 bits');
        this.tag(TAG.bigint);
        this.reserve(8);
        this.view.setBigUint64(this.at, value, true);
        this.at += 8;
        return;
      case 'string':
        this.tag(TAG.string);
        return this.string(value);
      case 'object':
        return this.object(value, depth);
      default:
        assert(false, `a saved value is plain data, not a ${typeof value}`);
    }
  }

  private object(value: object | null, depth: number): void {
    assert(value !== null, 'a saved value is plain data, not null');
    if (value instanceof Uint8Array) {
      this.tag(TAG.bytes);
      return this.block(value);
    }
    if (value instanceof Uint32Array) {
      this.tag(TAG.words);
      this.word(value.length);
      this.reserve(value.length * 4);
      for (const word of value) this.word(word);
      return;
    }
    if (Array.isArray(value)) {
      this.tag(TAG.list);
      this.word(value.length);
      for (const element of value) this.value(element, depth + 1);
      return;
    }
    assert(!ArrayBuffer.isView(value), 'a saved typed array is a Uint8Array or a Uint32Array');
    this.tag(TAG.fields);
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    this.word(fields.length);
    for (const [name, field] of fields) {
      this.string(name);
      this.value(field, depth + 1);
    }
  }

  private tag(tag: number): void {
    this.reserve(1);
    this.bytes[this.at++] = tag;
  }

  private word(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  private string(text: string): void {
    this.block(utf8(text));
  }

  private block(bytes: Uint8Array): void {
    this.word(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  private reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + length));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  value(depth: number): PlainData {
    if (depth >= MAX_DEPTH) throw new MalformedData('data nested without end');
    const tag = this.bytes[this.take(1)]!;
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.number:
        return this.view.getFloat64(this.take(8), true);
      case TAG.bigint:
        return this.view.getBigUint64(this.take(8), true);
      case TAG.string:
        return text(this.block());
      case TAG.bytes:
        return this.block();
      case TAG.words:
        return this.words();
      case TAG.list:
        return this.list(depth);
      case TAG.fields:
        return this.fields(depth);
      default:
        throw new MalformedData(`tag ${tag} is unknown`);
    }
  }

  private words(): Uint32Array {
    const words = new Uint32Array(this.count(4));
    for (let i = 0; i < words.length; i++) words[i] = this.view.getUint32(this.take(4), true);
    return words;
  }

  private list(depth: number): PlainData[] {
    const length = this.count(1);
    const list: PlainData[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1));
    return list;
  }

  private fields(depth: number): { readonly [name: string]: PlainData } {
    const count = this.count(5);
    const entries: [string, PlainData][] = [];
    for (let i = 0; i < count; i++) {
      const name = text(this.block());
      if (i > 0 && entries[i - 1]![0] >= name) throw new MalformedData(`field ${name} is out of order`);
      entries.push([name, this.value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  /** A count of elements of at least `least` bytes each: more than the rest can hold is refused before it is believed. */
  private count(least: number): number {
    const count = this.view.getUint32(this.take(4), true);
    if (count * least > this.left) throw new MalformedData('it ends too early');
    return count;
  }

  private block(): Uint8Array {
    const length = this.count(1);
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  private take(length: number): number {
    const { at } = this;
    if (length > this.left) throw new MalformedData('it ends too early');
    this.at += length;
    return at;
  }
}

/** UTF-8 by hand: the floors have neither Node nor DOM. Saved strings are ASCII names and numbers mostly. */
function utf8(source: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of source) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

function text(bytes: Uint8Array): string {
  let result = '';
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at]!;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    let code = length === 1 ? first : first & (0x7f >> length);
    for (let i = 1; i < length; i++) code = (code << 6) | (bytes[at + i]! & 63);
    if (code > 0x10ffff || at + length > bytes.length) throw new MalformedData('a string is not UTF-8');
    result += String.fromCodePoint(code);
    at += length;
  }
  return result;
}
