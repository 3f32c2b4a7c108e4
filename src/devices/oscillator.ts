/**
 * A frequency derived from ticks by exact integer arithmetic: cycle k begins at tick ceil(k * denominator / numerator).
 * Products stay below 2^53 because ticks are split by the denominator first.
 */
import { assert } from '../common/assert';

/** A clock of `numerator` cycles in each `denominator` ticks. */
export class Oscillator {
  constructor(
    private readonly numerator: number,
    private readonly denominator: number,
  ) {
    assert(numerator * denominator <= Number.MAX_SAFE_INTEGER, 'oscillator ratio leaves no room for exact products');
  }

  /** Full cycles in `ticks`. */
  cycles(ticks: number): number {
    const whole = Math.floor(ticks / this.denominator);
    const rest = ticks - whole * this.denominator;
    return whole * this.numerator + Math.floor((rest * this.numerator) / this.denominator);
  }

  /** The first tick at which `cycles(tick) >= cycle`. */
  tickOf(cycle: number): number {
    const whole = Math.floor(cycle / this.numerator);
    const rest = cycle - whole * this.numerator;
    return whole * this.denominator + Math.ceil((rest * this.denominator) / this.numerator);
  }
}

/** The 3.579545 MHz clock of the ACPI power management timer (ACPI 6.4, 4.8.3.3). */
export const pmTimerOscillator = new Oscillator(715_909, 200_000_000);
/** The PIT's clock, a third of it: 14.31818 MHz / 12 = 1.193181666... MHz. */
export const pitOscillator = new Oscillator(715_909, 600_000_000);
/** The RTC's 32,768 Hz crystal. */
export const rtcOscillator = new Oscillator(64, 1_953_125);
