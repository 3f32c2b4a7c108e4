/**
 * Instruction breakpoints by linear address, of whoever sets them. A page with breakpoints has a variant of its own for
 * each set of them: blocks of different variants are different blocks, so that nothing else pays for the checks.
 */

/**
 * Who wants a breakpoint: the debugger, which stops the run, for its user or (`marks`) to find out where a step ends; or
 * DR0-DR3, which raise #DB.
 */
export type BreakpointSource = 'debugger' | 'marks' | 'processor';

const SOURCES: readonly BreakpointSource[] = ['debugger', 'marks', 'processor'];

export class Breakpoints {
  private readonly sets: Readonly<Record<BreakpointSource, Set<bigint>>> = {
    debugger: new Set(),
    marks: new Set(),
    processor: new Set(),
  };
  /** By linear page number: how many there are, and a number that is new for each change of the page's set. */
  private readonly pages = new Map<bigint, { readonly count: number; readonly variant: number }>();
  private variants = 0;

  /** True when there is none. */
  get isEmpty(): boolean {
    return SOURCES.every((source) => this.sets[source].size === 0);
  }

  /** Replaces the breakpoints of `source`, by linear address (unsigned 64 bits). */
  replace(source: BreakpointSource, addresses: Iterable<bigint>): void {
    const set = this.sets[source];
    const after = new Set(addresses);
    for (const address of [...set]) {
      if (after.has(address)) continue;
      set.delete(address);
      this.change(address >> 12n, -1);
    }
    for (const address of after) {
      if (set.has(address)) continue;
      set.add(address);
      this.change(address >> 12n, 1);
    }
  }

  /** True when `source` has a breakpoint at `linear`. */
  has(source: BreakpointSource, linear: bigint): boolean {
    return this.sets[source].has(linear);
  }

  /** True when the debugger has one there, for its user or for itself. */
  stopsAt(linear: bigint): boolean {
    return this.sets.debugger.has(linear) || this.sets.marks.has(linear);
  }

  /** True when anybody has one there. */
  isAt(linear: bigint): boolean {
    return SOURCES.some((source) => this.sets[source].has(linear));
  }

  /** The variant of the page of `linear`: 0 without breakpoints. */
  variant(linear: bigint): number {
    return this.pages.get(linear >> 12n)?.variant ?? 0;
  }

  /** A breakpoint of the page appears (1) or goes (-1). */
  private change(page: bigint, difference: 1 | -1): void {
    const count = (this.pages.get(page)?.count ?? 0) + difference;
    if (count === 0) this.pages.delete(page);
    else this.pages.set(page, { count, variant: ++this.variants });
  }
}
