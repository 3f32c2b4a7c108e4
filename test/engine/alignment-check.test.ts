// STAC and CLAC, interpreted and beside compiled code: which accesses they allow, and that the words which follow from
// EFLAGS.AC are those that `updateMode` computes. Source: SDM Vol. 2, STAC, CLAC; Vol. 3A 4.6.1.
import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR4, EFLAGS, updateMode } from '../../src/cpu/mode';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { longRig, ROOT, type Rig } from './rig';

const CODE = 0x10000;
const USER = 0x40000;
const [AX, SI] = [0, 6];
const PAGE_FAULT = 14;
const INVALID_OPCODE = 6;
const STAC = [0x0f, 0x01, 0xcb];
const CLAC = [0x0f, 0x01, 0xca];
/** mov al, [rsi] */
const LOAD = [0x8a, 0x06];
const HLT = 0xf4;
const SUPERVISOR = 3n;

for (const [how, jit] of Object.entries({ interpreted: NO_JIT, 'beside compiled code': EAGER_JIT })) {
  /** A rig with SMAP, code in a supervisor page, RSI in a user page. */
  const ready = (code: readonly number[], cr4: number = CR4.SMAP): Rig => {
    const rig = longRig({ jit });
    rig.setEntry(ROOT, CODE, BigInt(CODE) | SUPERVISOR);
    rig.memory.write(CODE, Uint8Array.from(code));
    rig.memory.write8(USER, 0x5a);
    rig.enterLong(ROOT, { cr4: CR4.PAE | CR4.OSFXSR | cr4 });
    rig.state.setGeneral(SI, BigInt(USER));
    rig.state.setGeneral(AX, 0n);
    return rig;
  };

  describe(`STAC and CLAC, ${how}`, () => {
    it('let supervisor code read user pages and take that back, time and again', () => {
      const rig = ready([...STAC, ...LOAD, ...CLAC, HLT]);
      for (let times = 0; times < 4; times++) {
        rig.state.setGeneral(AX, 0n);
        assert.equal(rig.run(CODE), Outcome.Stop);
        assert.equal(rig.state.general(AX), 0x5an);
        assert.equal(rig.run(CODE + STAC.length), Outcome.Fault);
        assert.equal(rig.state.word(STATE.faultVector), PAGE_FAULT);
      }
    });

    it('fault behind CLAC though the page was read before it', () => {
      const rig = ready([...STAC, ...LOAD, ...CLAC, ...LOAD, HLT]);
      for (let times = 0; times < 4; times++) {
        assert.equal(rig.run(CODE), Outcome.Fault);
        assert.equal(rig.state.word(STATE.faultVector), PAGE_FAULT);
        assert.equal(rig.interpreter.completed, 3);
      }
    });

    for (const cr4 of [CR4.SMAP, 0])
      for (const [name, code, set] of [
        ['STAC', STAC, EFLAGS.AC],
        ['CLAC', CLAC, 0],
      ] as const)
        for (const before of [0, EFLAGS.AC])
          it(`${name} with AC ${before ? 1 : 0} and SMAP ${cr4 ? 1 : 0} leaves what the mode says`, () => {
            const rig = ready([...code, HLT], cr4);
            rig.state.rflags = before | EFLAGS.DF | 2;
            updateMode(rig.state, rig.memory.plan.tlb, 0);
            assert.equal(rig.run(CODE), Outcome.Stop);
            assert.equal(rig.state.rflags, set | EFLAGS.DF | 2);
            const words = (): number[] => [STATE.tlb, STATE.fetchContext].map((at) => rig.state.word(at));
            const found = words();
            updateMode(rig.state, rig.memory.plan.tlb, 0);
            assert.deepEqual(found, words());
          });

    it('are undefined in user mode', () => {
      const rig = ready([...STAC, HLT]);
      rig.setEntry(ROOT, CODE, BigInt(CODE) | 7n);
      rig.enterLong(ROOT, { cpl: 3 });
      assert.equal(rig.run(CODE), Outcome.Fault);
      assert.equal(rig.state.word(STATE.faultVector), INVALID_OPCODE);
    });
  });
}
