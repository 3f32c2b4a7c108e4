/**
 * A bus target for parts that are eight bits wide: the bus splits a wider access into byte cycles in ascending order,
 * low byte first, as the ISA bus controller does (Intel 82371SB PIIX3, "ISA Interface").
 */
import type { BusSize, BusTarget } from '../memory/bus';

/** What a bus that nobody drives gives: `size` bytes of ones. */
export function floatingBus(size: BusSize): number {
  return size === 1 ? 0xff : size === 2 ? 0xffff : 0xffffffff;
}

/** A part with byte-wide registers; offsets count from its first register. */
export interface ByteRegisters {
  /** Reads the register, side effects included; gives 0..255. */
  readByte(offset: number): number;
  /** Writes `value` (0..255). */
  writeByte(offset: number, value: number): void;
  /** What `readByte` would give, without side effects. */
  peekByte(offset: number): number;
}

/** Offers `registers` to the bus; accesses of 2 and 4 bytes become byte cycles. */
export class BytePorts implements BusTarget {
  constructor(private readonly registers: ByteRegisters) {}

  read(offset: number, size: BusSize): number {
    if (size === 1) return this.registers.readByte(offset);
    let value = 0;
    for (let i = 0; i < size && i < 4; i++) value |= this.registers.readByte(offset + i) << (8 * i);
    return value >>> 0;
  }

  write(offset: number, size: BusSize, value: number): void {
    if (size === 1) return this.registers.writeByte(offset, value & 0xff);
    for (let i = 0; i < size && i < 4; i++) this.registers.writeByte(offset + i, (value >>> (8 * i)) & 0xff);
  }

  peek(offset: number, size: BusSize): number {
    let value = 0;
    for (let i = 0; i < size && i < 4; i++) value |= this.registers.peekByte(offset + i) << (8 * i);
    return value >>> 0;
  }
}
