// What a process may take of the host: a share of a core.
import assert from 'node:assert/strict';
import { type Clocks, Limiter } from '../../src/targets/limits';
import { ManualClock } from './manual-clock';

/** Clocks that only work and rests move. */
class ManualClocks extends ManualClock implements Clocks {
  private busy = 0;

  used(): number {
    return this.busy;
  }

  /** A slice of the guest on `threads` threads. */
  work(ms: number, threads = 1): void {
    this.time += ms;
    this.busy += ms * threads;
  }
}

describe('limits of a machine', () => {
  for (const { coreShare, threads } of [
    { coreShare: 0.25, threads: 1 },
    { coreShare: 0.05, threads: 1 },
    { coreShare: 0.5, threads: 2 },
    { coreShare: 1, threads: 1 },
  ])
    it(`keep a share of ${coreShare} of a core with ${threads} busy`, async () => {
      const clocks = new ManualClocks();
      const limiter = new Limiter({ coreShare }, clocks);
      for (let slice = 0; slice < 1000; slice++) {
        clocks.work(10, threads);
        const rest = limiter.rest();
        clocks.passToNext();
        await rest;
      }
      const share = clocks.used() / clocks.now();
      assert.ok(Math.abs(share - coreShare) < 0.01, `${share} of a core`);
    });

  it('let a guest work at once that was idle, but save up no more than a burst', async () => {
    const clocks = new ManualClocks();
    const limiter = new Limiter({ coreShare: 0.5 }, clocks);
    clocks.work(60_000, 0);
    await limiter.rest();
    clocks.work(40);
    await limiter.rest();
    clocks.work(100);
    const rest = limiter.rest();
    assert.ok(clocks.passToNext(), 'no rest');
    await rest;
  });

  it('end a rest at once when the guest shall stop', async () => {
    const clocks = new ManualClocks();
    const limiter = new Limiter({ coreShare: 0.05 }, clocks);
    clocks.work(120);
    const rest = limiter.rest();
    limiter.end();
    await rest;
    assert.equal(clocks.now(), 120);
    assert.equal(clocks.passToNext(), false, 'its timer is still there');
  });

  it('say when there is too much memory, and nothing without a limit', () => {
    assert.match(new Limiter({ hostMemory: 1 }).excess() ?? '', /may take 0 MiB/);
    assert.equal(new Limiter({ hostMemory: 2 ** 40 }).excess(), undefined);
    assert.equal(new Limiter({}).excess(), undefined);
  });
});
