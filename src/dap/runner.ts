/**
 * Lets the target go on for one thing that a user asked for, which may be many small runs (a step over a source line), and
 * gives the stop that the user sees.
 */
import type { Resume, Stop, Target } from '../targets/target';

/** Lets the target go on and gives where it stopped. */
export type Go = (how: Resume) => Promise<Stop>;

/** One thing that a user asks to run; gives the stop that the user sees. */
export type Operation = (go: Go) => Promise<Stop>;

/** What the session itself stops for, and takes note of before the user's operation goes on. */
export interface OwnStops {
  /** Whether a stop is, among others perhaps, one of these. */
  has(stop: Stop): boolean;
  /** Takes note; gives the breakpoints of the user's that were met as well. */
  note(stop: Stop): Promise<readonly number[]>;
  /** Linear address of a vCPU's next instruction. */
  here(thread: number): Promise<bigint>;
  /** The nearest caller whose next instruction is in [start, end]: how to come back to it; undefined if there is none. */
  backTo(thread: number, start: bigint, end: bigint): Promise<(Resume & { readonly kind: 'runTo' }) | undefined>;
}

/** The longest instruction, bytes. */
const LONGEST = 15n;

export class Runner {
  private waiting: { resolve(stop: Stop): void; reject(error: Error): void } | undefined;
  private busy = false;
  /** The target has begun what it was asked last. */
  private isAccepted = false;
  private pauseWanted = false;

  constructor(private readonly own: OwnStops) {}

  /** True while an operation is under way, between its runs too. */
  get isBusy(): boolean {
    return this.busy;
  }

  /** Starts an operation; resolves once the target goes, rejects with a UserError if it does not. */
  async start(target: Target, thread: number, operation: Operation): Promise<{ readonly stop: Promise<Stop> }> {
    this.busy = true;
    this.pauseWanted = false;
    let accept = (): void => {};
    const accepted = new Promise<void>((resolve) => (accept = resolve));
    const go: Go = async (how) => {
      const start = how.kind === 'stepOver' ? await this.own.here(thread) : 0n;
      const range = how.kind === 'stepRange' ? how : { start: start + 1n, end: start + LONGEST };
      const stop = await this.goOnce(target, thread, how, accept);
      return this.own.has(stop) ? this.goOn(thread, stop, how, range, go) : stop;
    };
    const stop = operation(go).finally(() => (this.busy = false));
    // Whoever follows it sees the failure; until then it is not unheard.
    stop.catch(() => {});
    await Promise.race([accepted, stop]);
    return { stop };
  }

  /** Makes the operation at hand stop soon, between its runs too. */
  async pause(target: Target): Promise<void> {
    this.pauseWanted = true;
    await target.pause();
  }

  /** The target has stopped; false if no operation waits for that. */
  stopped(stop: Stop): boolean {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(stop);
    return waiting !== undefined;
  }

  /** The target is gone; false if no operation that it has begun waits for it, so that nobody else says so. */
  failed(error: Error): boolean {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(error);
    return waiting !== undefined && this.isAccepted;
  }

  /** What runs is no longer waited for. */
  abandon(): void {
    this.waiting = undefined;
    this.busy = false;
  }

  private async goOnce(target: Target, thread: number, how: Resume, accepted: () => void): Promise<Stop> {
    if (this.pauseWanted) return { reason: 'pause' };
    const stop = new Promise<Stop>((resolve, reject) => (this.waiting = { resolve, reject }));
    stop.catch(() => {});
    this.isAccepted = false;
    await target.resume(thread, how);
    this.isAccepted = true;
    accepted();
    return stop;
  }

  /** Where a program has come to its place, its breakpoints are set before anything else runs. */
  private async goOn(
    thread: number,
    stop: Stop,
    how: Resume,
    range: { readonly start: bigint; readonly end: bigint },
    go: Go,
  ): Promise<Stop> {
    const ids = await this.own.note(stop);
    if (ids.length > 0) return { ...stop, ids };
    if (how.kind === 'step') return { reason: 'step' };
    if (how.kind !== 'stepOver' && how.kind !== 'stepRange') return go(how);
    // A call that was stepped over is under way, or the step has come to its end here.
    const back = await this.own.backTo(thread, range.start, range.end);
    if (!back) return { reason: 'step' };
    const returned = await go(back);
    if (returned.reason !== 'breakpoint' || (returned.ids?.length ?? 0) > 0) return returned;
    const isInside = how.kind === 'stepRange' && back.linear[0]! < how.end;
    return isInside ? go(how) : { reason: 'step' };
  }
}
