// A provider's tree as a view holds it: read again when the provider says that something changed, and not otherwise.
import type { Disposable } from '../../../src/inventory/disposable';
import type { InventoryChange, Item, Provider } from '../../../src/inventory/provider';

/** What a call may take in these tests. */
export const patience = (): AbortSignal => AbortSignal.timeout(180_000);

/** What of a provider a tree needs. */
export type TreeSource = Pick<Provider, 'children' | 'watch'>;

/** All rows under these, groups and what is in them. */
export async function rowsBelow(provider: TreeSource, ...parents: readonly string[]): Promise<Item[]> {
  const rows: Item[] = [];
  for (const parent of parents) {
    const found = await provider.children(parent, patience());
    const nested = await Promise.all(found.filter((row) => row.hasChildren).map(({ id }) => rowsBelow(provider, id)));
    rows.push(...found, ...nested.flat());
  }
  return rows;
}

/** A provider that is watched. */
export class WatchedTree implements Disposable {
  readonly changes: InventoryChange[] = [];
  readonly losses: Error[] = [];
  private readonly watch: Disposable;
  private wake: () => void = () => undefined;

  constructor(
    readonly provider: TreeSource,
    private readonly parents: readonly string[],
  ) {
    this.watch = provider.watch(
      (change) => {
        this.changes.push(change);
        this.wake();
      },
      (why) => this.losses.push(why),
    );
  }

  /**
   * Does something, then waits until the rows satisfy the condition: they are read when a change is told, never by time.
   * Rejects past that many milliseconds after `work` was done.
   */
  async after(work: () => Promise<unknown>, condition: (rows: Item[]) => boolean, limit = 1000): Promise<Item[]> {
    const from = this.changes.length;
    await work();
    const end = Date.now() + limit;
    for (let seen = from; ;) {
      if (this.changes.length > seen) {
        seen = this.changes.length;
        const rows = await rowsBelow(this.provider, ...this.parents);
        if (condition(rows)) return rows;
      } else if (!(await this.nextChange(end - Date.now()))) {
        const rows = await rowsBelow(this.provider, ...this.parents);
        const text = rows.map(({ label, description }) => `${label} (${description})`).join(', ');
        const told = `${this.changes.length - from} changes were told; ${condition(rows) ? 'it was true, but untold' : 'it is not so'}`;
        throw new Error(`Not told within ${limit} ms: ${condition}; ${told}: ${text}`);
      }
    }
  }

  dispose(): void {
    this.watch.dispose();
  }

  private nextChange(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, milliseconds));
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
