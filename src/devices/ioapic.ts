/**
 * I/O APIC with 24 inputs: edge and level, polarity, remote IRR, masks, all delivery modes. Source: Intel 82093AA data
 * sheet (290566); the EOI register is that of version 0x20 (Intel ICH2 and later).
 *
 * Edges on a masked input are lost, as the data sheet says. A level whose message the local APIC did not accept is sent
 * again when the input or its entry changes. NOT IMPLEMENTED: the APIC bus's arbitration (its register mirrors the ID).
 */
import type { BusSize, BusTarget } from '../memory/bus';
import { floatingBus } from './byte-ports';
import { bit, field, register } from './describe';
import type { BitField, Device, DeviceDescription } from './device';
import { DeliveryMode } from './lapic-registers';
import { requireVersion } from './snapshot';

/** What the board decides. */
export interface IoApicConfig {
  /** The I/O APIC ID that it starts with. */
  readonly id: number;
  /** Inputs (bit i is pin i) whose source is wired active low; `setLine` speaks of asserted, not of volts. */
  readonly activeLow: number;
}

/** Sends a message to the local APICs; false when none accepted it (`Lapic.receive` has this shape). */
export type InterruptMessage = (
  destination: number,
  logical: boolean,
  vector: number,
  mode: DeliveryMode,
  level: boolean,
) => boolean;

/** One input, by the fields of its redirection-table entry. */
export interface IoApicInput {
  /** The source asserts it. */
  readonly asserted: boolean;
  readonly vector: number;
  readonly mode: DeliveryMode;
  /** Destination mode: logical, not physical. */
  readonly logical: boolean;
  readonly destination: number;
  /** Trigger mode: level, not edge. */
  readonly level: boolean;
  /** A local APIC has accepted the level and no EOI has come yet. */
  readonly remoteIrr: boolean;
  readonly masked: boolean;
}

/** Snapshot of the I/O APIC; `low` and `high` are the halves of the redirection table. */
export interface IoApicState {
  readonly version: 1;
  readonly id: number;
  readonly select: number;
  readonly asserted: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const PINS = 24;
const IOREGSEL = 0x00;
const IOWIN = 0x10;
const EOIR = 0x40;
const VERSION = 0x20 | ((PINS - 1) << 16);
const FIRST_ENTRY = 0x10;
const LOGICAL = 0x800;
const ACTIVE_LOW = 0x2000;
const REMOTE_IRR = 0x4000;
const LEVEL = 0x8000;
const MASKED = 0x10000;
const LOW_WRITABLE = 0x1afff;
const HIGH_WRITABLE = 0xff000000;

const ENTRY_FIELDS: readonly BitField[] = [
  field(7, 0, 'INTVEC', 'vector'),
  field(10, 8, 'DELMOD', 'delivery mode', ['fixed', 'lowest priority', 'SMI', '', 'NMI', 'INIT', '', 'ExtINT']),
  bit(11, 'DESTMOD', 'logical destination'),
  bit(12, 'DELIVS', 'send pending'),
  bit(13, 'INTPOL', 'active low'),
  bit(14, 'Remote IRR', 'accepted, no EOI yet'),
  bit(15, 'Trigger Mode', 'level'),
  bit(16, 'Interrupt Mask'),
  field(63, 56, 'Destination'),
];

/** The I/O APIC. */
export class IoApic implements Device<IoApicState> {
  /** The register window (4096 bytes). */
  readonly mmio: BusTarget;
  private readonly low = new Int32Array(PINS).fill(MASKED);
  private readonly high = new Int32Array(PINS);
  private id: number;
  private select = 0;
  /** Bit i: the source of pin i asserts it. */
  private asserted = 0;

  constructor(
    private readonly config: IoApicConfig,
    private readonly send: InterruptMessage,
  ) {
    this.id = config.id & 15;
    this.mmio = {
      read: (offset, size) => this.read(offset, size),
      peek: (offset, size) => this.read(offset, size),
      write: (offset, size, value) => this.write(offset, size, value),
    };
  }

  reset(): void {
    this.low.fill(MASKED);
    this.high.fill(0);
    this.select = 0;
    this.id = this.config.id & 15;
  }

  /** The source of input `pin` (0..23) asserts or releases it. */
  setLine(pin: number, asserted: boolean): void {
    const mask = 1 << pin;
    if (asserted === ((this.asserted & mask) !== 0)) return;
    this.asserted ^= mask;
    const entry = this.low[pin]!;
    if (entry & LEVEL) this.serveLevel(pin);
    else if ((entry & MASKED) === 0 && this.isActive(pin)) this.sendEntry(pin, false);
  }

  /** Input `pin` (0..23) and its entry of the redirection table. Changes nothing. */
  input(pin: number): IoApicInput {
    const entry = this.low[pin]!;
    return {
      asserted: (this.asserted & (1 << pin)) !== 0,
      vector: entry & 0xff,
      mode: (entry >> 8) & 7,
      logical: (entry & LOGICAL) !== 0,
      destination: this.high[pin]! >>> 24,
      level: (entry & LEVEL) !== 0,
      remoteIrr: (entry & REMOTE_IRR) !== 0,
      masked: (entry & MASKED) !== 0,
    };
  }

  /** An EOI message for `vector`: level inputs that are still active send again. */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      const entry = this.low[pin]!;
      if ((entry & REMOTE_IRR) === 0 || (entry & 0xff) !== vector) continue;
      this.low[pin] = entry & ~REMOTE_IRR;
      this.serveLevel(pin);
    }
  }

  /** Whether the pin's voltage is what its entry's polarity calls active. */
  private isActive(pin: number): boolean {
    const high = ((this.asserted ^ this.config.activeLow) & (1 << pin)) !== 0;
    return high !== ((this.low[pin]! & ACTIVE_LOW) !== 0);
  }

  private serveLevel(pin: number): void {
    const entry = this.low[pin]!;
    if ((entry & (LEVEL | MASKED | REMOTE_IRR)) !== LEVEL || !this.isActive(pin)) return;
    const mode: DeliveryMode = (entry >> 8) & 7;
    const holds = mode === DeliveryMode.FIXED || mode === DeliveryMode.LOWEST_PRIORITY;
    // Before the message: the processor may answer it with an EOI at once.
    if (holds) this.low[pin] = entry | REMOTE_IRR;
    if (!this.sendEntry(pin, holds) && holds) this.low[pin]! &= ~REMOTE_IRR;
  }

  private sendEntry(pin: number, level: boolean): boolean {
    const entry = this.low[pin]!;
    return this.send(this.high[pin]! >>> 24, (entry & LOGICAL) !== 0, entry & 0xff, (entry >> 8) & 7, level);
  }

  private read(offset: number, size: BusSize): number {
    const window = offset & ~15;
    const shift = 8 * (offset & 15);
    const value = window === IOREGSEL ? this.select : window === IOWIN ? this.readSelected() : 0;
    return shift > 24 ? 0 : ((value >>> shift) & floatingBus(size)) >>> 0;
  }

  private readSelected(): number {
    const { select } = this;
    if (select === 0 || select === 2) return this.id << 24;
    if (select === 1) return VERSION;
    const pin = (select - FIRST_ENTRY) >> 1;
    if (pin < 0 || pin >= PINS) return 0;
    return (select & 1 ? this.high[pin]! : this.low[pin]!) >>> 0;
  }

  private write(offset: number, size: BusSize, value: number): void {
    if (offset === IOREGSEL) this.select = value & 0xff;
    else if (offset === IOWIN && size === 4) this.writeSelected(value);
    else if (offset === EOIR) this.endOfInterrupt(value & 0xff);
  }

  private writeSelected(value: number): void {
    const { select } = this;
    if (select === 0) this.id = (value >>> 24) & 15;
    const pin = (select - FIRST_ENTRY) >> 1;
    if (pin < 0 || pin >= PINS) return;
    if (select & 1) {
      this.high[pin] = value & HIGH_WRITABLE;
      return;
    }
    // An edge-triggered entry has no remote IRR: the switch to edge and back is how software clears it.
    const remoteIrr = value & LEVEL ? this.low[pin]! & REMOTE_IRR : 0;
    this.low[pin] = (value & LOW_WRITABLE) | remoteIrr;
    this.serveLevel(pin);
  }

  save(): IoApicState {
    const { id, select, asserted } = this;
    return { version: 1, id, select, asserted, low: [...this.low], high: [...this.high] };
  }

  restore(state: IoApicState): void {
    requireVersion(state, 1, 'ioapic');
    this.id = state.id;
    this.select = state.select;
    this.asserted = state.asserted;
    this.low.set(state.low.slice(0, PINS));
    this.high.set(state.high.slice(0, PINS));
  }

  describe(): DeviceDescription {
    const entry = (pin: number): bigint => (BigInt(this.high[pin]! >>> 0) << 32n) | BigInt(this.low[pin]! >>> 0);
    return {
      name: 'ioapic',
      title: 'I/O APIC (Intel 82093AA)',
      registers: [
        register('IOREGSEL', 8, 'offset 0x00', this.select),
        register('IOAPICID', 32, 'index 0x00', this.id << 24, [field(27, 24, 'ID')]),
        register('IOAPICVER', 32, 'index 0x01', VERSION, [field(7, 0, 'version'), field(23, 16, 'last entry')]),
        ...Array.from({ length: PINS }, (_, pin) =>
          register(`IOREDTBL${pin}`, 64, `index 0x${(FIRST_ENTRY + 2 * pin).toString(16)}`, entry(pin), ENTRY_FIELDS),
        ),
        register('inputs', PINS, 'pins', this.asserted >>> 0, undefined, 'bit n: the source of pin n asserts it'),
      ],
    };
  }
}
