/**
 * PCI configuration mechanism 1 over bus 0: CONFIG_ADDRESS and CONFIG_DATA. Source: PCI 3.0, 3.2.2.3.2.
 * Only doubleword accesses reach CONFIG_ADDRESS; others pass to the part that shares those ports.
 *
 * NOT IMPLEMENTED: buses behind bridges (type 1 cycles find nobody), special cycles.
 */
import { assert } from '../common/assert';
import type { BusSize, BusTarget } from '../memory/bus';
import { floatingBus } from './byte-ports';
import type { Device, DeviceDescription } from './device';
import { bit, field, register } from './describe';
import type { PciFunction, PciFunctionState } from './pci-config';
import { requireVersion } from './snapshot';

/** Snapshot of the address register and all functions, in ascending order of their numbers. */
export interface PciHostState {
  readonly version: 1;
  readonly address: number;
  readonly functions: readonly { readonly number: number; readonly state: PciFunctionState }[];
}

const ADDRESS_BITS = 0x80fffffc;
const ENABLE = 0x80000000;
const DATA = 4;
const RESET_CONTROL = 1;

/** The host's side of PCI. */
export class PciHost implements Device<PciHostState> {
  /** CONFIG_ADDRESS at +0, CONFIG_DATA at +4 (8 bytes). */
  readonly ports: BusTarget;
  private readonly functions: (PciFunction | undefined)[] = [];
  private address = 0;

  /** `resetControl` answers byte accesses at +1 (port 0xCF9); undefined: nothing does. */
  constructor(private readonly resetControl: BusTarget | undefined) {
    this.ports = {
      read: (offset, size) => this.access(offset, size, false),
      peek: (offset, size) => this.access(offset, size, true),
      write: (offset, size, value) => this.write(offset, size, value),
    };
  }

  /** Plugs a function in as `device` (0..31), `number` (0..7) of bus 0. */
  add(device: number, number: number, pciFunction: PciFunction): void {
    const index = device * 8 + number;
    assert(index < 256 && !this.functions[index], `PCI function ${device}.${number} is taken`);
    this.functions[index] = pciFunction;
  }

  reset(): void {
    this.address = 0;
    for (const pciFunction of this.functions) pciFunction?.reset();
  }

  private access(offset: number, size: BusSize, peek: boolean): number {
    if (offset === 0 && size === 4) return this.address;
    if (offset >= DATA) {
      const selected = this.selected();
      return selected ? selected.read((this.address & 0xfc) + (offset - DATA), size) : floatingBus(size);
    }
    const shared = offset === RESET_CONTROL && size === 1 ? this.resetControl : undefined;
    if (!shared) return floatingBus(size);
    return peek ? shared.peek(0, 1) : shared.read(0, 1);
  }

  private write(offset: number, size: BusSize, value: number): void {
    if (offset === 0 && size === 4) this.address = (value & ADDRESS_BITS) >>> 0;
    else if (offset >= DATA) this.selected()?.write((this.address & 0xfc) + (offset - DATA), size, value);
    else if (offset === RESET_CONTROL && size === 1) this.resetControl?.write(0, 1, value);
  }

  /** The function that CONFIG_ADDRESS names, when it is enabled and on bus 0. */
  private selected(): PciFunction | undefined {
    if (this.address < ENABLE || (this.address & 0xff0000) !== 0) return undefined;
    return this.functions[(this.address >>> 8) & 0xff];
  }

  save(): PciHostState {
    const functions = this.functions.flatMap((one, number) => (one ? [{ number, state: one.save() }] : []));
    return { version: 1, address: this.address, functions };
  }

  restore(state: PciHostState): void {
    requireVersion(state, 1, 'pci');
    this.address = state.address;
    for (const { number, state: saved } of state.functions) this.functions[number]?.restore(saved);
  }

  describe(): DeviceDescription {
    return {
      name: 'pci',
      title: 'PCI configuration mechanism 1',
      registers: [
        register('CONFIG_ADDRESS', 32, 'port +0', this.address, [
          bit(31, 'enable'),
          field(23, 16, 'bus'),
          field(15, 11, 'device'),
          field(10, 8, 'function'),
          field(7, 2, 'register'),
        ]),
      ],
    };
  }

  /** The descriptions of all functions. */
  describeFunctions(): DeviceDescription[] {
    return this.functions.flatMap((one, number) => {
      const place = `${(number >> 3).toString(16).padStart(2, '0')}.${number & 7}`;
      return one ? [one.describe(place)] : [];
    });
  }
}
