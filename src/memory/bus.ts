/**
 * The I/O bus: routes accesses in one address space (the 16-bit port space, or physical addresses that are not RAM)
 * to the device mapped there. A device sees offsets from the start of its own range and never its address.
 * Unmapped reads give all ones, unmapped writes vanish, as on a PC whose bus floats high.
 *
 * NOT IMPLEMENTED: overlapping ranges (refused), bus timing (that of the ports is machine/timed-ports.ts).
 */
import { assert } from '../common/assert';

/** Width of one bus access in bytes. */
export type BusSize = 1 | 2 | 4 | 8;

/**
 * What a device offers to the bus. Values are unsigned and little-endian; those of 8-byte accesses do not fit a
 * double and are split by the bus into two 4-byte accesses, low half first.
 */
export interface BusTarget {
  /** Reads `size` (1, 2 or 4) bytes at byte `offset` of the device's range, with the side effects of a real read. */
  read(offset: number, size: BusSize): number;
  /** Writes the low `size` bytes of `value` at byte `offset`. */
  write(offset: number, size: BusSize, value: number): void;
  /** What `read` would give, without its side effects. */
  peek(offset: number, size: BusSize): number;
}

interface Range {
  readonly start: number;
  readonly length: number;
  readonly target: BusTarget;
  readonly name: string;
}

/** One address space of devices. Addresses are byte addresses below 2^53. */
export class Bus {
  private readonly ranges: Range[] = [];

  /** Maps `target` at [start, start + length). Ranges must not overlap: that is a bug of the board. */
  map(start: number, length: number, target: BusTarget, name: string): void {
    const clash = this.ranges.find((range) => start < range.start + range.length && range.start < start + length);
    assert(!clash, `bus ranges overlap: ${name} and ${clash?.name}`);
    this.ranges.push({ start, length, target, name });
    this.ranges.sort((a, b) => a.start - b.start);
  }

  /** Reads `size` (1, 2 or 4) bytes; all ones where nothing is mapped. An access past a device's end counts as unmapped. */
  read(address: number, size: BusSize): number {
    const range = this.find(address, size);
    return range ? range.target.read(address - range.start, size) : allOnes(size);
  }

  /** Writes `size` (1, 2 or 4) bytes; lost where nothing is mapped. */
  write(address: number, size: BusSize, value: number): void {
    const range = this.find(address, size);
    range?.target.write(address - range.start, size, value);
  }

  /** What `read` would give, without side effects. */
  peek(address: number, size: BusSize): number {
    const range = this.find(address, size);
    return range ? range.target.peek(address - range.start, size) : allOnes(size);
  }

  /** The ranges in ascending order, for the memory map and the docs. */
  list(): readonly { start: number; length: number; name: string }[] {
    return this.ranges;
  }

  private find(address: number, size: number): Range | undefined {
    let low = 0;
    let high = this.ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = this.ranges[middle]!;
      if (address < range.start) high = middle - 1;
      else if (address >= range.start + range.length) low = middle + 1;
      else return address + size <= range.start + range.length ? range : undefined;
    }
    return undefined;
  }
}

function allOnes(size: BusSize): number {
  return size === 1 ? 0xff : size === 2 ? 0xffff : 0xffffffff;
}
