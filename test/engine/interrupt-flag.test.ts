// CLI, STI and PUSHF, interpreted and compiled: who may, what is stored, and how long interrupts stay blocked behind STI.
// Source: SDM Vol. 2B, STI, PUSHF; Vol. 3A 6.8.1, 20.2.7.
import assert from 'node:assert/strict';
import { ATTENTION } from '../../src/cpu/attention';
import { STATE } from '../../src/cpu/layout';
import { CR0, EFLAGS, updateMode } from '../../src/cpu/mode';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { longRig, PAGE, Rig, ROOT, type RigOptions } from './rig';

const CODE = 0x10000;
const DATA = 0x40000;
const [AX, SP, SI] = [0, 4, 6];
const CLI = 0xfa;
const STI = 0xfb;
const NOP = 0x90;
const HLT = 0xf4;
const POP_RAX = 0x58;
const PUSHF = 0x9c;
/** mov byte [rsi], 1 */
const STORE = [0xc6, 0x06, 0x01];

/** What runs, how many instructions, with RSI in a page that is mapped or not; whether it ends blocked by STI. */
const RUNS: readonly (readonly [
  what: string,
  code: readonly number[],
  budget: number,
  rsi: number,
  blocked: boolean,
])[] = [
  ['before STI', [CLI, STI, NOP, HLT], 1, DATA, false],
  ['right behind STI', [CLI, STI, NOP, HLT], 2, DATA, true],
  ['one instruction behind STI', [CLI, STI, NOP, HLT], 3, DATA, false],
  ['behind STI with IF set already', [STI, NOP, HLT], 1, DATA, false],
  ['behind a second STI', [CLI, STI, STI, HLT], 3, DATA, false],
  ['at a fault of the instruction behind STI', [CLI, STI, ...STORE, HLT], 9, 0x300000, true],
  ['at a fault of the second instruction behind STI', [CLI, STI, NOP, ...STORE, HLT], 9, 0x300000, false],
  ['at a slow function behind STI', [CLI, STI, HLT], 9, DATA, true],
];

for (const [how, jit] of Object.entries({ interpreted: NO_JIT, compiled: EAGER_JIT })) {
  /** A rig in 64-bit mode that has run `code` before, with IF set. */
  const ready = (code: readonly number[], slow: RigOptions['slow'] = {}): Rig => {
    const rig = longRig({ jit, slow });
    rig.memory.write(CODE, Uint8Array.from(code));
    rig.state.setGeneral(SP, BigInt(DATA + PAGE));
    for (let times = 0; times < 3; times++) {
      rig.state.setGeneral(SI, BigInt(DATA));
      rig.state.rflags = EFLAGS.IF | 2;
      assert.equal(rig.run(CODE), Outcome.Stop);
    }
    assert.equal(rig.interpreter.compileCounts.regions > 0, jit === EAGER_JIT);
    rig.state.rflags = EFLAGS.IF | 2;
    return rig;
  };

  describe(`the interrupt flag, ${how}`, () => {
    for (const [what, code, budget, rsi, blocked] of RUNS)
      it(`${blocked ? 'blocks' : 'does not block'} interrupts ${what}`, () => {
        const rig = ready(code);
        rig.state.setGeneral(SI, BigInt(rsi));
        rig.run(CODE, budget);
        assert.equal(rig.interpreter.endsBehindSti, blocked);
      });

    it('is looked at behind STI when something waits, and not behind CLI', () => {
      const rig = ready([CLI, NOP, STI, NOP, HLT]);
      rig.state.setWord(STATE.attention, ATTENTION.event);
      assert.equal(rig.run(CODE), Outcome.DoneCheck);
      assert.equal(rig.state.rip, BigInt(CODE + 3));
      assert.equal(rig.interpreter.completed, 3);
      assert.ok(rig.interpreter.endsBehindSti);
    });

    it('blocks interrupts when the instruction behind STI cuts the run short and does not complete', () => {
      let shorten = (): void => undefined;
      const halt = (): Outcome => {
        shorten();
        return Outcome.Stop;
      };
      const rig = ready([CLI, STI, HLT], { halt });
      shorten = () => rig.interpreter.shorten(0);
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.interpreter.completed, 2);
      assert.ok(rig.interpreter.endsBehindSti);
    });

    it('is stored by PUSHF, RF is not', () => {
      const rig = ready([PUSHF, POP_RAX, HLT]);
      rig.state.rflags = EFLAGS.IF | EFLAGS.RF | EFLAGS.DF | EFLAGS.ZF | EFLAGS.CF | 2;
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), BigInt(EFLAGS.IF | EFLAGS.DF | EFLAGS.ZF | EFLAGS.CF | 2));
    });

    /** Privilege, IOPL, whether CLI and STI are allowed. */
    const PRIVILEGES: readonly (readonly [0 | 3, number, boolean])[] = [
      [0, 0, true],
      [3, 0, false],
      [3, 2, false],
      [3, 3, true],
    ];
    for (const [cpl, iopl, isAllowed] of PRIVILEGES)
      for (const [name, opcode, before] of [
        ['CLI', CLI, EFLAGS.IF],
        ['STI', STI, 0],
      ] as const)
        it(`${isAllowed ? 'may' : 'may not'} be changed by ${name} at CPL ${cpl} with IOPL ${iopl}`, () => {
          const rig = ready([opcode, HLT]);
          rig.enterLong(ROOT, { cpl });
          rig.state.rflags = before | (iopl << 12) | 2;
          const outcome = rig.run(CODE, 1);
          if (isAllowed) assert.equal(rig.state.rflags & EFLAGS.IF, before ^ EFLAGS.IF);
          else {
            assert.equal(outcome, Outcome.Fault);
            assert.deepEqual([rig.state.word(STATE.faultVector), rig.state.word(STATE.faultError)], [13, 0]);
            assert.equal(rig.state.rflags & EFLAGS.IF, before);
          }
        });
  });
}

describe('PUSHF in virtual-8086 mode', () => {
  for (const [iopl, outcome] of [
    [2, Outcome.Fault],
    [3, Outcome.Stop],
  ] as const)
    it(`IOPL ${iopl}`, () => {
      const rig = new Rig();
      rig.enter({ bits: 16, cpl: 3 });
      rig.state.rflags = EFLAGS.VM | (iopl << 12) | 2;
      updateMode(rig.state, rig.memory.plan.tlb, 0);
      rig.memory.write(CODE, Uint8Array.from([PUSHF, POP_RAX, 0xcc]));
      rig.state.setGeneral(SP, 0x1000n);
      assert.equal(rig.run(CODE), outcome);
      if (outcome === Outcome.Stop) assert.equal(rig.state.general(AX), BigInt((iopl << 12) | 2));
    });
});

describe('CLI and STI of 16 bits', () => {
  for (const [what, flags, isReal, outcome] of [
    ['virtual-8086 mode, IOPL 0', EFLAGS.VM, false, Outcome.Fault],
    ['virtual-8086 mode, IOPL 3', EFLAGS.VM | EFLAGS.IOPL, false, Outcome.Stop],
    ['real mode, IOPL 0', 0, true, Outcome.Stop],
  ] as const)
    for (const code of [CLI, STI])
      it(`${code === CLI ? 'CLI' : 'STI'} in ${what}`, () => {
        const rig = new Rig();
        rig.enter({ bits: 16, cpl: isReal ? 0 : 3 });
        if (isReal) rig.state.setWord(STATE.cr0, rig.state.word(STATE.cr0) & ~CR0.PE);
        rig.state.rflags = flags | 2;
        updateMode(rig.state, rig.memory.plan.tlb, 0);
        rig.memory.write(CODE, Uint8Array.from([code, 0xcc]));
        assert.equal(rig.run(CODE), outcome);
        assert.equal((rig.state.rflags & EFLAGS.IF) !== 0, code === STI && outcome === Outcome.Stop);
      });
});
