/**
 * Reads numbers and strings from bytes in order: little-endian, every read checked. Sources: the generic ABI's data
 * representation, DWARF 5 sections 7.4 (initial lengths) and 7.6 (LEB128).
 */
import { UserError } from '../common/errors';
import { decodeUtf8 } from './utf8';

/** The error for a part of a symbol file that contradicts itself; `what` names the part. */
export function damaged(what: string, why: string): UserError {
  return new UserError('symbols.damaged', `${what} is damaged: ${why}. Rebuild the file or use another copy of it.`);
}

/** What `read` gives, or undefined where it meets damage, which `onDamage` hears of: for parts that can be left out. */
export function unlessDamaged<T>(read: () => T, onDamage?: (message: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onDamage?.(error.message);
    return undefined;
  }
}

/** A position in bytes; every method throws the `damaged` error when it would read past the end. */
export class ByteReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    /** Names the bytes in errors: `The line table`. */
    private readonly what: string,
    /** Where the next read begins, in bytes from the start. */
    public position = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (position > bytes.length) throw this.error('it ends too early');
  }

  /** The `damaged` error for these bytes. */
  error(why: string): UserError {
    return damaged(this.what, why);
  }

  /** Bytes up to the end. */
  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** Moves on by `length` bytes; gives the position before. */
  skip(length: number): number {
    const position = this.position;
    if (!(length >= 0 && length <= this.bytes.length - position)) throw this.error('it ends too early');
    this.position = position + length;
    return position;
  }

  /** 8 bits, unsigned. */
  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  /** 16 bits, unsigned. */
  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  /** 32 bits, unsigned. */
  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** 64 bits, unsigned. */
  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  /** 64 bits, unsigned, that must be below 2^53: a size or an offset in a file. */
  offset64(): number {
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error('a size in it is too big');
    return Number(value);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes: addresses. */
  unsigned(size: number): bigint {
    switch (size) {
      case 1:
        return BigInt(this.u8());
      case 2:
        return BigInt(this.u16());
      case 4:
        return BigInt(this.u32());
      case 8:
        return this.u64();
      default:
        throw this.error(`it has addresses of ${size} bytes`);
    }
  }

  /** An offset of DWARF's 32-bit (4 bytes) or 64-bit (8 bytes) format. */
  sectionOffset(isDwarf64: boolean): number {
    return isDwarf64 ? this.offset64() : this.u32();
  }

  /** The initial length of a DWARF unit. DWARF 5 section 7.4. */
  initialLength(): { readonly length: number; readonly isDwarf64: boolean } {
    const length = this.u32();
    if (length < 0xffff_fff0) return { length, isDwarf64: false };
    if (length !== 0xffff_ffff) throw this.error('a length in it is reserved');
    return { length: this.offset64(), isDwarf64: true };
  }

  /** An unsigned LEB128 number; one above 2^53 loses low bits, which only an absurd number does. */
  uleb(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw this.error('a number in it has no end');
  }

  /** A signed LEB128 number, as `uleb`. */
  sleb(): number {
    let value = 0;
    for (let scale = 1, count = 0; count < 10; scale *= 128, count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte & 0x40 ? value - scale * 128 : value;
    }
    throw this.error('a number in it has no end');
  }

  /** An unsigned LEB128 number, all its bits. */
  exactUleb(): bigint {
    return this.exactLeb().value;
  }

  /** A signed LEB128 number, all its bits. */
  exactSleb(): bigint {
    const { value, bits, isNegative } = this.exactLeb();
    return isNegative ? value - (1n << bits) : value;
  }

  private exactLeb(): { readonly value: bigint; readonly bits: bigint; readonly isNegative: boolean } {
    let value = 0n;
    for (let bits = 0n; bits < 70n;) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << bits;
      bits += 7n;
      if (byte < 0x80) return { value, bits, isNegative: (byte & 0x40) !== 0 };
    }
    throw this.error('a number in it has no end');
  }

  /** The next `length` bytes; shares memory with the source. */
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A string that ends with a zero byte, in UTF-8. */
  string(): string {
    const start = this.position;
    this.skipString();
    return decodeUtf8(this.bytes.subarray(start, this.position - 1));
  }

  /** Passes over a string that ends with a zero byte. */
  skipString(): void {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) throw this.error('a string in it has no end');
    this.position = end + 1;
  }
}
