/**
 * A PCI function's 256 bytes of configuration space: the type 0 header, writable bits by mask, write-1-to-clear status.
 * Source: PCI Local Bus Specification 3.0, chapter 6.
 */
import type { BusSize } from '../memory/bus';
import type { DeviceDescription, RegisterDescription } from './device';
import { bit, field, register } from './describe';

/** The header of a function. */
export interface PciIdentity {
  readonly name: string;
  readonly title: string;
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Class, sub-class and programming interface as one 24-bit number. */
  readonly classCode: number;
  /** The function 0 header says that the device has several functions. */
  readonly multifunction?: boolean;
  /** Command register bits that read 1 for good. */
  readonly command?: number;
  /** Further bytes: offset, reset value, writable bits. */
  readonly bytes?: readonly (readonly [offset: number, value: number, writable: number])[];
  /** Fields of the further bytes that the views show. */
  readonly registers?: readonly { readonly name: string; readonly offset: number; readonly meaning: string }[];
}

/** The bytes of a function's configuration space. */
export interface PciFunctionState {
  readonly bytes: Uint8Array;
}

const SIZE = 256;
const COMMAND = 0x04;
const STATUS = 0x06;
const STATUS_WRITE_1_TO_CLEAR = 0xf9;

/** One function; reads and writes are naturally within a doubleword, as configuration mechanism 1 makes them. */
export class PciFunction {
  private readonly bytes = new Uint8Array(SIZE);
  private readonly writable = new Uint8Array(SIZE);

  constructor(
    readonly identity: PciIdentity,
    /** Called after a write with the doubleword's offset: BARs and command bits have moved. */
    private readonly written: (offset: number) => void = () => undefined,
  ) {
    this.reset();
  }

  reset(): void {
    const { vendor, device, revision, classCode, multifunction, command = 0, bytes = [] } = this.identity;
    this.bytes.fill(0);
    const view = new DataView(this.bytes.buffer);
    view.setUint16(0x00, vendor, true);
    view.setUint16(0x02, device, true);
    view.setUint16(COMMAND, command, true);
    view.setUint32(0x08, (classCode << 8) | revision, true);
    view.setUint8(0x0e, multifunction ? 0x80 : 0);
    for (const [offset, value, writable] of bytes) {
      this.bytes[offset] = value;
      this.writable[offset] = writable;
    }
  }

  /** Reads `size` bytes, little-endian. */
  read(offset: number, size: BusSize): number {
    let value = 0;
    for (let i = 0; i < size && i < 4; i++) value |= this.bytes[(offset + i) & 0xff]! << (8 * i);
    return value >>> 0;
  }

  /** Writes `size` bytes, little-endian; bits that are not writable keep their value. */
  write(offset: number, size: BusSize, value: number): void {
    for (let i = 0; i < size && i < 4; i++) this.writeByte((offset + i) & 0xff, (value >>> (8 * i)) & 0xff);
    this.written(offset & 0xfc);
  }

  private writeByte(offset: number, value: number): void {
    if (offset === STATUS + 1) this.bytes[offset]! &= ~(value & STATUS_WRITE_1_TO_CLEAR);
    else {
      const mask = this.writable[offset]!;
      this.bytes[offset] = (this.bytes[offset]! & ~mask) | (value & mask);
    }
  }

  save(): PciFunctionState {
    return { bytes: this.bytes.slice() };
  }

  restore(state: PciFunctionState): void {
    this.bytes.set(state.bytes.subarray(0, SIZE));
  }

  /** The register table; `place` is the function's number (`00.0`). */
  describe(place: string): DeviceDescription {
    const { name, title, registers = [] } = this.identity;
    const one = (
      label: string,
      offset: number,
      size: BusSize,
      more?: RegisterDescription['fields'],
    ): RegisterDescription =>
      register(label, 8 * size, `${place} offset 0x${offset.toString(16)}`, this.read(offset, size), more);
    return {
      name,
      title,
      registers: [
        one('Vendor ID', 0x00, 2),
        one('Device ID', 0x02, 2),
        one('Command', COMMAND, 2, [bit(0, 'I/O space'), bit(1, 'memory space'), bit(2, 'bus master')]),
        one('Status', STATUS, 2, [bit(4, 'capabilities list'), field(10, 9, 'DEVSEL timing')]),
        one('Revision ID', 0x08, 1),
        register('Class Code', 24, `${place} offset 0x9`, this.read(0x08, 4) >>> 8),
        one('Header Type', 0x0e, 1, [bit(7, 'multi-function')]),
        ...registers.map(({ name: label, offset, meaning }) => ({ ...one(label, offset, 1), meaning })),
      ],
    };
  }
}
