/**
 * The host's time in a machine's run: slices of about 10 ms, so that messages and keys come in between, and waits for an
 * idle guest. Where a slice ends changes nothing in the guest.
 */
import { performance } from 'node:perf_hooks';

const SLICE_MS = 10;
/** A slice that turns out slower than the last ones ends here, spent or not. */
const LONGEST_SLICE_MS = 20;
const FIRST_SLICE = 100_000;
const LEAST_SLICE = 1_000;
const MOST_SLICE = 100_000_000;

/** Runs at most so many instructions, and fewer when `isOver`, which it asks now and then, says so. */
export type RunSlice<End> = (maxInstructions: number, isOver: () => boolean) => End;

/** Keeps slices near 10 ms of host time, whatever the guest does. */
export class SliceMeter {
  private size = FIRST_SLICE;
  private start = 0;
  private restedAt = performance.now();
  private readonly isOver = (): boolean => performance.now() - this.start > LONGEST_SLICE_MS;

  /** Runs one slice of at most `limit` instructions. */
  run<End>(runSlice: RunSlice<End>, limit: number): End {
    const budget = Math.min(this.size, limit);
    this.start = performance.now();
    const end = runSlice(budget, this.isOver);
    const took = performance.now() - this.start;
    if (budget < this.size && took < SLICE_MS) return end;
    const factor = Math.min(2, Math.max(0.25, SLICE_MS / Math.max(took, 0.01)));
    this.size = Math.min(MOST_SLICE, Math.max(LEAST_SLICE, Math.round(this.size * factor)));
    return end;
  }

  /** True if the process's other work has waited for a slice's time; then it is to be let in, and its time begins anew. */
  takeRest(): boolean {
    const now = performance.now();
    if (now - this.restedAt < SLICE_MS) return false;
    this.restedAt = now;
    return true;
  }
}

// Shorter waits are saved up: a host's timers have about a millisecond.
const LEAST_WAIT_MS = 2;
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** A wait in HLT that an input can end. */
export class IdleWait {
  private owedMs = 0;
  private wake: (() => void) | undefined;

  /**
   * Waits until `ticks` ns of guest time (Infinity: any time) have passed on the host's clock, or the wait is ended.
   * Resolves to the ns that the guest has slept: all of them, or as many as had passed.
   */
  async pass(ticks: number): Promise<number> {
    this.owedMs += ticks / 1e6;
    if (this.owedMs < LEAST_WAIT_MS) return ticks;
    const start = performance.now();
    const passed = await this.wait(this.owedMs);
    const waitedMs = performance.now() - start;
    // What the host overslept is not slept again; who is woken owes nothing.
    this.owedMs = passed ? Math.max(-LEAST_WAIT_MS, this.owedMs - waitedMs) : 0;
    return passed ? ticks : Math.min(ticks, waitedMs * 1e6);
  }

  /** Ends the wait: an input has come, or nobody wants the guest to go on. */
  end(): void {
    this.wake?.();
  }

  /** Resolves to whether the time passed; false: the wait was ended. */
  private async wait(ms: number): Promise<boolean> {
    const passed = await new Promise<boolean>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(() => resolve(true), Math.min(ms, LONGEST_TIMER_MS)) : undefined;
      this.wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
    this.wake = undefined;
    return passed;
  }
}
