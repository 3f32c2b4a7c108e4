/**
 * Lets the target go on for one thing that a user asked for, which may be many small runs (a step over a source line), and
 * gives the stop that the user sees.
 */
import type { Resume, Stop, Target } from '../targets/target';

/** Lets the target go on and gives where it stopped. */
export type Go = (how: Resume) => Promise<Stop>;

/** One thing that a user asks to run; gives the stop that the user sees. */
export type Operation = (go: Go) => Promise<Stop>;

/** What happens at a stop at a load of CR3 before the operation goes on. */
export type AtAddressSpace = () => Promise<void>;

export class Runner {
  private waiting: { resolve(stop: Stop): void; reject(error: Error): void } | undefined;
  private busy = false;
  private pauseWanted = false;

  constructor(private readonly atAddressSpace: AtAddressSpace) {}

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
      const stop = await this.goOnce(target, thread, how, accept);
      return stop.reason === 'address space' ? this.goOn(stop, how, go) : stop;
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

  /** The target is gone; false if no operation waits for it. */
  failed(error: Error): boolean {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(error);
    return waiting !== undefined;
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
    await target.resume(thread, how);
    accepted();
    return stop;
  }

  /** A program may have moved to its place: then its breakpoints are set before anything else runs. */
  private async goOn(stop: Stop, how: Resume, go: Go): Promise<Stop> {
    await this.atAddressSpace();
    if ((stop.ids?.length ?? 0) > 0) return stop;
    return how.kind === 'step' || how.kind === 'stepOver' ? { reason: 'step' } : go(how);
  }
}
