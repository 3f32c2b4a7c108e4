/**
 * The machine's counters and alarms. `ticks` = instructions + ticks that passed without any: in HLT, and while the bus is
 * busy (`TimedPorts`); 1 tick = 1 ns. Nothing here knows the host's time.
 */
import type { Alarm, Clock } from '../devices/device';

interface Entry extends Alarm {
  readonly tick: number;
  /** Order among alarms of one tick: see `MachineClock.ranked`. */
  readonly rank: number;
  callback: (() => void) | undefined;
}

/** Where the counters stand inside a run: instructions of the run at hand completed so far. */
export type RunningCount = () => number;

/** The counters at rest. */
export interface ClockState {
  /** Instructions completed since power-on. */
  readonly instructions: number;
  /** Ticks that passed without an instruction. */
  readonly skipped: number;
}

export class MachineClock implements Clock {
  private retired = 0;
  private skipped = 0;
  private queue: Entry[] = [];
  private running: RunningCount | undefined;
  private changed: (() => void) | undefined;
  /** The tick of the alarm that is being called. */
  private moment: number | undefined;

  /** Instructions completed since power-on. */
  get instructions(): number {
    return this.retired + (this.running ? this.running() : 0);
  }

  get ticks(): number {
    return this.moment ?? this.instructions + this.skipped;
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
    return this.add(tick, 0, callback);
  }

  /**
   * The clock for one device: alarms of one tick are called in order of rank, and only for equal rank as they were set.
   * The order in which a restored machine's devices set theirs then makes no difference.
   */
  ranked(rank: number): Clock {
    const ticks = (): number => this.ticks;
    return {
      get ticks() {
        return ticks();
      },
      at: (tick, callback) => this.add(tick, rank, callback),
    };
  }

  private add(tick: number, rank: number, callback: () => void): Alarm {
    const entry: Entry = {
      tick,
      rank,
      callback,
      cancel: () => {
        if (!entry.callback) return;
        entry.callback = undefined;
        this.queue.splice(this.queue.indexOf(entry), 1);
      },
    };
    let index = this.queue.length;
    while (index > 0 && isLater(this.queue[index - 1]!, entry)) index--;
    this.queue.splice(index, 0, entry);
    if (index === 0) this.changed?.();
    return entry;
  }

  /** Calls every alarm that is due, in order of tick and then of rank, each at its own tick. */
  advance(): void {
    const now = this.ticks;
    for (let first = this.queue[0]; first && first.tick <= now; first = this.queue[0]) {
      this.queue.shift();
      const { callback } = first;
      first.callback = undefined;
      this.moment = first.tick;
      callback!();
    }
    this.moment = undefined;
  }

  /** The counters, for snapshots; alarms belong to the devices that set them. */
  save(): ClockState {
    return { instructions: this.retired, skipped: this.skipped };
  }

  restore(state: ClockState): void {
    this.retired = state.instructions;
    this.skipped = state.skipped;
  }
}

function isLater(one: Entry, other: Entry): boolean {
  return one.tick > other.tick || (one.tick === other.tick && one.rank > other.rank);
}
