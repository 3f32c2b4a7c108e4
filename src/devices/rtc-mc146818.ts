/**
 * MC146818 real-time clock with 128 bytes of CMOS memory: calendar, alarm, periodic and update-ended interrupts. Time
 * follows ticks from a start time given by the board. Source: Motorola MC146818A data sheet; the century byte at 0x32
 * as the ACPI FADT names it.
 *
 * An update cycle ends on the second: UIP reads 1 for the 244 us of warning and the 1,984 us of the update before it.
 *
 * NOT IMPLEMENTED: daylight savings (DSE is stored), the square-wave pin, time bases other than 32.768 kHz (they stop
 * the clock), the NMI mask of index bit 7 (stored).
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { calendarOf, secondsOf } from './calendar';
import { Deadline } from './deadline';
import { register } from './describe';
import type { Clock, Device, DeviceDescription, Line } from './device';
import { rtcOscillator } from './oscillator';
import { nextAlarm } from './rtc-alarm';
import { decodeByte, decodeHour, encodeByte, encodeHour, periodicCycles } from './rtc-registers';
import { FIELDS_A, FIELDS_B, FIELDS_C, FIELDS_D, RtcAddress, RtcB, RtcC } from './rtc-registers';
import { requireVersion } from './snapshot';

/** What the board decides. */
export interface RtcConfig {
  /** Seconds since 1970-01-01T00:00:00 that the clock shows at tick 0. */
  readonly startTime: number;
}

/** Snapshot of the clock; `cmos` is its 128 bytes, of which the time bytes count only while the clock is stopped. */
export interface RtcState {
  readonly version: 1;
  readonly index: number;
  readonly a: number;
  readonly b: number;
  readonly flags: number;
  readonly cmos: Uint8Array;
  readonly seconds: number;
  readonly origin: number;
  readonly weekdayShift: number;
  readonly seenUpdates: number;
  readonly seenPeriods: number;
}

const TICKS_PER_SECOND = 1_000_000_000;
const UPDATE_TICKS = (244 + 1984) * 1000;
const ENABLES = RtcB.PIE | RtcB.AIE | RtcB.UIE;
const DV_RUNNING = 0x20;
const DV_MASK = 0x70;
const VRT = 0x80;
const UIP = 0x80;
const FLOATING_BUS = 0xff;

/** The clock; `irq` is wired to IRQ 8. */
export class Rtc implements Device<RtcState> {
  /** Index and data port (2 bytes). */
  readonly ports: BusTarget;
  private readonly deadline: Deadline;
  private index = 0;
  private a = 0x26;
  private b: number = RtcB.HOURS_24;
  /** PF, AF and UF. */
  private flags = 0;
  private cmos = new Uint8Array(128);
  /** The time shown at `origin`, the tick at which the divider chain began to count. */
  private seconds: number;
  private origin = 0;
  /** What software added to the calendar's day of the week. */
  private weekdayShift = 0;
  /** Updates and periodic events since `origin` that `flags` knows of. */
  private seenUpdates = 0;
  private seenPeriods = 0;

  constructor(
    config: RtcConfig,
    private readonly clock: Clock,
    private readonly irq: Line,
  ) {
    this.seconds = config.startTime;
    this.deadline = new Deadline(clock, () => this.drive());
    this.ports = new BytePorts({
      readByte: (offset) => (offset === 0 ? FLOATING_BUS : this.readData()),
      peekByte: (offset) => (offset === 0 ? FLOATING_BUS : this.peekCmos(this.index & 0x7f)),
      writeByte: (offset, value) => {
        if (offset === 0) this.index = value;
        else this.writeData(this.index & 0x7f, value);
      },
    });
  }

  /** RESET#: interrupts are disabled; time, alarm and memory are kept by the battery. */
  reset(): void {
    this.sync();
    this.b &= ~(ENABLES | RtcB.SQWE);
    this.flags = 0;
    this.drive();
  }

  /** Sets a byte of the memory (index 14..127), as a PC's BIOS does at start. */
  setCmos(index: number, value: number): void {
    this.cmos[index & 0x7f] = value;
  }

  /** The byte at `index` (0..127), without side effects. */
  peekCmos(index: number): number {
    switch (index) {
      case RtcAddress.A:
        return this.a | (this.updateInProgress() ? UIP : 0);
      case RtcAddress.B:
        return this.b;
      case RtcAddress.C:
        this.sync();
        return this.flags | (this.flags & this.b & ENABLES ? RtcC.IRQF : 0);
      case RtcAddress.D:
        return VRT;
      default:
        return this.frozen() ? this.cmos[index]! : this.clockByte(index);
    }
  }

  private readData(): number {
    const index = this.index & 0x7f;
    const value = this.peekCmos(index);
    if (index === RtcAddress.C) {
      this.flags = 0;
      this.drive();
    }
    return value;
  }

  private writeData(index: number, value: number): void {
    this.sync();
    if (index === RtcAddress.A) this.control(value & 0x7f, this.b);
    else if (index === RtcAddress.B) this.control(this.a, value & RtcB.SET ? value & ~RtcB.UIE : value);
    else if (index !== RtcAddress.C && index !== RtcAddress.D) this.writeByte(index, value);
    this.drive();
  }

  private writeByte(index: number, value: number): void {
    const running = !this.frozen();
    if (running) this.freeze();
    // Bit 7 of the seconds cannot be written.
    this.cmos[index] = index === RtcAddress.SECONDS ? value & 0x7f : value;
    if (running) this.thaw();
  }

  /** New registers A and B: stops or starts the divider chain and the updates. */
  private control(a: number, b: number): void {
    if (!this.frozen()) this.freeze();
    const dividerRan = this.dividerRuns();
    this.a = a;
    this.b = b;
    if (this.dividerRuns() && !dividerRan) this.origin = this.clock.ticks - TICKS_PER_SECOND / 2;
    this.seenUpdates = this.updates();
    this.seenPeriods = this.periods();
    if (!this.frozen()) this.thaw();
  }

  private dividerRuns(): boolean {
    return (this.a & DV_MASK) === DV_RUNNING;
  }

  /** No updates happen: the time bytes are memory. */
  private frozen(): boolean {
    return (this.b & RtcB.SET) !== 0 || !this.dividerRuns();
  }

  /** Updates since `origin`. */
  private updates(): number {
    return this.dividerRuns() ? Math.floor((this.clock.ticks - this.origin) / TICKS_PER_SECOND) : 0;
  }

  /** Periodic events since `origin`. */
  private periods(): number {
    const cycles = periodicCycles(this.a & 15);
    if (cycles === 0 || !this.dividerRuns()) return 0;
    return Math.floor(rtcOscillator.cycles(this.clock.ticks - this.origin) / cycles);
  }

  private updateInProgress(): boolean {
    if (this.frozen()) return false;
    return (this.clock.ticks - this.origin) % TICKS_PER_SECOND >= TICKS_PER_SECOND - UPDATE_TICKS;
  }

  private clockByte(index: number): number {
    const { b } = this;
    const time = calendarOf(this.seconds + this.updates());
    switch (index) {
      case RtcAddress.SECONDS:
        return encodeByte(time.second, b);
      case RtcAddress.MINUTES:
        return encodeByte(time.minute, b);
      case RtcAddress.HOURS:
        return encodeHour(time.hour, b);
      case RtcAddress.DAY_OF_WEEK:
        return encodeByte(((time.weekday + this.weekdayShift) % 7) + 1, b);
      case RtcAddress.DATE_OF_MONTH:
        return encodeByte(time.day, b);
      case RtcAddress.MONTH:
        return encodeByte(time.month, b);
      case RtcAddress.YEAR:
        return encodeByte(((time.year % 100) + 100) % 100, b);
      case RtcAddress.CENTURY:
        return encodeByte(((Math.floor(time.year / 100) % 100) + 100) % 100, b);
      default:
        return this.cmos[index]!;
    }
  }

  /** Writes the time shown into the time bytes, in the present format. */
  private freeze(): void {
    for (const index of TIME_BYTES) this.cmos[index] = this.clockByte(index);
  }

  /** Goes on from the time bytes, read in the present format. */
  private thaw(): void {
    const { b, cmos } = this;
    const shown = secondsOf({
      year: decodeByte(cmos[RtcAddress.CENTURY]!, b) * 100 + decodeByte(cmos[RtcAddress.YEAR]!, b),
      month: decodeByte(cmos[RtcAddress.MONTH]!, b),
      day: decodeByte(cmos[RtcAddress.DATE_OF_MONTH]!, b),
      hour: decodeHour(cmos[RtcAddress.HOURS]!, b),
      minute: decodeByte(cmos[RtcAddress.MINUTES]!, b),
      second: decodeByte(cmos[RtcAddress.SECONDS]!, b),
    });
    this.seconds = shown - this.updates();
    const weekday = decodeByte(cmos[RtcAddress.DAY_OF_WEEK]!, b) - 1 - calendarOf(shown).weekday;
    this.weekdayShift = ((weekday % 7) + 7) % 7;
  }

  /** Brings the flags up to now; the result does not depend on how often it was called before. */
  private sync(): void {
    const updates = this.updates();
    if (updates > this.seenUpdates) {
      if (!this.frozen()) {
        this.flags |= RtcC.UF;
        if (this.alarmUpdate() <= updates) this.flags |= RtcC.AF;
      }
      this.seenUpdates = updates;
    }
    const periods = this.periods();
    if (periods > this.seenPeriods) this.flags |= RtcC.PF;
    this.seenPeriods = periods;
  }

  /** The first update after those seen that will match the alarm, counted from `origin`. */
  private alarmUpdate(): number {
    const { cmos, seconds } = this;
    const [hours, minutes] = [cmos[RtcAddress.HOURS_ALARM]!, cmos[RtcAddress.MINUTES_ALARM]!];
    return nextAlarm(seconds + this.seenUpdates, hours, minutes, cmos[RtcAddress.SECONDS_ALARM]!, this.b) - seconds;
  }

  /** Drives the line. While it is low, arms for the next event that raises it. */
  private drive(): void {
    this.sync();
    const level = (this.flags & this.b & ENABLES) !== 0;
    this.irq(level);
    this.deadline.set(level ? Infinity : this.nextInterrupt());
  }

  private nextInterrupt(): number {
    if (!this.dividerRuns()) return Infinity;
    let next = Infinity;
    const cycles = periodicCycles(this.a & 15);
    if (this.b & RtcB.PIE && cycles > 0) next = this.origin + rtcOscillator.tickOf((this.seenPeriods + 1) * cycles);
    let update = Infinity;
    if (this.b & RtcB.UIE) update = this.seenUpdates + 1;
    else if (this.b & RtcB.AIE) update = this.alarmUpdate();
    return this.frozen() ? next : Math.min(next, this.origin + update * TICKS_PER_SECOND);
  }

  save(): RtcState {
    this.sync();
    const { index, a, b, flags, seconds, origin, weekdayShift, seenUpdates, seenPeriods } = this;
    const cmos = this.cmos.slice();
    return { version: 1, index, a, b, flags, cmos, seconds, origin, weekdayShift, seenUpdates, seenPeriods };
  }

  restore(state: RtcState): void {
    const { cmos, ...fields } = requireVersion(state, 1, 'rtc');
    Object.assign(this, fields);
    this.cmos = cmos.slice();
    this.drive();
  }

  /** The bytes of memory that are no clock, as one number. */
  private memoryValue(): bigint {
    let value = 0n;
    for (let i = MEMORY_BYTES - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.cmos[MEMORY + i]!);
    return value;
  }

  describe(): DeviceDescription {
    const at = (index: number): string => `index 0x${index.toString(16).padStart(2, '0')}`;
    const byte = (name: string, index: number): ReturnType<typeof register> =>
      register(name, 8, at(index), this.peekCmos(index));
    return {
      name: 'rtc',
      title: 'MC146818 real-time clock and CMOS memory',
      registers: [
        byte('seconds', RtcAddress.SECONDS),
        byte('seconds alarm', RtcAddress.SECONDS_ALARM),
        byte('minutes', RtcAddress.MINUTES),
        byte('minutes alarm', RtcAddress.MINUTES_ALARM),
        byte('hours', RtcAddress.HOURS),
        byte('hours alarm', RtcAddress.HOURS_ALARM),
        byte('day of week', RtcAddress.DAY_OF_WEEK),
        byte('date of month', RtcAddress.DATE_OF_MONTH),
        byte('month', RtcAddress.MONTH),
        byte('year', RtcAddress.YEAR),
        byte('century', RtcAddress.CENTURY),
        register('A', 8, at(RtcAddress.A), this.peekCmos(RtcAddress.A), FIELDS_A),
        register('B', 8, at(RtcAddress.B), this.b, FIELDS_B),
        register('C', 8, at(RtcAddress.C), this.peekCmos(RtcAddress.C), FIELDS_C),
        register('D', 8, at(RtcAddress.D), VRT, FIELDS_D),
        register('index', 8, 'port +0', this.index),
        register(
          'memory',
          MEMORY_BYTES * 8,
          `${at(MEMORY)} to 0x7f`,
          this.memoryValue(),
          undefined,
          'lowest byte first',
        ),
      ],
    };
  }
}

/** The memory behind the clock's registers. */
const MEMORY = 0x0e;
const MEMORY_BYTES = 128 - MEMORY;

const TIME_BYTES = [
  RtcAddress.SECONDS,
  RtcAddress.MINUTES,
  RtcAddress.HOURS,
  RtcAddress.DAY_OF_WEEK,
  RtcAddress.DATE_OF_MONTH,
  RtcAddress.MONTH,
  RtcAddress.YEAR,
  RtcAddress.CENTURY,
] as const;
