/** A clock that tests move by hand: alarms run in the order of their ticks, then of their arming. */
import type { Alarm, Clock } from '../../src/devices/device';

interface Pending {
  readonly tick: number;
  readonly order: number;
  readonly callback: () => void;
}

/** `Clock` for tests. */
export class ManualClock implements Clock {
  private pending: Pending[] = [];
  private order = 0;

  constructor(public ticks = 0) {}

  at(tick: number, callback: () => void): Alarm {
    const entry = { tick, order: this.order++, callback };
    this.pending.push(entry);
    return { cancel: () => void (this.pending = this.pending.filter((other) => other !== entry)) };
  }

  /** The tick of the next alarm; Infinity when none is set. */
  get next(): number {
    return Math.min(Infinity, ...this.pending.map(({ tick }) => tick));
  }

  /** Goes on to `tick`, running each alarm at its own tick. */
  runTo(tick: number): void {
    for (;;) {
      const due = this.pending.filter((entry) => entry.tick <= tick);
      if (due.length === 0) break;
      due.sort((a, b) => a.tick - b.tick || a.order - b.order);
      const first = due[0]!;
      this.pending = this.pending.filter((entry) => entry !== first);
      this.ticks = Math.max(this.ticks, first.tick);
      first.callback();
    }
    this.ticks = Math.max(this.ticks, tick);
  }

  /** Goes on by `ticks`. */
  run(ticks: number): void {
    this.runTo(this.ticks + ticks);
  }

  /** Moves time without running what is due: what the machine does within an instruction. */
  skip(ticks: number): void {
    this.ticks += ticks;
  }
}
