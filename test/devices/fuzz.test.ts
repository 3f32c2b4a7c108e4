/**
 * Random port accesses, inputs and times on every device: nothing throws, values fit their width, `peek` says what
 * `read` will say and changes nothing, and a device restored from a snapshot in a fresh board goes on as the one that
 * was saved. Seeds are fixed: a failure names its device and seed.
 */
import assert from 'node:assert/strict';
import { ManualClock } from './manual-clock';
import { RIGS } from './rigs';
import type { Rig } from './rigs';

const SEEDS = 8;
const STEPS = 400;

/** A 32-bit xorshift generator. */
function generator(seed: number): () => number {
  let state = (seed * 0x9e3779b9 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) & 0x7fffffff;
  };
}

class Run {
  readonly log: string[] = [];
  readonly rig: Rig;

  constructor(
    make: (typeof RIGS)[string],
    readonly clock: ManualClock,
  ) {
    this.rig = make(clock, (text) => this.log.push(`${this.clock.ticks}: ${text}`));
    for (const part of this.rig.parts) part.reset();
  }

  state(): unknown[] {
    return this.rig.parts.map((part) => part.save());
  }

  step(random: () => number): void {
    const choice = random() % 8;
    const longest = Math.min(this.rig.longestStep ?? Infinity, TIMES[random() % TIMES.length]!);
    if (choice === 0) this.clock.run(1 + (random() % longest));
    else if (choice === 1 && this.rig.inputs.length > 0) {
      const input = this.rig.inputs[random() % this.rig.inputs.length]!;
      this.log.push(`input: ${String(input(random()))}`);
    } else this.access(random, choice < 5);
    if (random() % 400 === 0) for (const part of this.rig.parts) part.reset();
  }

  private access(random: () => number, write: boolean): void {
    const { target, length, sizes } = this.rig.ranges[random() % this.rig.ranges.length]!;
    const fitting = sizes.filter((size) => size <= length);
    const size = fitting[random() % fitting.length]!;
    const offset = random() % (length - size + 1);
    if (write)
      return target.write(offset, size, random() % 2 ? random() % 2 ** (8 * size) : 1 << (random() % (8 * size)));
    const before = this.state();
    const peeked = target.peek(offset, size);
    assert.deepEqual(this.state(), before, `peek at +${offset} changes the state`);
    const value = target.read(offset, size);
    if (size === 1) assert.equal(peeked, value, `peek and read at +${offset} differ`);
    assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * size), `read gives ${value}`);
    this.log.push(`read ${offset}/${size}: ${value}`);
  }
}

/** Upper ends of time steps in ticks: within a cycle, within a period, past seconds. */
const TIMES = [100, 5_000, 2_000_000, 1_500_000_000] as const;

describe('devices under random accesses', () => {
  for (const [name, make] of Object.entries(RIGS)) {
    it(`${name} never throws and survives save and restore`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = generator(seed);
        const first = new Run(make, new ManualClock());
        for (let i = 0; i < STEPS; i++) first.step(random);
        const saved = structuredClone(first.state());
        const second = new Run(make, new ManualClock(first.clock.ticks));
        second.rig.parts.forEach((part, i) => part.restore(saved[i]));
        assert.deepEqual(second.state(), saved, `${name}, seed ${seed}: restore and save again`);
        first.log.length = second.log.length = 0;
        const [a, b] = [generator(seed + 1000), generator(seed + 1000)];
        for (let i = 0; i < STEPS; i++) {
          first.step(a);
          second.step(b);
        }
        assert.deepEqual(second.log, first.log, `${name}, seed ${seed}: outputs after restore`);
        assert.deepEqual(second.state(), first.state(), `${name}, seed ${seed}: state after restore`);
      }
    });
  }
});

describe('every device', () => {
  for (const [name, make] of Object.entries(RIGS).filter(([name]) => name !== 'debug-exit')) {
    it(`${name} describes registers whose values fit and whose fields lie within, and refuses other versions`, () => {
      const random = generator(7);
      const run = new Run(make, new ManualClock());
      for (let i = 0; i < STEPS; i++) run.step(random);
      const before = run.state();
      for (const part of run.rig.parts) {
        const description = part.describe();
        assert.ok(description.registers.length > 0);
        for (const { name: register, width, value, fields = [] } of description.registers) {
          assert.ok(value >= 0n && value < 1n << BigInt(width), `${register} = ${value} needs more than ${width} bits`);
          for (const { high, low } of fields)
            assert.ok(low <= high && high < width, `${register}: field ${high}:${low}`);
        }
        assert.throws(() => part.restore({ version: 99 }), { name: 'UserError', code: 'snapshot-version' });
      }
      assert.deepEqual(run.state(), before, 'describe changes the state');
    });
  }
});
