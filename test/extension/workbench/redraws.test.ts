// Parts of the tree are drawn anew soon, but never while VS Code asks for rows or takes in those that it was just given.
import assert from 'node:assert/strict';
import { Redraws, TOP } from '../../../src/extension/workbench/tree/redraws';
import { ManualClock } from '../../targets/manual-clock';

function redraws() {
  const clock = new ManualClock();
  const drawn: string[] = [];
  const it = new Redraws<string>(
    (places) => drawn.push(`${clock.now()}: ${places.map((place) => (place === TOP ? 'top' : place)).join(' ')}`),
    clock,
  );
  return { clock, drawn, it };
}

/** VS Code asks, and gets its answer at once. */
const asks = (it: Redraws<string>, place: string | typeof TOP): Promise<void> => it.asked(place, async () => {});

describe('redraws of the tree', () => {
  it('come together', () => {
    const { clock, drawn, it } = redraws();
    for (const branch of ['a', 'b', 'a']) it.want(branch);
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: a b']);
    assert.ok(clock.isIdle);
  });

  it('wait until VS Code has taken in the rows of that branch, and of no other', async () => {
    const { clock, drawn, it } = redraws();
    await asks(it, 'a');
    for (const branch of ['a', 'b']) it.want(branch);
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: b', '250: a']);
    assert.ok(clock.isIdle);
  });

  for (const [what, asked, wanted] of [
    ['a branch', 'a', 'a'],
    ['a branch, and the top is to be drawn', 'a', TOP],
    ['the top', TOP, 'a'],
  ] as const)
    it(`wait for the answer while VS Code asks for ${what}`, async () => {
      const { clock, drawn, it } = redraws();
      let answer = (_rows: string): void => {};
      const asking = it.asked(asked, () => new Promise<string>((resolve) => (answer = resolve)));
      it.want(wanted);
      clock.pass(10_000);
      assert.deepEqual(drawn, []);
      answer('rows');
      assert.equal(await asking, 'rows');
      clock.pass(1000);
      assert.deepEqual(drawn, [`10250: ${wanted === TOP ? 'top' : wanted}`]);
      assert.ok(clock.isIdle);
    });

  it('come though the answer is an error', async () => {
    const { clock, drawn, it } = redraws();
    await assert.rejects(
      it.asked('a', () => Promise.reject(new Error('gone'))),
      { message: 'gone' },
    );
    it.want('a');
    clock.pass(1000);
    assert.deepEqual(drawn, ['250: a']);
  });

  it('wait for the last of several answers', async () => {
    const { clock, drawn, it } = redraws();
    let answer = (): void => {};
    const asking = it.asked('a', () => new Promise<void>((resolve) => (answer = resolve)));
    await asks(it, 'a');
    it.want('a');
    clock.pass(1000);
    assert.deepEqual(drawn, []);
    answer();
    await asking;
    clock.pass(1000);
    assert.deepEqual(drawn, ['1250: a']);
  });

  it('wait again if rows are given while they wait', async () => {
    const { clock, drawn, it } = redraws();
    it.want('a');
    clock.pass(40);
    await asks(it, 'a');
    clock.pass(200);
    await asks(it, 'a');
    clock.pass(1000);
    assert.deepEqual(drawn, ['490: a']);
  });

  it('leave VS Code the time to ask', () => {
    const { clock, drawn, it } = redraws();
    for (let change = 0; change < 40; change++) {
      it.want('a');
      clock.pass(10);
    }
    clock.pass(1000);
    assert.deepEqual(drawn, ['50: a', '300: a', '550: a']);
  });

  it('end', () => {
    const { clock, drawn, it } = redraws();
    it.want('a');
    it.dispose();
    clock.pass(1000);
    assert.deepEqual(drawn, []);
  });
});
