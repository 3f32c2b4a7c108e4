/**
 * Instruction breakpoints by linear address, of whoever sets them. A page with breakpoints has a variant of its own for
 * each set of them: blocks of different variants are different blocks, so that nothing else pays for the checks.
 */

/** Who wants a breakpoint: the debugger, which stops the run, or DR0-DR3, which raise #DB. */
export type BreakpointSource = 'debugger' | 'processor';

export class Breakpoints {
  private readonly sets: Readonly<Record<BreakpointSource, Set<bigint>>> = {
    debugger: new Set(),
    processor: new Set(),
  };
  /** By linear page number; the value is new for each change of the page's set. */
  private readonly pages = new Map<bigint, number>();
  private variants = 0;

  /** True when there is none. */
  get isEmpty(): boolean {
    return this.sets.debugger.size + this.sets.processor.size === 0;
  }

  /** Replaces the breakpoints of `source`, by linear address (unsigned 64 bits). */
  replace(source: BreakpointSource, addresses: Iterable<bigint>): void {
    const before = this.sets[source];
    const after = new Set(addresses);
    before.forEach((address) => !after.has(address) && this.touch(address));
    after.forEach((address) => !before.has(address) && this.touch(address));
    before.clear();
    after.forEach((address) => before.add(address));
    const used = new Set([...this.sets.debugger, ...this.sets.processor].map((address) => address >> 12n));
    for (const page of [...this.pages.keys()]) if (!used.has(page)) this.pages.delete(page);
  }

  /** True when `source` has a breakpoint at `linear`. */
  has(source: BreakpointSource, linear: bigint): boolean {
    return this.sets[source].has(linear);
  }

  /** True when anybody has one there. */
  isAt(linear: bigint): boolean {
    return this.has('debugger', linear) || this.has('processor', linear);
  }

  /** The variant of the page of `linear`: 0 without breakpoints. */
  variant(linear: bigint): number {
    return this.pages.get(linear >> 12n) ?? 0;
  }

  private touch(address: bigint): void {
    this.pages.set(address >> 12n, ++this.variants);
  }
}
