// A clock that only the test moves.
import type { HostClock } from '../../src/targets/host-clock';

export class ManualClock implements HostClock {
  protected time = 0;
  private readonly due = new Map<object, { readonly at: number; done(): void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, done: () => void): () => void {
    const key = {};
    this.due.set(key, { at: this.time + ms, done });
    return () => this.due.delete(key);
  }

  /** Lets some time go by. */
  pass(ms: number): void {
    const end = this.time + ms;
    while (this.passToNext(end));
    this.time = end;
  }

  /** Lets the time go by until somebody is called back, by `end` at the latest; false if nobody is. */
  passToNext(end = Infinity): boolean {
    const [next] = [...this.due].sort(([, a], [, b]) => a.at - b.at);
    if (!next || next[1].at > end) return false;
    const [key, { at, done }] = next;
    this.due.delete(key);
    this.time = Math.max(this.time, at);
    done();
    return true;
  }

  get isIdle(): boolean {
    return this.due.size === 0;
  }
}
