/**
 * Reading an instruction's bytes: little-endian fields up to a limit.
 * Source: SDM Vol. 2A, 2.1 (instruction format) and Vol. 3A, 6.15 (#GP for more than 15 bytes).
 */

/** Displacements and immediates of one byte, sign-extended: bigints that need not be made anew. */
const SIGNED_BYTES: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => BigInt((byte << 24) >> 24));

/** A position in bytes. Past the limit, fields read as 0 and `short` says so: the caller looks once at the end. */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  /** Index of the next byte. */
  position = 0;
  /** Index of the first byte that may not be read. */
  limit = 0;
  /** True once a field did not fit. */
  short = false;

  set(bytes: Uint8Array, start: number, limit: number): void {
    this.bytes = bytes;
    this.position = start;
    this.limit = limit;
    this.short = false;
  }

  /** The next byte, unsigned. */
  unsigned8(): number {
    if (this.position >= this.limit) {
      this.short = true;
      return 0;
    }
    return this.bytes[this.position++]!;
  }

  /** The next 2 bytes, unsigned. */
  unsigned16(): number {
    if (this.position + 2 > this.limit) {
      this.short = true;
      return 0;
    }
    const { bytes, position } = this;
    this.position = position + 2;
    return bytes[position]! | (bytes[position + 1]! << 8);
  }

  /** The next 4 bytes as a signed number. */
  signed32(): number {
    if (this.position + 4 > this.limit) {
      this.short = true;
      return 0;
    }
    const { bytes, position } = this;
    this.position = position + 4;
    return bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24);
  }

  /** The next `bits` / 8 bytes, sign-extended. */
  signed(bits: number): bigint {
    if (bits === 8) return SIGNED_BYTES[this.unsigned8()]!;
    if (bits === 16) return BigInt((this.unsigned16() << 16) >> 16);
    if (bits === 32) return BigInt(this.signed32());
    return BigInt.asIntN(64, this.unsigned(64));
  }

  /** The next `bits` / 8 bytes, zero-extended. */
  unsigned(bits: number): bigint {
    if (bits === 8) return BigInt(this.unsigned8());
    if (bits === 16) return BigInt(this.unsigned16());
    if (bits === 32) return BigInt(this.signed32() >>> 0);
    const low = this.signed32() >>> 0;
    return (BigInt(this.signed32() >>> 0) << 32n) | BigInt(low);
  }
}
