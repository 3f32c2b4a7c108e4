/**
 * Who gets which guest-physical addresses during a load: claims over the RAM that E820 calls usable. Every byte that a
 * loader writes lies inside a claim, so that hostile addresses cannot leave RAM nor hit each other.
 */
import { E820_RAM, e820, HIGH_RAM_START, MAX_RAM, type AddressRange } from '../layout';
import { doesNotFit, notEnoughMemory, outsideMemory, overlapping } from './errors';
import type { GuestMemory } from './guest-memory';

/** Page size, the usual alignment. */
export const PAGE = 4096;
/** The first page holds the real-mode vectors and the BIOS data area; nothing is placed there unasked. */
const FIRST_PLACED = 0x1000;

interface Claim extends AddressRange {
  readonly what: string;
}

/** Claims over the usable RAM of one board. */
export class MemoryPlan {
  private readonly usable: readonly AddressRange[];
  private readonly claims: Claim[] = [];

  /** Plans the RAM of `memory`, and writes into it. */
  constructor(private readonly memory: GuestMemory) {
    this.usable = e820(memory.size).filter((entry) => entry.type === E820_RAM);
  }

  /**
   * Takes [start, start + length) for `what`. UserErrors: `boot/memory` when it ends above the RAM, but not above the
   * board's limit; `boot/outside-memory`; `boot/overlap`. A length of 0 takes nothing.
   */
  claim(start: number, length: number, what: string): void {
    if (length === 0) return;
    const end = start + length;
    if (start >= HIGH_RAM_START && end > this.memory.size && end <= MAX_RAM) throw notEnoughMemory(end);
    if (!this.usable.some((range) => start >= range.start && end <= range.start + range.length))
      throw outsideMemory(what, start, length);
    const other = this.findClaim(start, length);
    if (other) throw overlapping(what, other.what, start);
    this.claims.push({ start, length, what });
  }

  /** Claims and writes `bytes` at `start`. */
  write(start: number, bytes: Uint8Array, what: string): void {
    this.claim(start, bytes.length, what);
    this.memory.write(start, bytes);
  }

  /** Takes the lowest free `length` bytes at or above `from`, aligned to `alignment`; `boot/does-not-fit` if none. */
  placeLow(length: number, alignment: number, what: string, from = FIRST_PLACED): number {
    for (const range of this.usable) {
      let start = alignUp(Math.max(range.start, from), alignment);
      while (start + length <= range.start + range.length) {
        const other = this.findClaim(start, length);
        if (!other) return this.take(start, length, what);
        start = alignUp(other.start + other.length, alignment);
      }
    }
    throw doesNotFit(what, length);
  }

  /** Takes the highest free `length` bytes that end at or below `limit`; `boot/does-not-fit` if there are none. */
  placeHigh(length: number, alignment: number, what: string, limit: number): number {
    for (const range of [...this.usable].reverse()) {
      let start = alignDown(Math.min(range.start + range.length, limit) - length, alignment);
      while (start >= Math.max(range.start, FIRST_PLACED)) {
        const other = this.findClaim(start, length);
        if (!other) return this.take(start, length, what);
        start = alignDown(other.start - length, alignment);
      }
    }
    throw doesNotFit(what, length);
  }

  /** `placeLow`, then writes `bytes` there; gives the address. */
  writeLow(bytes: Uint8Array, alignment: number, what: string, from = FIRST_PLACED): number {
    const start = this.placeLow(bytes.length, alignment, what, from);
    this.memory.write(start, bytes);
    return start;
  }

  /** Fills a range that is claimed already. */
  fill(start: number, bytes: Uint8Array): void {
    this.memory.write(start, bytes);
  }

  private take(start: number, length: number, what: string): number {
    this.claims.push({ start, length, what });
    return start;
  }

  private findClaim(start: number, length: number): Claim | undefined {
    return this.claims.find((claim) => start < claim.start + claim.length && claim.start < start + length);
  }
}

/** The least multiple of `alignment` that is not below `value`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** The greatest multiple of `alignment` that is not above `value`. */
export function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}
