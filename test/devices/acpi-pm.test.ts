/** The ACPI PM1a block and power management timer against ACPI 6.4, 4.8.3. */
import assert from 'node:assert/strict';
import { AcpiPm } from '../../src/devices/acpi-pm';
import { ManualClock } from './manual-clock';

class Bench {
  readonly clock = new ManualClock();
  sci = false;
  readonly sleeps: number[] = [];
  readonly pm: AcpiPm;

  constructor(timerBits: 24 | 32) {
    const sci = (level: boolean): void => void (this.sci = level);
    this.pm = new AcpiPm({ timerBits }, this.clock, { sci, sleep: (type) => this.sleeps.push(type) });
  }
}

describe('ACPI PM block', () => {
  it('counts 3.579545 MHz exactly and wraps at its width', () => {
    for (const bits of [24, 32] as const) {
      const { clock, pm } = new Bench(bits);
      for (const ticks of [0, 279, 280, 1_000_000_000, 3_600_000_000_000, 86_400_000_000_000 * 90]) {
        clock.runTo(ticks);
        const cycles = (BigInt(ticks) * 3_579_545n) / 1_000_000_000n;
        assert.equal(BigInt(pm.timer.read(0, 4)), cycles % (1n << BigInt(bits)));
      }
      assert.equal(pm.timer.read(1, 1), (pm.timer.read(0, 4) >>> 8) & 0xff);
      assert.equal(pm.timer.read(2, 2), pm.timer.read(0, 4) >>> 16);
    }
  });

  it('raises SCI when the highest bit changes, at the exact tick', () => {
    const { clock, pm, ...bench } = new Bench(24);
    const toggle = Number(((1n << 23n) * 1_000_000_000n + 3_579_544n) / 3_579_545n);
    pm.event.write(2, 2, 0x0001);
    assert.equal(clock.next, toggle);
    clock.runTo(toggle - 1);
    assert.equal(pm.event.read(0, 2), 0);
    clock.run(1);
    assert.equal(pm.event.read(0, 2), 1);
    assert.equal(clock.next, Infinity, 'no alarm while the line is high');
    pm.event.write(0, 2, 0x0001);
    assert.equal(pm.event.read(0, 2), 0);
    assert.ok(clock.next > toggle && clock.next <= 2 * toggle);
    assert.deepEqual(bench.sleeps, []);
  });

  it('has a power button with a level SCI', () => {
    const bench = new Bench(32);
    bench.pm.pressPowerButton();
    assert.equal(bench.sci, false);
    bench.pm.event.write(2, 2, 0xffff);
    assert.deepEqual([bench.sci, bench.pm.event.read(0, 2), bench.pm.event.read(2, 2)], [true, 0x100, 0x721]);
    bench.pm.event.write(0, 1, 0xff);
    assert.equal(bench.sci, true, 'the other byte does not clear it');
    bench.pm.event.write(1, 1, 0x01);
    assert.equal(bench.sci, false);
  });

  it('sleeps on SLP_EN with the type; SLP_EN reads 0, SCI_EN 1', () => {
    const { pm, sleeps } = new Bench(32);
    pm.controlPort.write(0, 2, 0x1400);
    assert.deepEqual(sleeps, []);
    assert.equal(pm.controlPort.read(0, 2), 0x1401);
    pm.controlPort.write(0, 2, 0x3402);
    assert.deepEqual(sleeps, [5]);
    assert.equal(pm.controlPort.read(0, 2), 0x1403);
  });
});
