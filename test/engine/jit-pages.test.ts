// Code that calls into another page runs compiled as it does interpreted, whatever becomes of that page: mapped elsewhere,
// changed, taken away, or with a breakpoint in it.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EAGER_JIT } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { le32 } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const CALLEE = CODE + PAGE + 0x800;
const OTHER = 0x40000;
const STACK = 0x60800;
const [AX, CX, SP] = [0, 1, 4];
const ROUNDS = 100;
const SUM = 5050n;
const HLT = 0xf4;
const INSTRUCTIONS = 5 * ROUNDS;

/** again: call CALLEE; dec rcx; jnz again; hlt */
const LOOP = [0xe8, ...le32(CALLEE - (CODE + 5)), 0x48, 0xff, 0xc9, 0x75, 0xf6, HLT];
/** add rax, rcx; ret */
const ADD = [0x48, 0x01, 0xc8, 0xc3];
/** sub rax, rcx; ret */
const SUBTRACT = [0x48, 0x29, 0xc8, 0xc3];

function prepare(rig: Rig): void {
  rig.state.setGeneral(AX, 0n);
  rig.state.setGeneral(CX, BigInt(ROUNDS));
  rig.state.setGeneral(SP, BigInt(STACK));
  rig.state.rip = BigInt(CODE);
}

/** A rig in which the loop with its callee has run compiled. */
function compiled(threshold: number, breakpointHit?: () => boolean): Rig {
  const rig = longRig({ jit: { ...EAGER_JIT, threshold }, ...(breakpointHit && { breakpointHit }) });
  rig.memory.write(CODE, Uint8Array.from(LOOP));
  rig.memory.write(CALLEE, Uint8Array.from(ADD));
  for (let turn = 0; turn < 2; turn++) {
    prepare(rig);
    assert.equal(rig.interpreter.run(10_000), Outcome.Stop);
    assert.equal(rig.state.general(AX), SUM);
    assert.equal(rig.interpreter.completed, INSTRUCTIONS);
  }
  const { instructions } = rig.interpreter.compileCounts;
  assert.ok(instructions >= 5, `${instructions} instructions compiled`);
  prepare(rig);
  return rig;
}

for (const threshold of [1, 3]) {
  describe(`a compiled call into another page, threshold ${threshold}`, () => {
    const changes: Readonly<Record<string, (rig: Rig) => void>> = {
      'mapped elsewhere': (rig) => {
        rig.memory.write(OTHER + (CALLEE % PAGE), Uint8Array.from(SUBTRACT));
        rig.setEntry(ROOT, CALLEE & ~(PAGE - 1), BigInt(OTHER) | 7n);
      },
      'changed from outside': (rig) => rig.memory.write(CALLEE, Uint8Array.from(SUBTRACT)),
    };
    for (const [what, change] of Object.entries(changes)) {
      it(`sees the page ${what}`, () => {
        const rig = compiled(threshold);
        change(rig);
        assert.equal(rig.interpreter.run(10_000), Outcome.Stop);
        assert.equal(BigInt.asIntN(64, rig.state.general(AX)), -SUM);
        assert.equal(rig.interpreter.completed, INSTRUCTIONS);
      });
    }

    it('faults in the page when it goes', () => {
      const rig = compiled(threshold);
      rig.setEntry(ROOT, CALLEE & ~(PAGE - 1), 0n);
      assert.equal(rig.interpreter.run(10_000), Outcome.Fault);
      assert.equal(rig.state.word(STATE.faultVector), 14);
      assert.equal(rig.state.rip, BigInt(CALLEE));
      assert.equal(rig.interpreter.completed, 1);
    });

    it('stops at a breakpoint in the page', () => {
      let hits = 0;
      const rig = compiled(threshold, () => ++hits > 3);
      rig.interpreter.setBreakpoints([BigInt(CALLEE + 3)]);
      assert.equal(rig.interpreter.run(10_000), Outcome.Stop);
      assert.equal(rig.state.rip, BigInt(CALLEE + 3));
      assert.equal(rig.interpreter.completed, 3 * 5 + 2);
      assert.equal(rig.state.general(AX), 100n + 99n + 98n + 97n);
    });

    it('returns to where the stack says', () => {
      const rig = compiled(threshold);
      // mov qword [rsp], target; add rax, rcx; ret: past the decrement and the jump
      const target = CODE + 10;
      const detour = [0x48, 0xc7, 0x04, 0x24, ...le32(target), ...ADD];
      rig.memory.write(CALLEE, Uint8Array.from(detour));
      assert.equal(rig.interpreter.run(10_000), Outcome.Stop);
      assert.equal(rig.state.rip, BigInt(target));
      assert.equal(rig.interpreter.completed, 4);
      assert.equal(rig.state.general(AX), 100n);
    });

    it('ends runs after every number of instructions', () => {
      const rig = compiled(threshold);
      for (let budget = 1; budget < 30; budget++) {
        prepare(rig);
        let completed = 0;
        for (;;) {
          const outcome = rig.interpreter.run(budget);
          completed += rig.interpreter.completed;
          if (outcome === Outcome.Stop) break;
          assert.equal(rig.interpreter.completed, budget);
          const places = [CODE, CALLEE, CALLEE + 3, CODE + 5, CODE + 8];
          assert.equal(rig.state.rip, BigInt(completed === INSTRUCTIONS ? CODE + 10 : places[completed % 5]!));
        }
        assert.equal(completed, INSTRUCTIONS);
        assert.equal(rig.state.general(AX), SUM);
      }
    });
  });
}
