/** A fixed-size little-endian structure, written field by field at byte offsets as the manuals list them. */

/** Bytes of a structure under construction, all zero at first. Offsets outside throw a RangeError: a bug of ours. */
export class Structure {
  /** The structure's bytes; they change with later writes. */
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  /** Makes `length` zero bytes. */
  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Stores the low 8 bits of `value` at `offset`. */
  u8(offset: number, value: number): this {
    this.view.setUint8(offset, value);
    return this;
  }

  /** Stores the low 16 bits of `value` at `offset`. */
  u16(offset: number, value: number): this {
    this.view.setUint16(offset, value, true);
    return this;
  }

  /** Stores the low 32 bits of `value` at `offset`. */
  u32(offset: number, value: number): this {
    this.view.setUint32(offset, value, true);
    return this;
  }

  /** Stores `value`, below 2^53 when a number, as 64 bits at `offset`. */
  u64(offset: number, value: number | bigint): this {
    this.view.setBigUint64(offset, BigInt(value), true);
    return this;
  }

  /** Copies `source` to `offset`. */
  copy(offset: number, source: Uint8Array): this {
    this.bytes.set(source, offset);
    return this;
  }

  /** Stores each character's low 8 bits from `offset` on, without a terminator. */
  ascii(offset: number, text: string): this {
    for (let i = 0; i < text.length; i++) this.view.setUint8(offset + i, text.charCodeAt(i));
    return this;
  }
}
