/** Guest memory for the loaders' tests: it fails on every write that leaves RAM or enters the hole below 1 MiB. */
import { LOW_HOLE } from '../../../src/machine/layout';
import type { GuestMemory } from '../../../src/machine/boot/guest-memory';
import { ImageReader } from '../../../src/machine/boot/image-reader';

export class TestMemory implements GuestMemory {
  readonly bytes: Uint8Array;
  /** Reads structures back, little-endian. */
  readonly reader: ImageReader;

  constructor(readonly size: number) {
    this.bytes = new Uint8Array(size);
    this.reader = new ImageReader(this.bytes);
  }

  write(guestPhysical: number, bytes: Uint8Array): void {
    const end = guestPhysical + bytes.length;
    if (!Number.isInteger(guestPhysical) || guestPhysical < 0 || end > this.size)
      throw new Error(`write outside memory: ${guestPhysical.toString(16)}, ${bytes.length} bytes`);
    if (bytes.length > 0 && guestPhysical < LOW_HOLE.start + LOW_HOLE.length && end > LOW_HOLE.start)
      throw new Error(`write into the hole: ${guestPhysical.toString(16)}`);
    this.bytes.set(bytes, guestPhysical);
  }

  u8 = (address: number): number => this.reader.u8(address, 'memory');
  u16 = (address: number): number => this.reader.u16(address, 'memory');
  u32 = (address: number): number => this.reader.u32(address, 'memory');
  u64 = (address: number): number => this.reader.u64(address, 'memory');

  /** The NUL-terminated string at `address`. */
  string(address: number): string {
    return String.fromCharCode(...this.bytes.subarray(address, this.bytes.indexOf(0, address)));
  }

  /** `length` bytes as plain numbers. */
  slice(address: number, length: number): number[] {
    return Array.from(this.bytes.subarray(address, address + length));
  }
}
