/**
 * XZ files as Linux packs its kernels with them: LZMA2, for x86 behind a filter that makes the targets of calls absolute.
 * Sources: "The .xz File Format" 1.1 (public domain); Linux scripts/xz_wrap.sh. NOT IMPLEMENTED: other filters, checking
 * the check sums and the index.
 */
import { ByteReader } from '../byte-reader';
import { damagedLzma, LzmaDecoder } from './lzma';
import { undoX86Filter } from './x86-filter';

/** What a file begins with. */
export const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;

const STREAM_HEADER = 12;
const LZMA2 = 0x21;
const X86_FILTER = 0x04;
/** Bytes of a check by its number. */
const CHECKS = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

/** Unpacks a file that is `size` bytes long, unpacked. Throws the `damaged` UserError. */
export function unpackXz(packed: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(packed, 'The XZ data');
  reader.skip(XZ_MAGIC.length + 1);
  const check = CHECKS[reader.u8() & 15]!;
  reader.position = STREAM_HEADER;
  const output = new Uint8Array(size);
  let written = 0;
  // A size of 0 stands where the index begins.
  for (let headerSize = reader.u8(); headerSize !== 0; headerSize = reader.u8()) {
    const start = reader.position - 1;
    const { isX86 } = readFilters(reader);
    reader.position = start;
    reader.skip(4 * (headerSize + 1));
    const end = unpackBlock(reader, output, written);
    if (isX86) undoX86Filter(output.subarray(written, end));
    written = end;
    // Blocks begin at multiples of 4, as the stream does.
    reader.skip(-reader.position & 3);
    reader.skip(check);
  }
  if (written !== size) throw reader.error('it holds less than it says');
  return output;
}

/** The filters that a block's header names. */
function readFilters(reader: ByteReader): { isX86: boolean } {
  const flags = reader.u8();
  if (flags & 0x40) reader.uleb();
  if (flags & 0x80) reader.uleb();
  const filters = Array.from({ length: (flags & 3) + 1 }, () => {
    const id = reader.uleb();
    const properties = reader.take(reader.uleb());
    return { id, properties };
  });
  const isX86 = filters[0]?.id === X86_FILTER && filters[0].properties.length === 0;
  if (filters.at(-1)?.id !== LZMA2 || filters.length !== (isX86 ? 2 : 1)) {
    throw reader.error('a filter in it is not known here');
  }
  return { isX86 };
}

/** Unpacks LZMA2's pieces to `output` from `start` on; gives where they end. */
function unpackBlock(reader: ByteReader, output: Uint8Array, start: number): number {
  const lzma = new LzmaDecoder(output, start);
  let at = start;
  for (let control = reader.u8(); control !== 0; control = reader.u8()) {
    const isPlain = control < 0x80;
    if (isPlain && control > 2) throw damagedLzma('a piece of it is of an unknown kind');
    const length = (isPlain ? 0 : (control & 0x1f) << 16) + bigEndian16(reader) + 1;
    if (length > output.length - at) throw damagedLzma('it holds more than it says');
    if (control === 1 || control >= 0xe0) lzma.windowStart = at;
    if (isPlain) {
      output.set(reader.take(length), at);
    } else {
      const packedLength = bigEndian16(reader) + 1;
      if (control >= 0xc0) lzma.setProperties(reader.u8());
      else if (control >= 0xa0) lzma.reset();
      lzma.decode(reader.take(packedLength), at, at + length);
    }
    at += length;
  }
  return at;
}

function bigEndian16(reader: ByteReader): number {
  const high = reader.u8();
  return (high << 8) | reader.u8();
}
