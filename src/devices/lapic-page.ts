/** The local APIC's page of registers in xAPIC mode: 32-bit registers, one in each 16 bytes (SDM Vol. 3A, 11.4.1). */
import type { BusSize, BusTarget } from '../memory/bus';
import { floatingBus } from './byte-ports';
import type { Lapic } from './lapic';
import { LapicMode } from './lapic-mode';
import { ApicError, isXapicRegister } from './lapic-registers';

/** The page; in the other modes nothing answers there. */
export class LapicPage implements BusTarget {
  constructor(private readonly lapic: Lapic) {}

  read(offset: number, size: BusSize): number {
    if (this.answers && !isXapicRegister(offset >> 4)) this.lapic.raise(ApicError.ILLEGAL_REGISTER);
    return this.peek(offset, size);
  }

  peek(offset: number, size: BusSize): number {
    const ones = floatingBus(size);
    if (!this.answers) return ones;
    // Only the first four bytes of each 16 are a register.
    const shift = 8 * (offset & 15);
    if (shift > 24 || !isXapicRegister(offset >> 4)) return 0;
    return ((this.lapic.readRegister(offset >> 4) >>> shift) & ones) >>> 0;
  }

  write(offset: number, size: BusSize, value: number): void {
    if (!this.answers) return;
    if (!isXapicRegister(offset >> 4)) this.lapic.raise(ApicError.ILLEGAL_REGISTER);
    else if (size === 4 && (offset & 15) === 0) this.lapic.writeRegister(offset >> 4, value);
  }

  private get answers(): boolean {
    return this.lapic.apicMode === LapicMode.XAPIC;
  }
}
