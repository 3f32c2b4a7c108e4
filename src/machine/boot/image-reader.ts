/** Bounded little-endian reads from an image that may lie about its own sizes. */
import { truncatedImage } from './errors';

/** A read-only view of an image. A read past its end throws the `boot/truncated` UserError that names `what`. */
export class ImageReader {
  private readonly view: DataView;

  /** Looks at `bytes` without copying them. */
  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The image's length in bytes. */
  get length(): number {
    return this.bytes.length;
  }

  /** The 8 bits at `offset`. */
  u8(offset: number, what: string): number {
    this.require(offset, 1, what);
    return this.view.getUint8(offset);
  }

  /** The 16 bits at `offset`. */
  u16(offset: number, what: string): number {
    this.require(offset, 2, what);
    return this.view.getUint16(offset, true);
  }

  /** The 32 bits at `offset`, unsigned. */
  u32(offset: number, what: string): number {
    this.require(offset, 4, what);
    return this.view.getUint32(offset, true);
  }

  /** The 64 bits at `offset` as a double: exact below 2^53, rounded (and so never small) above. */
  u64(offset: number, what: string): number {
    this.require(offset, 8, what);
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * 2 ** 32;
  }

  /** The `length` bytes at `offset`, not copied. */
  slice(offset: number, length: number, what: string): Uint8Array {
    this.require(offset, length, what);
    return this.bytes.subarray(offset, offset + length);
  }

  /** Throws unless [offset, offset + length) lies inside the image. Doubles do not wrap, so hostile sums stay large. */
  require(offset: number, length: number, what: string): void {
    if (offset + length > this.length) throw truncatedImage(what);
  }
}
