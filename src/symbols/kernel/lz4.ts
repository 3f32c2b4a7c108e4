/**
 * LZ4 as Linux packs its kernels with it: the legacy frame. Sources: LZ4's "Block Format Description" and the section
 * "Legacy frame" of its "Frame Format Description". NOT IMPLEMENTED: the current frame format, dictionaries.
 */
import { damaged } from '../byte-reader';

/** The legacy frame's magic number, little-endian. */
const LZ4_LEGACY_MAGIC = 0x184c_2102;
/** A block of the legacy frame holds at most this many bytes, unpacked. */
const BLOCK = 0x80_0000;
const LEAST_MATCH = 4;

/** Unpacks a legacy frame that is `size` bytes long, unpacked. Throws the `damaged` UserError. */
export function unpackLz4(packed: Uint8Array, size: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const output = new Uint8Array(size);
  let written = 0;
  let at = 4;
  while (written < size) {
    if (at + 4 > packed.length) throw broken('it ends too early');
    const length = view.getUint32(at, true);
    at += 4;
    // Frames can follow each other.
    if (length === LZ4_LEGACY_MAGIC) continue;
    if (length > packed.length - at) throw broken('a block is longer than the data');
    written = unpackBlock(packed.subarray(at, at + length), output, written, Math.min(size, written + BLOCK));
    at += length;
  }
  return output;
}

/** Unpacks a block to `output` from `start` on, at most up to `end`; gives where it ends. */
function unpackBlock(block: Uint8Array, output: Uint8Array, start: number, end: number): number {
  let from = 0;
  let to = start;
  const extended = (): number => {
    let length = 15;
    for (let more = 255; more === 255;) {
      if (from >= block.length) throw broken('a length has no end');
      more = block[from++]!;
      length += more;
    }
    return length;
  };
  while (from < block.length) {
    const token = block[from++]!;
    const literals = token >> 4 < 15 ? token >> 4 : extended();
    if (literals > block.length - from || literals > end - to) throw broken('a literal is too long');
    copy(block, from, output, to, literals);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from >= block.length) break;
    if (from + 2 > block.length) throw broken('a match has no offset');
    const distance = block[from]! | (block[from + 1]! << 8);
    from += 2;
    const length = ((token & 15) < 15 ? token & 15 : extended()) + LEAST_MATCH;
    if (distance === 0 || distance > to - start || length > end - to) throw broken('a match lies outside');
    if (distance >= length) copy(output, to - distance, output, to, length);
    else for (let done = 0; done < length; done += 1) output[to + done] = output[to + done - distance]!;
    to += length;
  }
  return to;
}

/** Copies ranges that do not overlap; for short ones a loop is faster than a call into the engine. */
function copy(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length > 64) target.set(source.subarray(from, from + length), to);
  else for (let done = 0; done < length; done += 1) target[to + done] = source[from + done]!;
}

function broken(why: string): Error {
  return damaged('The LZ4 data', why);
}
