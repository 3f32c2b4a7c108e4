// The order of alarms: by tick, then by the rank of who set them, then as they were set.
import assert from 'node:assert/strict';
import { MachineClock } from '../../src/machine/clock';

type Setting = readonly [name: string, tick: number, rank: number];

const CASES: readonly (readonly [what: string, settings: readonly Setting[], order: string])[] = [
  ['by tick', [['a', 9, 0], ['b', 5, 1], ['c', 7, 2]], 'bca'],
  ['of one tick by rank', [['a', 5, 2], ['b', 5, 0], ['c', 5, 1]], 'bca'],
  ['of one tick and rank as they were set', [['a', 5, 1], ['b', 5, 1], ['c', 5, 0]], 'cab'],
  ['without a rank before others', [['a', 5, 1], ['b', 5, 0]], 'ba'],
]; // prettier-ignore

describe('machine clock', () => {
  for (const [what, settings, order] of CASES) {
    it(`calls alarms ${what}`, () => {
      const clock = new MachineClock();
      let called = '';
      for (const [name, tick, rank] of settings) clock.ranked(rank).at(tick, () => (called += name));
      clock.skipTo(100);
      clock.advance();
      assert.equal(called, order);
    });
  }

  it('tells ranked clocks the time, and cancels', () => {
    const clock = new MachineClock();
    const ranked = clock.ranked(3);
    const alarm = ranked.at(10, () => assert.fail('cancelled'));
    assert.equal(clock.deadline, 10);
    alarm.cancel();
    assert.equal(clock.deadline, Infinity);
    clock.skipTo(20);
    clock.retire();
    clock.advance();
    assert.equal(ranked.ticks, 21);
  });

  it('calls alarms at their own ticks, however many are due', () => {
    const clock = new MachineClock();
    const ranked = clock.ranked(1);
    const seen: number[] = [];
    const again = (): void => {
      seen.push(ranked.ticks, clock.ticks);
      if (ranked.ticks < 200) ranked.at(ranked.ticks + 70, again);
    };
    ranked.at(10, again);
    clock.skipTo(100);
    clock.advance();
    assert.deepEqual(seen, [10, 10, 80, 80]);
    assert.equal(clock.ticks, 100);
    assert.equal(clock.deadline, 150);
  });
});
