// Branches of the tree are drawn anew soon, but never while VS Code takes in the rows that it was just given.
import assert from 'node:assert/strict';
import { Redraws } from '../../../src/extension/workbench/tree/redraws';
import { ManualClock } from '../../targets/manual-clock';

function redraws() {
  const clock = new ManualClock();
  const drawn: string[] = [];
  const it = new Redraws<string>((branches) => drawn.push(`${clock.now()}: ${branches.join(' ')}`), clock);
  return { clock, drawn, it };
}

describe('redraws of the tree', () => {
  it('come together', () => {
    const { clock, drawn, it } = redraws();
    for (const branch of ['a', 'b', 'a']) it.want(branch);
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: a b']);
    assert.ok(clock.isIdle);
  });

  it('wait until VS Code has taken in the rows of that branch, and of no other', () => {
    const { clock, drawn, it } = redraws();
    it.given('a');
    for (const branch of ['a', 'b']) it.want(branch);
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: b', '250: a']);
    assert.ok(clock.isIdle);
  });

  it('wait again if rows are given while they wait', () => {
    const { clock, drawn, it } = redraws();
    it.want('a');
    clock.pass(40);
    it.given('a');
    clock.pass(200);
    it.given('a');
    clock.pass(1000);
    assert.deepEqual(drawn, ['490: a']);
  });

  it('come for changes that follow each draw', () => {
    const { clock, drawn, it } = redraws();
    for (let change = 0; change < 20; change++) {
      it.want('a');
      clock.pass(10);
    }
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: a', '100: a', '150: a', '200: a']);
  });

  it('end', () => {
    const { clock, drawn, it } = redraws();
    it.want('a');
    it.dispose();
    clock.pass(1000);
    assert.deepEqual(drawn, []);
  });
});
