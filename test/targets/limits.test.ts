// What a process may take of the host: a share of a core.
import assert from 'node:assert/strict';
import { Limiter } from '../../src/targets/limits';

/** Takes processor time. */
function work(ms: number): void {
  const start = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(start);
    if (user + system > ms * 1000) return;
  }
}

describe('limits of a machine', () => {
  it('keep the share of a core', async () => {
    const limiter = new Limiter({ coreShare: 0.25 });
    const before = process.cpuUsage();
    const start = performance.now();
    while (performance.now() - start < 800) {
      work(10);
      await limiter.rest();
    }
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - start);
    assert.ok(share < 0.36, `${share} of a core`);
  });

  it('end a rest at once when the guest shall stop', async () => {
    const limiter = new Limiter({ coreShare: 0.05 });
    work(120);
    const start = performance.now();
    const rest = limiter.rest();
    limiter.end();
    await rest;
    assert.ok(performance.now() - start < 100);
  });

  it('say when there is too much memory, and nothing without a limit', () => {
    assert.match(new Limiter({ hostMemory: 1 }).excess() ?? '', /may take 0 MiB/);
    assert.equal(new Limiter({ hostMemory: 2 ** 40 }).excess(), undefined);
    assert.equal(new Limiter({}).excess(), undefined);
  });
});
