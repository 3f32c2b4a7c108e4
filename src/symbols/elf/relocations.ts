/**
 * Relocations of an object file's sections, applied to the bytes that somebody reads. Sources: gABI chapter 4 "Relocation";
 * System V ABI for x86-64, table 4.10; for the Intel386, figure 4-4. NOT IMPLEMENTED: relocations of code that need a GOT
 * or a PLT (debug information has none), thread-local offsets; their bytes stay as they are.
 */
import { ByteReader } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { lastAtOrBelowNumber } from '../search';

/** How the sections of a processor are relocated. */
export interface RelocationKind {
  /** Bytes that are replaced. */
  readonly size: 1 | 2 | 4 | 8;
  /** The place itself is subtracted. */
  readonly isRelative: boolean;
}

const WORD = (size: RelocationKind['size'], isRelative = false): RelocationKind => ({ size, isRelative });

/** R_X86_64_*. */
const KINDS_64 = new Map([
  [1, WORD(8)],
  [2, WORD(4, true)],
  [10, WORD(4)],
  [11, WORD(4)],
  [12, WORD(2)],
  [13, WORD(2, true)],
  [14, WORD(1)],
  [15, WORD(1, true)],
  [24, WORD(8, true)],
]);
/** R_386_*. */
const KINDS_32 = new Map([
  [1, WORD(4)],
  [2, WORD(4, true)],
  [20, WORD(2)],
  [21, WORD(2, true)],
  [22, WORD(1)],
  [23, WORD(1, true)],
]);

/** The most that is read of one table, bytes: a big module has some tens of megabytes. */
const MAX_TABLE = 0x800_0000;
const MAX_WORD = 8;

/** A table of relocations: `hasAddends` for SHT_RELA; SHT_REL keeps them in the bytes. */
export interface RelocationTable {
  readonly contents: RandomAccessBytes;
  readonly hasAddends: boolean;
  readonly bits: 32 | 64;
  /** Link address of the section that is relocated. */
  readonly address: bigint;
  /** The value of a symbol by its index; undefined if it has none. */
  symbol(index: number): bigint | undefined;
}

/** Bytes with their relocations applied; the table is read when the first byte is. */
export function relocated(bytes: RandomAccessBytes, table: RelocationTable): RandomAccessBytes {
  let places: Places | undefined;
  return {
    size: bytes.size,
    read(offset, length) {
      places ??= readPlaces(table);
      const original = bytes.read(offset, length);
      // Words that begin before the piece or end after it are read whole.
      const start = Math.max(0, offset - MAX_WORD);
      const whole = Uint8Array.from(bytes.read(start, offset - start + original.length + MAX_WORD));
      const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
      const { offsets, kinds, symbols, addends } = places;
      for (let at = lastAtOrBelowNumber(offsets, start - 1) + 1; at < offsets.length; at += 1) {
        const place = offsets[at]! - start;
        if (place >= whole.length) break;
        const kind = (table.bits === 64 ? KINDS_64 : KINDS_32).get(kinds[at]!);
        const value = table.symbol(symbols[at]!);
        if (kind && value !== undefined && place + kind.size <= whole.length) {
          const addend = table.hasAddends ? addends[at]! : word(view, place, kind.size);
          const relative = kind.isRelative ? table.address + BigInt(offsets[at]!) : 0n;
          setWord(view, place, kind.size, value + addend - relative);
        }
      }
      return whole.subarray(offset - start, offset - start + original.length);
    },
  };
}

/** Relocations by offset. */
interface Places {
  readonly offsets: Float64Array;
  readonly kinds: Uint8Array;
  readonly symbols: Uint32Array;
  readonly addends: BigInt64Array;
}

function readPlaces({ contents, hasAddends, bits }: RelocationTable): Places {
  const entrySize = (bits / 8) * (hasAddends ? 3 : 2);
  const count = Math.floor(Math.min(contents.size, MAX_TABLE) / entrySize);
  const reader = new ByteReader(contents.read(0, count * entrySize), 'A table of relocations');
  const places: Places = {
    offsets: new Float64Array(count),
    kinds: new Uint8Array(count),
    symbols: new Uint32Array(count),
    addends: new BigInt64Array(count),
  };
  let isSorted = true;
  for (let index = 0; index < count && reader.remaining >= entrySize; index += 1) {
    const offset = Number(reader.unsigned(bits / 8));
    places.offsets[index] = offset;
    if (index > 0 && offset < places.offsets[index - 1]!) isSorted = false;
    const info = reader.unsigned(bits / 8);
    places.symbols[index] = Number(bits === 64 ? info >> 32n : info >> 8n);
    places.kinds[index] = Number(info & 0xffn);
    if (hasAddends) places.addends[index] = BigInt.asIntN(bits, reader.unsigned(bits / 8));
  }
  return isSorted ? places : sorted(places);
}

function sorted({ offsets, kinds, symbols, addends }: Places): Places {
  const order = Uint32Array.from(offsets, (_, index) => index).sort((a, b) => offsets[a]! - offsets[b]!);
  return {
    offsets: Float64Array.from(order, (index) => offsets[index]!),
    kinds: Uint8Array.from(order, (index) => kinds[index]!),
    symbols: Uint32Array.from(order, (index) => symbols[index]!),
    addends: BigInt64Array.from(order, (index) => addends[index]!),
  };
}

function word(view: DataView, at: number, size: number): bigint {
  let value = 0n;
  for (let index = size - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(view.getUint8(at + index));
  return BigInt.asIntN(size * 8, value);
}

function setWord(view: DataView, at: number, size: number, value: bigint): void {
  let rest = BigInt.asUintN(size * 8, value);
  for (let index = 0; index < size; index += 1, rest >>= 8n) view.setUint8(at + index, Number(rest & 0xffn));
}
