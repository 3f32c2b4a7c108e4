/**
 * XDR, the encoding of libvirt's messages: big-endian, everything in units of 4 bytes. Source: RFC 4506.
 * The reader is bounded: no length that a packet claims makes it read past the packet's end, or make more than fits there.
 */
import { strangeAnswer } from './errors';

/** Longest string of the protocol (REMOTE_STRING_MAX): bytes. */
const MAX_STRING = 1 << 22;

/** Writes one message's body. */
export class XdrWriter {
  private readonly parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value | 0);
    return this.push(bytes);
  }

  /** 64 bits, signed or not. */
  hyper(value: bigint | number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
    return this.push(bytes);
  }

  double(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return this.push(bytes);
  }

  /** Bytes whose number the receiver knows. */
  fixed(bytes: Uint8Array): this {
    return this.push(Buffer.from(bytes)).push(Buffer.alloc(-bytes.length & 3));
  }

  /** Bytes after their number. */
  opaque(bytes: Uint8Array): this {
    return this.int(bytes.length).fixed(bytes);
  }

  string(text: string): this {
    return this.opaque(Buffer.from(text, 'utf8'));
  }

  /** A value that may be absent. */
  optional<T>(value: T | undefined, write: (writer: this, value: T) => unknown): this {
    this.int(value === undefined ? 0 : 1);
    if (value !== undefined) write(this, value);
    return this;
  }

  list<T>(values: readonly T[], write: (writer: this, value: T) => unknown): this {
    this.int(values.length);
    for (const value of values) write(this, value);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  private push(bytes: Buffer): this {
    this.parts.push(bytes);
    return this;
  }
}

/** Reads one message's body. Throws a UserError where it does not hold what it should. */
export class XdrReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get rest(): number {
    return this.bytes.length - this.at;
  }

  int(): number {
    return this.take(4).readInt32BE();
  }

  uint(): number {
    return this.take(4).readUInt32BE();
  }

  hyper(): bigint {
    return this.take(8).readBigInt64BE();
  }

  uhyper(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  double(): number {
    return this.take(8).readDoubleBE();
  }

  fixed(length: number): Buffer {
    const bytes = this.take(length);
    this.take(-length & 3);
    return bytes;
  }

  opaque(): Buffer {
    return this.fixed(this.length(1));
  }

  string(): string {
    const length = this.length(1);
    if (length > MAX_STRING) throw strangeAnswer('a string is too long');
    return this.fixed(length).toString('utf8');
  }

  optional<T>(read: (reader: this) => T): T | undefined {
    return this.int() === 0 ? undefined : read(this);
  }

  optionalString(): string | undefined {
    return this.optional((reader) => reader.string());
  }

  /** Values after their number. `size` is the least that one takes: bytes. */
  list<T>(read: (reader: this) => T, size = 4): T[] {
    return Array.from({ length: this.length(size) }, () => read(this));
  }

  private length(size: number): number {
    const count = this.uint();
    if (count * size > this.rest) throw strangeAnswer('a length is larger than its packet');
    return count;
  }

  private take(length: number): Buffer {
    if (length > this.rest) throw strangeAnswer('a packet is too short');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
