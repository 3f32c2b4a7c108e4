/**
 * Guest-physical memory where nothing answers and no device will ever be, such as the window for option ROMs of a board
 * that has none: reads give ones without an exit, from one page of ones that stands for all. Kernels look for ROMs there
 * byte by byte. Writes and fetches exit as anywhere outside RAM.
 *
 * Source: SDM Vol. 3C 29.3.2 (an EPT entry that allows reads alone).
 */
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import { EPT } from './ept';
import type { Ept } from './ept';
import type { PageAllocator, RamRange } from './memory';

export class OpenBus {
  /** Physical address of the page of ones; 0 until it is needed. */
  private ones = 0;

  constructor(
    private readonly range: RamRange,
    private readonly memory: PhysicalMemory,
    private readonly pages: PageAllocator,
    private readonly ept: Ept,
  ) {}

  /** Maps the whole range for reading; false if the guest-physical `page` lies elsewhere or is mapped already. */
  map(page: number): boolean {
    const { start, length } = this.range;
    const address = page * PAGE;
    if (address < start || address >= start + length || this.ept.leaf(address)) return false;
    if (this.ones === 0) {
      this.ones = this.pages.allocate();
      this.memory.write(this.ones, new Uint8Array(PAGE).fill(0xff));
    }
    for (let at = start; at < start + length; at += PAGE)
      if (!this.ept.leaf(at)) this.ept.map4k(at, this.ones, EPT.READ);
    return true;
  }

  save(): number {
    return this.ones;
  }

  /** `ones` is undefined in snapshots from before there was such a page. */
  restore(ones = 0): void {
    this.ones = ones;
  }
}
