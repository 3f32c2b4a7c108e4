/**
 * The I/O ports as processor and hypervisor reach them: an access takes the time of a bus cycle, in which the guest
 * completes no instruction. Guests count on it: Linux writes to port 80H to wait, and spins on a port until a timer is
 * over, which would be a million turns if a turn took nanoseconds.
 *
 * NOT IMPLEMENTED: other times than an 8-bit ISA cycle's for wider accesses and for the chip set's own registers.
 */
import type { Bus, BusSize } from '../memory/bus';
import type { MachineClock } from './clock';

/**
 * Ticks of one access: a little more than the 6 cycles of BCLK (8 MHz, 125 ns) that the ISA bus takes for 8 bits at its
 * default of 4 wait states, with the way there and back.
 */
export const PORT_ACCESS_TICKS = 1000;

export class TimedPorts {
  /** `passed` is told behind each access. */
  constructor(
    private readonly bus: Bus,
    private readonly clock: MachineClock,
    private readonly passed: () => void,
  ) {}

  /** Reads `size` ports from `port` on; all ones where nothing answers. */
  read(port: number, size: BusSize): number {
    const value = this.bus.read(port, size);
    this.pass();
    return value;
  }

  /** Writes the low `size` bytes of `value`. */
  write(port: number, size: BusSize, value: number): void {
    this.bus.write(port, size, value);
    this.pass();
  }

  private pass(): void {
    this.clock.skipTo(this.clock.ticks + PORT_ACCESS_TICKS);
    this.passed();
  }
}
