/** One alarm of a device that is moved about: the single place that holds an `Alarm` and knows for when it is set. */
import type { Alarm, Clock } from './device';

/** At most one pending call of `callback`; setting it again replaces the former. */
export class Deadline {
  private alarm: Alarm | undefined;
  private tick = Infinity;
  private readonly fire: () => void;

  constructor(
    private readonly clock: Clock,
    callback: () => void,
  ) {
    this.fire = (): void => {
      this.alarm = undefined;
      this.tick = Infinity;
      callback();
    };
  }

  /** Arms for `tick` (Infinity disarms). Arming for the tick that is already set costs nothing. */
  set(tick: number): void {
    if (tick === this.tick) return;
    this.alarm?.cancel();
    this.alarm = undefined;
    this.tick = tick;
    // Past 2^53 ticks (104 days of guest time) the clock itself ends.
    if (tick <= Number.MAX_SAFE_INTEGER) this.alarm = this.clock.at(tick, this.fire);
    else this.tick = Infinity;
  }
}
