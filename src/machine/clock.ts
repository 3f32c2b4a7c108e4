/**
 * The machine's counters and alarms. `ticks` = instructions + ticks skipped in HLT; 1 tick = 1 ns. Nothing here knows
 * the host's time.
 */
import type { Alarm, Clock } from '../devices/device';

interface Entry extends Alarm {
  readonly tick: number;
  /** Order among alarms of one tick: as they were set. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Where the counters stand inside a run: instructions of the run at hand completed so far. */
export type RunningCount = () => number;

export class MachineClock implements Clock {
  private retired = 0;
  private skipped = 0;
  private queue: Entry[] = [];
  private orders = 0;
  private running: RunningCount | undefined;
  private changed: (() => void) | undefined;

  /** Instructions completed since power-on. */
  get instructions(): number {
    return this.retired + (this.running ? this.running() : 0);
  }

  get ticks(): number {
    return this.instructions + this.skipped;
  }

  /** The tick of the earliest alarm; Infinity without one. */
  get deadline(): number {
    return this.queue[0]?.tick ?? Infinity;
  }

  /** During a run of the engine the count advances inside it: `running` tells by how much. */
  startRun(running: RunningCount): void {
    this.running = running;
  }

  /** Ends it: `completed` instructions were run. */
  endRun(completed: number): void {
    this.running = undefined;
    this.retired += completed;
  }

  /** Called when an alarm becomes the earliest, so that a run in progress can be cut short. */
  onEarlierDeadline(changed: () => void): void {
    this.changed = changed;
  }

  /** Counts one instruction that the hypervisor emulated. */
  retire(): void {
    this.retired++;
  }

  /** Raises `ticks` to `tick` without instructions. */
  skipTo(tick: number): void {
    if (tick > this.ticks) this.skipped += tick - this.ticks;
  }

  at(tick: number, callback: () => void): Alarm {
    const entry: Entry = {
      tick,
      order: this.orders++,
      callback,
      cancel: () => {
        if (!entry.callback) return;
        entry.callback = undefined;
        this.queue.splice(this.queue.indexOf(entry), 1);
      },
    };
    let index = this.queue.length;
    while (index > 0 && this.queue[index - 1]!.tick > tick) index--;
    this.queue.splice(index, 0, entry);
    if (index === 0) this.changed?.();
    return entry;
  }

  /** Calls every alarm that is due, in order of tick and then of setting. */
  advance(): void {
    for (let first = this.queue[0]; first && first.tick <= this.ticks; first = this.queue[0]) {
      this.queue.shift();
      const { callback } = first;
      first.callback = undefined;
      callback!();
    }
  }

  /** The counters, for snapshots; alarms belong to the devices that set them. */
  save(): { readonly instructions: number; readonly skipped: number } {
    return { instructions: this.retired, skipped: this.skipped };
  }

  restore(state: { readonly instructions: number; readonly skipped: number }): void {
    this.retired = state.instructions;
    this.skipped = state.skipped;
  }
}
