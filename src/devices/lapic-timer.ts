/**
 * The local APIC's timer: one-shot, periodic and TSC-deadline. One tick is one count before the divider, and the TSC is
 * ticks plus an offset. Source: SDM Vol. 3A, 11.5.4 and 11.5.4.1.
 */
import { Deadline } from './deadline';
import type { Clock } from './device';

/** Plain data; the 64-bit values are decimal strings. `remaining` counts at tick `base`. */
export interface LapicTimerState {
  readonly mode: number;
  readonly masked: boolean;
  readonly initial: number;
  readonly divide: number;
  readonly remaining: number;
  readonly base: number;
  readonly deadline: string;
  readonly tscOffset: string;
}

const PERIODIC = 1;
const TSC_DEADLINE = 2;

/** The timer; `expire` is called at each expiry while the LVT entry is not masked. */
export class LapicTimer {
  private readonly alarm: Deadline;
  private mode = 0;
  private masked = true;
  private initial = 0;
  /** The divide configuration register. */
  private divide = 0;
  private remaining = 0;
  private base = 0;
  /** IA32_TSC_DEADLINE; 0 is disarmed. */
  private deadline = 0n;
  private tscOffset = 0n;

  constructor(
    private readonly clock: Clock,
    private readonly expire: () => void,
  ) {
    this.alarm = new Deadline(clock, () => this.update());
  }

  /** Reset and INIT: stopped, disarmed, divided by 2. The TSC's offset belongs to the processor and stays. */
  reset(): void {
    this.mode = this.initial = this.divide = this.remaining = this.base = 0;
    this.masked = true;
    this.deadline = 0n;
    this.alarm.set(Infinity);
  }

  /** Takes over the LVT entry: its timer mode (0..3) and its mask. */
  configure(mode: number, masked: boolean): void {
    this.settle();
    // Entering or leaving TSC-deadline mode disarms the timer.
    if ((mode === TSC_DEADLINE) !== (this.mode === TSC_DEADLINE)) {
      this.deadline = 0n;
      this.initial = this.remaining = 0;
    }
    this.mode = mode;
    this.masked = masked;
    this.update();
  }

  /** The initial-count register (32 bits); a write starts the timer, 0 stops it, TSC-deadline mode ignores it. */
  get initialCount(): number {
    return this.initial;
  }

  set initialCount(count: number) {
    if (this.mode === TSC_DEADLINE) return;
    this.settle();
    this.initial = this.remaining = count;
    this.base = this.clock.ticks;
    this.update();
  }

  /** The divide configuration register. A change while the timer runs holds for the counts that remain. */
  get divideConfiguration(): number {
    return this.divide;
  }

  set divideConfiguration(value: number) {
    this.settle();
    this.remaining = this.currentCount();
    this.base = this.clock.ticks;
    this.divide = value;
    this.update();
  }

  /** The current-count register. */
  currentCount(): number {
    if (this.mode === TSC_DEADLINE || this.remaining === 0) return 0;
    const { divisor } = this;
    const elapsed = Math.floor((this.clock.ticks - this.base) / divisor);
    if (elapsed < this.remaining) return this.remaining - elapsed;
    if (this.mode !== PERIODIC) return 0;
    return this.initial - ((elapsed - this.remaining) % this.initial);
  }

  /** IA32_TSC_DEADLINE. Writes outside TSC-deadline mode are ignored; 0 disarms. */
  get tscDeadline(): bigint {
    return this.expiryTick() <= this.clock.ticks ? 0n : this.deadline;
  }

  set tscDeadline(value: bigint) {
    if (this.mode !== TSC_DEADLINE) return;
    this.settle();
    this.deadline = value;
    this.update();
  }

  /** TSC minus ticks, modulo 2^64: the processor sets it when software writes the TSC or TSC_ADJUST. */
  setTscOffset(offset: bigint): void {
    this.settle();
    this.tscOffset = BigInt.asUintN(64, offset);
    this.update();
  }

  private get divisor(): number {
    const code = (this.divide & 3) | ((this.divide >> 1) & 4);
    return 1 << ((code + 1) & 7);
  }

  /** The tick of the next expiry; Infinity when the timer is stopped. */
  private expiryTick(): number {
    if (this.mode !== TSC_DEADLINE) return this.remaining === 0 ? Infinity : this.base + this.remaining * this.divisor;
    if (this.deadline === 0n) return Infinity;
    const tsc = BigInt.asUintN(64, BigInt(this.clock.ticks) + this.tscOffset);
    return this.clock.ticks + Math.max(0, Number(this.deadline - tsc));
  }

  /** Takes expiries up to now into account; the result does not depend on how often it was called before. */
  private settle(): void {
    const expiry = this.expiryTick();
    if (expiry > this.clock.ticks) return;
    if (this.mode === TSC_DEADLINE) this.deadline = 0n;
    else if (this.mode === PERIODIC && this.initial !== 0) {
      const period = this.initial * this.divisor;
      this.base = expiry + Math.floor((this.clock.ticks - expiry) / period) * period;
      this.remaining = this.initial;
    } else {
      this.remaining = 0;
      this.base = expiry;
    }
    if (!this.masked) this.expire();
  }

  /** Arms for the next expiry; a masked timer needs no alarm. */
  private update(): void {
    this.settle();
    this.alarm.set(this.masked ? Infinity : this.expiryTick());
  }

  save(): LapicTimerState {
    this.settle();
    const { mode, masked, initial, divide, remaining, base } = this;
    const [deadline, tscOffset] = [this.deadline.toString(), this.tscOffset.toString()];
    return { mode, masked, initial, divide, remaining, base, deadline, tscOffset };
  }

  restore(state: LapicTimerState): void {
    const { deadline, tscOffset, ...fields } = state;
    Object.assign(this, fields);
    this.deadline = BigInt(deadline);
    this.tscOffset = BigInt(tscOffset);
    this.update();
  }
}
