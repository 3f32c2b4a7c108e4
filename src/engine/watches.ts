/**
 * Watched ranges of linear addresses. A page with a watch in it gets no TLB tag for the accesses that may meet it, so that
 * they take the slow path, which tells what it does. What meets a watch is kept until the instruction (or event delivery)
 * is over: only if it completes has the access happened. Without watches nobody asks.
 */

/** Who wants to know: the debugger, or DR0-DR3. */
export type WatchSource = 'debugger' | 'processor';

/** One watched range. */
export interface Watch {
  /** Linear address of the first byte, unsigned 64 bits. */
  readonly linear: bigint;
  /** Bytes, at least 1. */
  readonly length: number;
  /** Reads count, too; writes always do. */
  readonly reads: boolean;
}

/** An access that met a watch. */
export interface WatchedAccess {
  /** Linear address of its first byte, unsigned 64 bits. Accesses never wrap: one that does is two. */
  readonly linear: bigint;
  readonly bytes: number;
  readonly isWrite: boolean;
  /** A write whose instruction reads the old content first. */
  readonly readsFirst: boolean;
}

/** What of a page is watched, for the TLB: bits. */
export const WATCHED = { writes: 1, reads: 2 } as const;

const NONE: readonly WatchedAccess[] = [];

export class Watches {
  private readonly bySource = new Map<WatchSource, readonly Watch[]>();
  private all: readonly Watch[] = [];
  /** `WATCHED` bits by linear page number. */
  private readonly pages = new Map<bigint, number>();
  private met: WatchedAccess[] = [];

  /** True when nobody watches anything. */
  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** Replaces what `source` watches. */
  replace(source: WatchSource, watches: readonly Watch[]): void {
    this.bySource.set(source, [...watches]);
    this.all = [...this.bySource.values()].flat();
    this.pages.clear();
    for (const { linear, length, reads } of this.all) {
      const bits = WATCHED.writes | (reads ? WATCHED.reads : 0);
      for (let page = linear >> 12n; page <= (linear + BigInt(length - 1)) >> 12n; page++) {
        this.pages.set(page, (this.pages.get(page) ?? 0) | bits);
      }
    }
  }

  /** `WATCHED` bits of the page of `linear`. */
  ofPage(linear: bigint): number {
    return this.pages.get(linear >> 12n) ?? 0;
  }

  /** Keeps the access if it meets a watch, and says so. */
  note(access: WatchedAccess): boolean {
    const { linear, bytes, isWrite } = access;
    const isMet = this.all.some(
      (watch) =>
        (isWrite || watch.reads) &&
        linear < watch.linear + BigInt(watch.length) &&
        watch.linear < linear + BigInt(bytes),
    );
    if (isMet) this.met.push(access);
    return isMet;
  }

  /** Gives the accesses that met a watch since the last call, in order, and forgets them. */
  take(): readonly WatchedAccess[] {
    if (this.met.length === 0) return NONE;
    const { met } = this;
    this.met = [];
    return met;
  }
}
