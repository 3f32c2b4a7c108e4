// The loop over slices: what ends it, what it passes over, and how it waits.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import type { RunResult } from '../../src/machine/run-result';
import { type LoopMachine, MachineLoop } from '../../src/targets/machine-loop';

const MS = 1_000_000;

/** A machine that plays results; each slice completes as many instructions as it may. */
function machine(...results: RunResult[]): LoopMachine & { ticks: number; instructions: number } {
  const played = {
    instructions: 0,
    ticks: 0,
    clock: { skipTo: (tick: number) => void (played.ticks = Math.max(played.ticks, tick)) },
    run: (instructions: number): RunResult => {
      const result = results.shift() ?? { reason: 'budget' };
      if (result.reason === 'budget') {
        played.instructions += instructions;
        played.ticks += instructions;
      }
      return result;
    },
  };
  return played;
}

describe('machine loop', () => {
  it('runs through slices to a breakpoint', async () => {
    const loop = new MachineLoop(
      machine({ reason: 'budget' }, { reason: 'budget' }, { reason: 'breakpoint', linear: 7n }),
    );
    let between = 0;
    const end = await loop.run(Infinity, () => {
      between++;
      return false;
    });
    assert.deepEqual([end, between], [{ reason: 'breakpoint', linear: 7n }, 3]);
  });

  it('runs exactly as many instructions as it is given', async () => {
    const played = machine();
    assert.deepEqual(await new MachineLoop(played).run(1_234_567), { reason: 'limit' });
    assert.equal(played.instructions, 1_234_567);
  });

  it('stops when asked, also before it begins', async () => {
    const loop = new MachineLoop(machine());
    setTimeout(() => loop.stop(), 5);
    assert.deepEqual(await loop.run(Infinity), { reason: 'stop requested' });
    loop.stop();
    assert.deepEqual(await loop.run(Infinity), { reason: 'stop requested' });
  });

  it('lets other work in', async () => {
    const loop = new MachineLoop(machine());
    setImmediate(() => loop.stop());
    assert.deepEqual(await loop.run(Infinity), { reason: 'stop requested' });
  });

  it('waits as long as an idle guest sleeps, and passes exactly its ticks', async () => {
    const played = machine({ reason: 'idle', wake: 30 * MS }, { reason: 'powered off' });
    const start = performance.now();
    assert.deepEqual(await new MachineLoop(played).run(Infinity), { reason: 'powered off' });
    const waited = performance.now() - start;
    assert.ok(waited > 25 && waited < 2_000, `${waited} ms`);
    assert.equal(played.ticks, 30 * MS);
  });

  it('saves short sleeps up', async () => {
    const naps = Array.from({ length: 40 }, (_, index): RunResult => ({
      reason: 'idle',
      wake: (index + 1) * (MS / 2),
    }));
    const played = machine(...naps, { reason: 'powered off' });
    const start = performance.now();
    await new MachineLoop(played).run(Infinity);
    assert.ok(performance.now() - start > 12, 'about 20 ms in all');
    assert.equal(played.ticks, 20 * MS);
  });

  it('an input ends a sleep early, and as much time has passed as was slept', async () => {
    const played = machine({ reason: 'idle', wake: 3_600_000 * MS }, { reason: 'powered off' });
    const loop = new MachineLoop(played);
    setTimeout(() => loop.wake(), 20);
    await loop.run(Infinity);
    assert.ok(played.ticks > 10 * MS && played.ticks < 5_000 * MS, String(played.ticks));
  });

  it('does not sleep over an input that comes while it passes the last one on', async () => {
    const idle: RunResult = { reason: 'idle', wake: undefined };
    const loop = new MachineLoop(machine(idle, idle, { reason: 'powered off' }));
    let rounds = 0;
    const end = await loop.run(Infinity, async () => {
      rounds++;
      // First an input is there; then one comes during the wait for the output's reader.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (rounds === 2) loop.wake();
      return rounds === 1;
    });
    assert.equal(end.reason, 'powered off');
  });

  it('a guest that only an input can wake sleeps until then, or never wakes', async () => {
    const idle: RunResult = { reason: 'idle', wake: undefined };
    const loop = new MachineLoop(machine(idle, { reason: 'powered off' }));
    setTimeout(() => loop.wake(), 10);
    assert.equal((await loop.run(Infinity)).reason, 'powered off');
    assert.equal((await new MachineLoop(machine(idle), () => false).run(Infinity)).reason, 'halted');
  });
});
