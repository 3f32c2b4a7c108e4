/**
 * Runs a machine in slices of about 10 ms and lets the process's other work (messages, keys) in between. Where a slice
 * ends changes nothing in the guest. With `wall` pacing an idle guest waits for the host's clock.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as afterOtherWork } from 'node:timers/promises';

/** Why a slice ended: `Details` are the machine's own. */
export interface SliceEnd {
  readonly reason: string;
}

/** What is run: one call is one slice of at most that many instructions. */
export type RunSlice<End extends SliceEnd> = (maxInstructions: number) => End;

const SLICE_MS = 10;
const FIRST_SLICE = 100_000;
const LEAST_SLICE = 1_000;
const MOST_SLICE = 100_000_000;

/** Keeps slices near 10 ms of host time, whatever the guest does. */
export class SliceMeter {
  private size = FIRST_SLICE;

  /** Runs one slice of at most `limit` instructions. */
  run<End extends SliceEnd>(runSlice: RunSlice<End>, limit: number): End {
    const budget = Math.min(this.size, limit);
    const start = performance.now();
    const end = runSlice(budget);
    const took = performance.now() - start;
    if (budget < this.size) return end;
    const factor = Math.min(2, Math.max(0.25, SLICE_MS / Math.max(took, 0.01)));
    this.size = Math.min(MOST_SLICE, Math.max(LEAST_SLICE, Math.round(this.size * factor)));
    return end;
  }
}

// Shorter waits are saved up: a host's timers have about a millisecond.
const LEAST_WAIT_MS = 2;
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** A wait in HLT that an input can end. */
export class IdleWait {
  private owedMs = 0;
  private wake: (() => void) | undefined;

  /** Waits until `ticks` ns of guest time have passed on the host's clock, or something wakes the guest. */
  async pass(ticks: number): Promise<void> {
    this.owedMs += ticks / 1e6;
    if (this.owedMs < LEAST_WAIT_MS) return;
    const start = performance.now();
    const passed = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), Math.min(this.owedMs, LONGEST_TIMER_MS));
      this.wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
    this.wake = undefined;
    // What the host overslept is not slept again; who is woken owes nothing.
    this.owedMs = passed ? Math.max(-LEAST_WAIT_MS, this.owedMs - (performance.now() - start)) : 0;
  }

  /** Ends the wait: an input has come, or nobody wants the guest to go on. */
  end(): void {
    this.wake?.();
  }
}

export { afterOtherWork };
