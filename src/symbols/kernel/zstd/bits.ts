/** Bits as Zstandard packs them: forwards for descriptions of tables, backwards for what is coded. Source: RFC 8878, 4. */
import { damaged } from '../../byte-reader';

/** The error for data that contradict themselves. */
export function damagedZstd(why: string): Error {
  return damaged('The Zstandard data', why);
}

/** Reads bits from the first byte on, the least significant one first. */
export class ForwardBits {
  private bit = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next `count` bits, at most 24, without passing over them; zeros behind the end. */
  peek(count: number): number {
    return bitsAt(this.bytes, this.bit) & ((1 << count) - 1);
  }

  /** Passes over bits. */
  skip(count: number): void {
    this.bit += count;
    if (this.bit > 8 * this.bytes.length) throw damagedZstd('it ends too early');
  }

  /** Bytes that have been read, the last one as a whole. */
  get length(): number {
    return Math.ceil(this.bit / 8);
  }
}

/** Reads bits from the last byte on; the highest bit that is set there only marks the end. */
export class BackwardBits {
  /** Bits that are left; below zero when more were read than there are, which gives zeros. */
  left: number;

  constructor(private readonly bytes: Uint8Array) {
    const last = bytes.at(-1);
    if (!last) throw damagedZstd('a stream in it has no end');
    this.left = 8 * bytes.length - 1 - Math.clz32(last) + 24;
  }

  /** The next `count` bits, at most 31, the first one highest. */
  read(count: number): number {
    if (count > 24) {
      const high = this.read(count - 24);
      return ((high << 24) | this.read(24)) >>> 0;
    }
    const value = this.peek(count);
    this.left -= count;
    return value;
  }

  /** The next `count` bits, at most 24, without passing over them. */
  peek(count: number): number {
    const at = this.left - count;
    const mask = (1 << count) - 1;
    if (at >= 0) return bitsAt(this.bytes, at) & mask;
    return at <= -24 ? 0 : (bitsAt(this.bytes, 0) << -at) & mask & ~((1 << -at) - 1);
  }
}

/** 24 bits and more from a bit on. */
function bitsAt(bytes: Uint8Array, bit: number): number {
  const at = bit >> 3;
  const word =
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  return word >>> (bit & 7);
}
