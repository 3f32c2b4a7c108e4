/**
 * Zstandard, as Linux packs its kernels with it: one frame. Source: RFC 8878. NOT IMPLEMENTED: dictionaries, frames to be
 * skipped, checking the check sum.
 */
import { ByteReader } from '../../byte-reader';
import { damagedZstd } from './bits';
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman';
import { SequenceDecoder } from './sequences';

/** What a frame begins with. */
export const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

const WHAT = 'The Zstandard data';
const MAX_BLOCK = 0x2_0000;
const SINGLE_SEGMENT = 0x20;

/** Unpacks a frame that is `size` bytes long, unpacked. Throws the `damaged` UserError. */
export function unpackZstd(packed: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(packed, WHAT);
  reader.skip(ZSTD_MAGIC.length);
  const flags = reader.u8();
  if (flags & 3) throw damagedZstd('it needs a dictionary');
  const isSingle = (flags & SINGLE_SEGMENT) !== 0;
  // The window, and how long the content is.
  reader.skip((isSingle ? 0 : 1) + ([isSingle ? 1 : 0, 2, 4, 8] as const)[(flags >> 6) as 0 | 1 | 2 | 3]);
  const frame = new Frame(new Uint8Array(size));
  for (let isLast = false; !isLast;) {
    const header = reader.u8() | (reader.u8() << 8) | (reader.u8() << 16);
    isLast = (header & 1) !== 0;
    const length = header >> 3;
    if (length > MAX_BLOCK) throw damagedZstd('a block in it is too long');
    switch ((header >> 1) & 3) {
      case 0:
        frame.append(reader.take(length));
        break;
      case 1:
        frame.append(new Uint8Array(length).fill(reader.u8()));
        break;
      case 2:
        frame.unpackBlock(new ByteReader(reader.take(length), WHAT));
        break;
      default:
        throw damagedZstd('a block in it is of an unknown kind');
    }
  }
  if (frame.written !== size) throw damagedZstd('it holds less than it says');
  return frame.output;
}

class Frame {
  written = 0;
  private huffman: HuffmanTable | undefined;
  private readonly sequences = new SequenceDecoder();

  constructor(readonly output: Uint8Array) {}

  append(bytes: Uint8Array): void {
    if (bytes.length > this.output.length - this.written) throw damagedZstd('it holds more than it says');
    this.output.set(bytes, this.written);
    this.written += bytes.length;
  }

  unpackBlock(reader: ByteReader): void {
    const literals = this.readLiterals(reader);
    let used = 0;
    this.sequences.decode(reader, (length, match, distance) => {
      if (length > literals.length - used) throw damagedZstd('it copies more literals than there are');
      this.append(literals.subarray(used, used + length));
      used += length;
      this.copy(match, distance);
    });
    this.append(literals.subarray(used));
  }

  private copy(length: number, distance: number): void {
    const { output, written } = this;
    if (distance < 1 || distance > written || length > output.length - written) {
      throw damagedZstd('a match in it lies outside');
    }
    const end = written + length;
    if (distance >= length) output.copyWithin(written, written - distance, end - distance);
    else for (let at = written; at < end; at += 1) output[at] = output[at - distance]!;
    this.written = end;
  }

  /** RFC 8878, 3.1.1.3.1. */
  private readLiterals(reader: ByteReader): Uint8Array {
    const first = reader.u8();
    const format = (first >> 2) & 3;
    if ((first & 2) === 0) {
      const length =
        format === 1 ? readMore(reader, first, 1) >> 4 : format === 3 ? readMore(reader, first, 2) >> 4 : first >> 3;
      if (length > MAX_BLOCK) throw damagedZstd('a block in it is too long');
      return first & 1 ? new Uint8Array(length).fill(reader.u8()) : reader.take(length);
    }
    const bits = ([10, 10, 14, 18] as const)[format as 0 | 1 | 2 | 3];
    // Up to 40 bits, which a number holds.
    const header = readMore(reader, first, format === 3 ? 4 : format === 2 ? 3 : 2);
    const length = Math.floor(header / 16) % 2 ** bits;
    const packedLength = Math.floor(header / 2 ** (4 + bits));
    if (length > MAX_BLOCK) throw damagedZstd('a block in it is too long');
    let packed = reader.take(packedLength);
    if ((first & 1) === 0) {
      const { table, length: described } = readHuffmanTable(packed);
      this.huffman = table;
      packed = packed.subarray(described);
    }
    if (!this.huffman) throw damagedZstd('it repeats a code that it has not');
    const literals = new Uint8Array(length);
    if (format === 0) decodeHuffman(this.huffman, packed, literals);
    else decodeFour(this.huffman, packed, literals);
    return literals;
  }
}

/** Four streams, the first three of which say their lengths. */
function decodeFour(table: HuffmanTable, packed: Uint8Array, literals: Uint8Array): void {
  const reader = new ByteReader(packed, WHAT);
  const lengths = [reader.u16(), reader.u16(), reader.u16()];
  const quarter = Math.ceil(literals.length / 4);
  for (let part = 0; part < 4; part += 1) {
    const stream = reader.take(lengths[part] ?? reader.remaining);
    decodeHuffman(table, stream, literals.subarray(part * quarter, part < 3 ? (part + 1) * quarter : literals.length));
  }
}

/** A little-endian number of a byte and so many more. */
function readMore(reader: ByteReader, first: number, more: number): number {
  let value = first;
  for (let index = 1; index <= more; index += 1) value += reader.u8() * 2 ** (8 * index);
  return value;
}
