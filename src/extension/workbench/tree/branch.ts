/**
 * One engine's branch of the tree: connects when it is first opened, gives each call a time limit, and after a failure
 * tries again, each time after a longer pause. Whatever an engine does, the other branches do not wait for it.
 */
import type { Disposable } from '../../../inventory/disposable';
import type { InventoryChange, Item, Provider } from '../../../inventory/provider';

/** Milliseconds that an engine has for one answer. */
const LIMIT_MS = 15_000;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/** How a branch stands with its engine. */
export type BranchState =
  | { readonly kind: 'unopened' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly version: string }
  | { readonly kind: 'failed'; readonly reason: string };

export class Branch {
  private stateNow: BranchState = { kind: 'unopened' };
  private connecting: Promise<void> | undefined;
  private watching: Disposable | undefined;
  private retry: NodeJS.Timeout | undefined;
  private pause = FIRST_PAUSE_MS;

  constructor(
    readonly provider: Provider,
    /** Items have changed, or the branch's own state (`undefined`). */
    private readonly onChange: (change: InventoryChange | undefined) => void,
    private readonly limitMs = LIMIT_MS,
  ) {}

  get state(): BranchState {
    return this.stateNow;
  }

  /** Rows under an item, or the top rows; connects first. Rejects once the time limit is over. */
  async children(parent: string | undefined): Promise<readonly Item[]> {
    await this.connect();
    try {
      return await this.limited((signal) => this.provider.children(parent, signal));
    } catch (error) {
      // A row that cannot be read is no reason to give up the engine; its top rows are.
      if (parent === undefined) this.fail(error as Error);
      throw error;
    }
  }

  /** Calls the engine with the branch's time limit. */
  limited<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const reason = new Error(`${this.provider.label} has not answered within ${this.limitMs / 1000} s.`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(reason);
        abort.abort(reason);
      }, this.limitMs);
    });
    const answer = call(abort.signal);
    // Nobody may be left to hear of a failure after the limit.
    answer.catch(() => {});
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /** Tries again at once. */
  retryNow(): void {
    this.pause = FIRST_PAUSE_MS;
    this.drop();
    this.set({ kind: 'unopened' });
  }

  dispose(): void {
    this.drop();
    this.provider.dispose();
  }

  private connect(): Promise<void> {
    if (this.stateNow.kind === 'connected') return Promise.resolve();
    return (this.connecting ??= this.connectOnce().finally(() => (this.connecting = undefined)));
  }

  private async connectOnce(): Promise<void> {
    clearTimeout(this.retry);
    this.stateNow = { kind: 'connecting' };
    try {
      const version = await this.limited((signal) => this.provider.connect(signal));
      this.pause = FIRST_PAUSE_MS;
      this.watching?.dispose();
      this.watching = this.provider.watch(
        (change) => this.onChange(change),
        (why) => this.fail(why),
      );
      this.set({ kind: 'connected', version });
    } catch (error) {
      this.fail(error as Error);
      throw error;
    }
  }

  private fail({ message }: Error): void {
    this.drop();
    this.set({ kind: 'failed', reason: message });
    this.retry = setTimeout(() => this.set({ kind: 'unopened' }), this.pause);
    this.retry.unref();
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
  }

  private drop(): void {
    clearTimeout(this.retry);
    this.watching?.dispose();
    this.watching = undefined;
  }

  private set(state: BranchState): void {
    this.stateNow = state;
    this.onChange(undefined);
  }
}
