/**
 * One counter of the 8254: modes 0-5, binary and BCD, gate, latches, read-back status. Time is in cycles of CLK; the
 * state changes at few cycles only (load, expiry, end of a half period), and everything between is arithmetic.
 * Source: Intel 8254 data sheet (231164), "Mode Definitions" and "Operation Common to All Modes".
 *
 * A count of 1, which modes 2 and 3 forbid, counts as 2 there.
 */

/** Plain data of one counter. `base`, `loadAt` and `strobeEnd` are CLK cycles; -1 is none. */
export interface PitCounterState {
  readonly mode: number;
  readonly bcd: boolean;
  readonly access: number;
  readonly gate: boolean;
  readonly out: boolean;
  readonly rose: boolean;
  readonly countRegister: number;
  readonly lowByte: number;
  readonly writeHigh: boolean;
  readonly readHigh: boolean;
  readonly written: boolean;
  readonly nullCount: boolean;
  readonly latchedCount: number;
  readonly latchedStatus: number;
  readonly element: number;
  readonly base: number;
  readonly loaded: boolean;
  readonly counting: boolean;
  readonly armed: boolean;
  readonly period: number;
  readonly loadAt: number;
  readonly strobeEnd: number;
}

const LSB = 1;
const LSB_THEN_MSB = 3;
const NONE = -1;

/** One counter. `now` arguments are the current CLK cycle and never run backwards. */
export class PitCounter {
  private mode = 0;
  private bcd = false;
  /** Read/write field of the control word: 1 low byte, 2 high byte, 3 both. */
  private access = LSB_THEN_MSB;
  private gate: boolean;
  private out = false;
  /** OUT has risen since `takeRise`: a pulse between two looks must not be lost. */
  private rose = false;
  private countRegister = 0;
  private lowByte = 0;
  private writeHigh = false;
  private readHigh = false;
  /** A whole count has been written since the control word. */
  private written = false;
  private nullCount = true;
  private latchedCount = NONE;
  private latchedStatus = NONE;
  /** The counting element's value at cycle `base`; in modes 2 and 3 `base` is where the (half) period began. */
  private element = 0;
  private base = 0;
  private loaded = false;
  private counting = false;
  /** The end of this count will change OUT (modes 0, 1, 4, 5). */
  private armed = false;
  /** The count that modes 2 and 3 run with. */
  private period = 2;
  private loadAt = NONE;
  private strobeEnd = NONE;

  constructor(private readonly gateAtReset: boolean) {
    this.gate = gateAtReset;
  }

  /** State after power-on: mode 0, no count loaded, OUT low (the data sheet leaves it undefined). */
  reset(): void {
    const fresh = new PitCounter(this.gateAtReset);
    Object.assign(this, fresh.save(0));
  }

  /** Control word bits 5-0 (RW, M, BCD). */
  control(word: number, now: number): void {
    this.sync(now);
    this.access = (word >> 4) & 3;
    this.element = this.value(now);
    const mode = (word >> 1) & 7;
    // M2 is a don't-care in modes 2 and 3.
    this.mode = mode > 5 ? mode - 4 : mode;
    this.bcd = (word & 1) !== 0;
    this.writeHigh = this.readHigh = this.written = this.loaded = this.counting = this.armed = false;
    this.latchedCount = this.latchedStatus = this.loadAt = this.strobeEnd = NONE;
    this.nullCount = true;
    this.setOut(this.mode !== 0);
  }

  /** A byte of the count. */
  write(value: number, now: number): void {
    this.sync(now);
    if (this.access === LSB_THEN_MSB && !this.writeHigh) {
      this.lowByte = value;
      this.writeHigh = true;
      // Mode 0: the first byte stops the count and sets OUT low at once.
      if (this.mode === 0) this.stop(now);
      return;
    }
    if (this.access === LSB_THEN_MSB) this.countRegister = (value << 8) | this.lowByte;
    else this.countRegister = this.access === LSB ? value : value << 8;
    this.writeHigh = false;
    this.written = this.nullCount = true;
    if (this.mode === 0) this.stop(now);
    const reloadsAtOnce = this.mode === 0 || this.mode === 4;
    const firstCount = (this.mode === 2 || this.mode === 3) && !this.loaded;
    if (reloadsAtOnce || firstCount) this.loadAt = now + 1;
  }

  /** A read of the counter's port: latched status, latched count, or the running count. */
  read(now: number): number {
    const value = this.peek(now);
    if (this.latchedStatus !== NONE) this.latchedStatus = NONE;
    else if (this.access !== LSB_THEN_MSB) this.latchedCount = NONE;
    else {
      if (this.readHigh) this.latchedCount = NONE;
      this.readHigh = !this.readHigh;
    }
    return value;
  }

  /** What `read` would give. */
  peek(now: number): number {
    if (this.latchedStatus !== NONE) return this.latchedStatus;
    const count = this.latchedCount === NONE ? this.count(now) : this.latchedCount;
    const high = this.access === LSB_THEN_MSB ? this.readHigh : this.access !== LSB;
    return high ? count >> 8 : count & 0xff;
  }

  /** Counter latch command; ignored while an earlier latch is unread. */
  latchCount(now: number): void {
    if (this.latchedCount === NONE) this.latchedCount = this.count(now);
  }

  /** The status half of the read-back command; ignored while an earlier latch is unread. */
  latchStatus(now: number): void {
    if (this.latchedStatus === NONE) this.latchedStatus = this.status(now);
  }

  /** The status byte: OUT, NULL COUNT, RW, M, BCD. */
  status(now: number): number {
    this.sync(now);
    const flags = (this.out ? 0x80 : 0) | (this.nullCount ? 0x40 : 0);
    return flags | (this.access << 4) | (this.mode << 1) | (this.bcd ? 1 : 0);
  }

  /** Drives GATE. */
  setGate(level: boolean, now: number): void {
    this.sync(now);
    if (level === this.gate) return;
    this.gate = level;
    if (this.mode === 1 || this.mode === 5) {
      // A rising edge is the trigger; it needs a count.
      if (level && this.written) this.loadAt = now + 1;
      return;
    }
    if (level) this.resume(now);
    else this.pause(now);
  }

  /** The OUT pin. */
  output(now: number): boolean {
    this.sync(now);
    return this.out;
  }

  /** Whether OUT has risen since the last call. */
  takeRise(): boolean {
    const { rose } = this;
    this.rose = false;
    return rose;
  }

  /** The counting element as software reads it (16 bits, four digits in BCD mode). */
  count(now: number): number {
    this.sync(now);
    const value = this.value(now);
    if (!this.bcd) return value & 0xffff;
    return digits(value % 10_000);
  }

  /** The cycle of the next change of state; Infinity when there is none. Call after `sync`. */
  nextEvent(): number {
    let next = Infinity;
    if (this.strobeEnd !== NONE) next = this.strobeEnd;
    if (this.loadAt !== NONE && this.loadAt < next) next = this.loadAt;
    if (this.counting && (this.armed || this.isPeriodic())) next = Math.min(next, this.base + this.segment());
    return next;
  }

  /** Brings the state up to cycle `now`: the result does not depend on how often it was called before. */
  sync(now: number): void {
    for (let next = this.nextEvent(); next <= now; next = this.nextEvent()) this.step(next, now);
  }

  private step(at: number, now: number): void {
    if (at === this.strobeEnd) {
      this.strobeEnd = NONE;
      this.setOut(true);
    } else if (at === this.loadAt) this.load(at);
    else if (this.isPeriodic()) this.endOfSegment(at, now);
    else this.expire(at);
  }

  private load(at: number): void {
    this.loadAt = NONE;
    this.nullCount = false;
    this.loaded = true;
    this.base = at;
    if (this.isPeriodic()) {
      this.period = Math.max(2, this.fullCount());
      this.element = this.period;
      this.setOut(true);
      this.counting = this.gate;
      return;
    }
    this.element = this.fullCount();
    this.armed = true;
    this.counting = this.gate || this.mode === 1 || this.mode === 5;
    if (this.mode === 1) this.setOut(false);
  }

  /** Terminal count of modes 0, 1, 4 and 5; the element wraps and counts on. */
  private expire(at: number): void {
    this.armed = false;
    this.element = 0;
    this.base = at;
    const strobes = this.mode === 4 || this.mode === 5;
    this.setOut(!strobes);
    if (strobes) this.strobeEnd = at + 1;
  }

  private endOfSegment(at: number, now: number): void {
    this.base = at;
    const reloads = this.mode === 3 || !this.out;
    if (reloads && this.nullCount) {
      this.period = Math.max(2, this.fullCount());
      this.nullCount = false;
    }
    this.setOut(!this.out);
    // Nothing can change any more until `now`: skip whole periods.
    if (!this.nullCount && this.loadAt === NONE && now - at >= this.period) {
      this.base += Math.floor((now - at) / this.period) * this.period;
      this.rose = true;
    }
  }

  /** Cycles from `base` to the next change of OUT. */
  private segment(): number {
    if (this.mode === 2) return this.out ? this.period - 1 : 1;
    if (this.mode === 3) return this.out ? (this.period + 1) >> 1 : this.period >> 1;
    return this.element === 0 ? this.modulus() : this.element;
  }

  private value(now: number): number {
    if (!this.counting) return this.element;
    const elapsed = now - this.base;
    if (this.mode === 2) return this.out ? this.period - elapsed : 1;
    if (this.mode === 3) return (this.period & ~1) - 2 * elapsed;
    const modulus = this.modulus();
    return (((this.element - elapsed) % modulus) + modulus) % modulus;
  }

  private stop(now: number): void {
    this.pause(now);
    this.armed = false;
    this.setOut(false);
  }

  private pause(now: number): void {
    this.element = this.value(now);
    this.counting = false;
    if (this.isPeriodic()) this.setOut(true);
    else this.base = now;
  }

  private resume(now: number): void {
    if (!this.loaded) return;
    // Modes 2 and 3: the rising edge reloads, which makes GATE a synchronization input.
    if (this.isPeriodic()) this.loadAt = now + 1;
    else if (this.mode !== 0 || !this.writeHigh) {
      this.base = now;
      this.counting = true;
    }
  }

  private setOut(level: boolean): void {
    if (level && !this.out) this.rose = true;
    this.out = level;
  }

  private isPeriodic(): boolean {
    return this.mode === 2 || this.mode === 3;
  }

  save(now: number): PitCounterState {
    this.sync(now);
    const { mode, bcd, access, gate, out, rose, countRegister, lowByte, writeHigh, readHigh, written, nullCount } =
      this;
    const { latchedCount, latchedStatus, element, base, loaded, counting, armed, period, loadAt, strobeEnd } = this;
    return {
      ...{ mode, bcd, access, gate, out, rose, countRegister, lowByte, writeHigh, readHigh, written, nullCount },
      ...{ latchedCount, latchedStatus, element, base, loaded, counting, armed, period, loadAt, strobeEnd },
    };
  }

  restore(state: PitCounterState): void {
    Object.assign(this, state);
  }

  private modulus(): number {
    return this.bcd ? 10_000 : 0x10000;
  }

  /** The count register as a number of cycles; 0 stands for the largest count. */
  private fullCount(): number {
    const { countRegister: n } = this;
    const count = this.bcd ? (n >> 12) * 1000 + ((n >> 8) & 15) * 100 + ((n >> 4) & 15) * 10 + (n & 15) : n;
    return count === 0 ? this.modulus() : count;
  }
}

function digits(value: number): number {
  return (
    (Math.floor(value / 1000) << 12) |
    ((Math.floor(value / 100) % 10) << 8) |
    ((Math.floor(value / 10) % 10) << 4) |
    (value % 10)
  );
}
