/** Gathers changes that come close together, so that a burst of events makes one update of the tree. */
import type { Disposable } from './disposable';
import type { InventoryChange } from './provider';

const WINDOW_MS = 10;
// Past this many rows, reading everything again is cheaper than reading them one by one.
const MANY = 200;

/** Collects ids for a moment, then calls `flush` with all of them; never two flushes at once. */
export class ChangeBatch implements Disposable {
  private readonly ids = new Set<string>();
  private all = false;
  private timer: NodeJS.Timeout | undefined;
  private isFlushing = false;
  private isDisposed = false;

  /** `flush` must not reject. */
  constructor(private readonly flush: (change: InventoryChange) => Promise<void> | void) {}

  add(...ids: readonly string[]): void {
    for (const id of ids) this.ids.add(id);
    this.schedule();
  }

  addAll(): void {
    this.all = true;
    this.schedule();
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.isDisposed || this.isFlushing) return;
    this.timer ??= setTimeout(() => void this.run(), WINDOW_MS);
  }

  private async run(): Promise<void> {
    this.timer = undefined;
    const change = this.all || this.ids.size > MANY ? 'all' : [...this.ids];
    this.ids.clear();
    this.all = false;
    this.isFlushing = true;
    await this.flush(change);
    this.isFlushing = false;
    if (this.all || this.ids.size > 0) this.schedule();
  }
}
