// Breakpoints stand at linear addresses: not in memory, not in other mappings of the same page.

import assert from 'node:assert/strict';
import { Outcome } from '../../src/isa/slow';
import { le32 } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
/** mov ecx, 5; again: inc eax; dec ecx; jnz again; hlt */
const LOOP = [0xb9, ...le32(5), 0xff, 0xc0, 0xff, 0xc9, 0x75, 0xfa, 0xf4];
const INC = CODE + 5;

function rigWith(hits: bigint[], stops: () => boolean): Rig {
  const rig = longRig({
    breakpointHit: (linear) => {
      hits.push(linear);
      return stops();
    },
  });
  rig.memory.write(CODE, Uint8Array.from(LOOP));
  rig.state.setGeneral(0, 0n);
  return rig;
}

describe('breakpoints', () => {
  it('stop before the instruction, each time, and go on when they are passed', () => {
    const hits: bigint[] = [];
    let passing = false;
    const rig = rigWith(hits, () => !passing);
    rig.interpreter.setBreakpoints([BigInt(INC)]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(INC));
    assert.equal(rig.state.general(0), 0n);
    assert.equal(rig.interpreter.completed, 1);
    passing = true;
    assert.equal(rig.interpreter.run(3), Outcome.Budget); // inc, dec, jnz
    passing = false;
    assert.equal(rig.interpreter.run(100), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(INC));
    assert.equal(rig.state.general(0), 1n);
    assert.equal(rig.interpreter.completed, 0);
  });

  it('are asked once for each time round', () => {
    const hits: bigint[] = [];
    const rig = rigWith(hits, () => false);
    rig.interpreter.setBreakpoints([BigInt(INC)]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.deepEqual(
      hits,
      Array.from({ length: 5 }, () => BigInt(INC)),
    );
    assert.equal(rig.interpreter.completed, 16);
  });

  it('leave counts and state as they are without them', () => {
    for (const budget of [1, 2, 3, 5, 1000]) {
      const rig = rigWith([], () => false);
      rig.interpreter.setBreakpoints([CODE, INC, INC + 2, INC + 4].map(BigInt));
      rig.state.rip = BigInt(CODE);
      let completed = 0;
      let outcome: Outcome;
      do {
        outcome = rig.interpreter.run(budget);
        completed += rig.interpreter.completed;
      } while (outcome === Outcome.Budget);
      assert.equal(completed, 16);
      assert.equal(rig.state.general(0), 5n);
    }
  });

  it('appear and go while code is cached', () => {
    const hits: bigint[] = [];
    const rig = rigWith(hits, () => true);
    rig.run(CODE);
    assert.deepEqual(hits, []);
    rig.interpreter.setBreakpoints([BigInt(INC + 2)]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(INC + 2));
    rig.interpreter.setBreakpoints([]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(CODE + LOOP.length - 1)); // HLT
  });

  it('are not seen through another mapping of the page', () => {
    const hits: bigint[] = [];
    const rig = rigWith(hits, () => true);
    rig.setEntry(ROOT, 0x50000, BigInt(CODE) | 7n);
    rig.interpreter.setBreakpoints([BigInt(INC)]);
    rig.run(0x50000);
    assert.deepEqual(hits, []);
    assert.equal(rig.state.rip, BigInt(0x50000 + LOOP.length - 1));
    rig.run(CODE);
    assert.equal(rig.state.rip, BigInt(INC));
  });

  it('stay when the code below them changes', () => {
    const hits: bigint[] = [];
    const rig = rigWith(hits, () => true);
    rig.interpreter.setBreakpoints([BigInt(INC)]);
    rig.run(CODE);
    rig.memory.write(INC, Uint8Array.from([0x90, 0x90]));
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(INC));
  });

  it('work for an instruction that crosses a page', () => {
    const hits: bigint[] = [];
    const rig = rigWith(hits, () => true);
    const at = CODE + PAGE - 2;
    rig.memory.write(at - 1, Uint8Array.from([0x90, ...LOOP]));
    rig.interpreter.setBreakpoints([BigInt(at)]);
    assert.equal(rig.run(at - 1), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(at));
    assert.equal(rig.interpreter.completed, 1);
  });

  it('do not change memory', () => {
    const rig = rigWith([], () => true);
    rig.interpreter.setBreakpoints([BigInt(INC)]);
    rig.run(CODE);
    assert.deepEqual([...rig.memory.read(CODE, LOOP.length)], LOOP);
  });
});
