/**
 * ACPI fixed hardware: PM1a event and control blocks and the power management timer. Source: ACPI 6.4, 4.8.3 (PM1,
 * PM_TMR) and 4.8.2. SCI_EN always reads 1: the board has no SMM that could own these registers (FADT SMI_CMD = 0).
 *
 * NOT IMPLEMENTED: global lock release (GBL_RLS has no effect), bus master status, general-purpose events.
 */
import type { BusSize, BusTarget } from '../memory/bus';
import { BytePorts, floatingBus } from './byte-ports';
import { Deadline } from './deadline';
import { bit, field, register } from './describe';
import type { Clock, Device, DeviceDescription, Line } from './device';
import { pmTimerOscillator } from './oscillator';
import { requireVersion } from './snapshot';

/** What the board decides. */
export interface AcpiPmConfig {
  /** Width of the timer: 24, or 32 with the FADT flag TMR_VAL_EXT. */
  readonly timerBits: 24 | 32;
}

/** What leaves the block. */
export interface AcpiPmLines {
  /** System control interrupt, level. */
  readonly sci: Line;
  /** SLP_EN was written with this SLP_TYP (0..7): the board knows which one is S5. */
  readonly sleep: (type: number) => void;
}

/** Snapshot of the block. */
export interface AcpiPmState {
  readonly version: 1;
  readonly status: number;
  readonly enable: number;
  readonly control: number;
  readonly seenToggles: number;
}

/** Bits of PM1_STS; PM1_EN has its enables at the same places. */
const enum Pm1 {
  TMR = 0x0001,
  BM = 0x0010,
  GBL = 0x0020,
  PWRBTN = 0x0100,
  SLPBTN = 0x0200,
  RTC = 0x0400,
  WAK = 0x8000,
}

const STATUS_BITS = Pm1.TMR | Pm1.BM | Pm1.GBL | Pm1.PWRBTN | Pm1.SLPBTN | Pm1.RTC | Pm1.WAK;
const ENABLE_BITS = Pm1.TMR | Pm1.GBL | Pm1.PWRBTN | Pm1.SLPBTN | Pm1.RTC;
const SCI_EN = 0x0001;
const BM_RLD = 0x0002;
const SLP_TYP = 0x1c00;
const SLP_EN = 0x2000;

/** The block. */
export class AcpiPm implements Device<AcpiPmState> {
  /** PM1a_EVT: status, then enable (4 bytes). */
  readonly event: BusTarget;
  /** PM1a_CNT (2 bytes). */
  readonly controlPort: BusTarget;
  /** PM_TMR (4 bytes). */
  readonly timer: BusTarget;
  private readonly deadline: Deadline;
  private status = 0;
  private enable = 0;
  private control = 0;
  /** Changes of the timer's highest bit that `status` knows of. */
  private seenToggles = 0;

  constructor(
    private readonly config: AcpiPmConfig,
    private readonly clock: Clock,
    private readonly lines: AcpiPmLines,
  ) {
    this.deadline = new Deadline(clock, () => this.drive());
    const readEvent = (offset: number): number => this.eventByte(offset);
    this.event = new BytePorts({
      readByte: readEvent,
      peekByte: readEvent,
      writeByte: (offset, value) => this.writeEvent(offset, value),
    });
    const readControl = (offset: number): number => ((this.control | SCI_EN) >> (8 * offset)) & 0xff;
    this.controlPort = new BytePorts({
      readByte: readControl,
      peekByte: readControl,
      writeByte: (offset, value) => this.writeControl(offset, value),
    });
    const readTimer = (offset: number, size: BusSize): number => this.timerBytes(offset, size);
    this.timer = { read: readTimer, peek: readTimer, write: () => undefined };
  }

  reset(): void {
    this.sync();
    this.status = this.enable = this.control = 0;
    this.drive();
  }

  /** Somebody presses the power button: PWRBTN_STS. */
  pressPowerButton(): void {
    this.status |= Pm1.PWRBTN;
    this.drive();
  }

  /** The timer's value, in cycles of 3.579545 MHz modulo its width. */
  private timerValue(): number {
    return pmTimerOscillator.cycles(this.clock.ticks) % 2 ** this.config.timerBits;
  }

  private timerBytes(offset: number, size: BusSize): number {
    return ((this.timerValue() >>> (8 * offset)) & floatingBus(size)) >>> 0;
  }

  private eventByte(offset: number): number {
    this.sync();
    return (offset < 2 ? this.status >> (8 * offset) : this.enable >> (8 * (offset - 2))) & 0xff;
  }

  private writeEvent(offset: number, value: number): void {
    this.sync();
    // Status bits are cleared by writing 1.
    if (offset < 2) this.status &= ~(value << (8 * offset));
    else {
      const shift = 8 * (offset - 2);
      this.enable = ((this.enable & ~(0xff << shift)) | (value << shift)) & ENABLE_BITS;
    }
    this.drive();
  }

  private writeControl(offset: number, value: number): void {
    const shift = 8 * offset;
    const written = (this.control & ~(0xff << shift)) | (value << shift);
    this.control = written & (BM_RLD | SLP_TYP);
    if (written & SLP_EN) this.lines.sleep((written & SLP_TYP) >> 10);
  }

  private toggles(): number {
    return Math.floor(pmTimerOscillator.cycles(this.clock.ticks) / 2 ** (this.config.timerBits - 1));
  }

  /** TMR_STS is set whenever the highest bit of the timer changes. */
  private sync(): void {
    const toggles = this.toggles();
    if (toggles !== this.seenToggles) this.status |= Pm1.TMR;
    this.seenToggles = toggles;
  }

  private drive(): void {
    this.sync();
    const level = (this.status & this.enable) !== 0;
    this.lines.sci(level);
    const waits = !level && this.enable & Pm1.TMR;
    const nextToggle = (this.seenToggles + 1) * 2 ** (this.config.timerBits - 1);
    this.deadline.set(waits ? pmTimerOscillator.tickOf(nextToggle) : Infinity);
  }

  save(): AcpiPmState {
    this.sync();
    const { status, enable, control, seenToggles } = this;
    return { version: 1, status, enable, control, seenToggles };
  }

  restore(state: AcpiPmState): void {
    const fields = requireVersion(state, 1, 'acpi-pm');
    Object.assign(this, fields);
    this.drive();
  }

  describe(): DeviceDescription {
    this.sync();
    const { status, enable, control } = this;
    const events = (suffix: string, allowed: number): ReturnType<typeof bit>[] =>
      EVENTS.filter(([at]) => allowed & (1 << at)).map(([at, name, meaning]) => bit(at, `${name}_${suffix}`, meaning));
    return {
      name: 'acpi-pm',
      title: 'ACPI PM1a block and power management timer',
      registers: [
        register('PM1a_STS', 16, 'event block +0', status, events('STS', STATUS_BITS)),
        register('PM1a_EN', 16, 'event block +2', enable, events('EN', ENABLE_BITS)),
        register('PM1a_CNT', 16, 'control block +0', control | SCI_EN, [
          bit(0, 'SCI_EN', 'events raise SCI'),
          bit(1, 'BM_RLD', 'bus masters wake C3'),
          field(12, 10, 'SLP_TYP', 'sleep type'),
          bit(13, 'SLP_EN', 'enter the sleep state'),
        ]),
        register('PM_TMR', this.config.timerBits, 'timer block +0', this.timerValue(), undefined, '3.579545 MHz'),
      ],
    };
  }
}

const EVENTS: readonly (readonly [number, string, string])[] = [
  [0, 'TMR', 'the timer’s highest bit has changed'],
  [4, 'BM', 'a bus master has requested the bus'],
  [5, 'GBL', 'the global lock was released'],
  [8, 'PWRBTN', 'power button'],
  [9, 'SLPBTN', 'sleep button'],
  [10, 'RTC', 'RTC alarm'],
  [15, 'WAK', 'woken'],
];
