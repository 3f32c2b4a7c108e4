/** System control port A (port 0x92 of the PS/2): fast A20 gate and fast reset. Source: Intel 82371SB (PIIX3), 2.5.5.3. */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { bit, register } from './describe';
import type { Device, DeviceDescription, Line } from './device';
import { requireVersion } from './snapshot';

/** Snapshot of the port. */
export interface Port92State {
  readonly version: 1;
  readonly value: number;
}

const FAST_INIT = 0x01;
const FAST_A20 = 0x02;

/** The port: `a20` opens the gate of address line 20, `reset` is a pulse on the processor's reset. */
export class Port92 implements Device<Port92State> {
  /** The port (1 byte). */
  readonly port: BusTarget;
  private value = FAST_A20;

  constructor(
    private readonly a20: Line,
    private readonly pulseReset: () => void,
  ) {
    this.port = new BytePorts({
      readByte: () => this.value,
      peekByte: () => this.value,
      writeByte: (_offset, value) => this.write(value),
    });
  }

  /** State in which a PC's firmware leaves it: A20 open. */
  reset(): void {
    this.value = FAST_A20;
    this.a20(true);
  }

  private write(value: number): void {
    const rises = (value & ~this.value & FAST_INIT) !== 0;
    this.value = value & (FAST_INIT | FAST_A20);
    this.a20((value & FAST_A20) !== 0);
    if (rises) this.pulseReset();
  }

  save(): Port92State {
    return { version: 1, value: this.value };
  }

  restore(state: Port92State): void {
    requireVersion(state, 1, 'port-92');
    this.value = state.value;
    this.a20((state.value & FAST_A20) !== 0);
  }

  describe(): DeviceDescription {
    const fields = [bit(0, 'FAST_INIT', 'a rising bit resets the processor'), bit(1, 'FAST_A20', 'opens A20')];
    return {
      name: 'port-92',
      title: 'System control port A (PIIX3)',
      registers: [register('P92', 8, 'port +0', this.value, fields)],
    };
  }
}
