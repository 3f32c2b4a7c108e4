// Compiled code sees what interpreted code sees: changes of itself from every side, of permissions, breakpoints, and the
// exact ends of runs. Each program runs twice and is compiled in between.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { setSegment } from '../../src/cpu/mode';
import { DEFAULT_POLICY, EAGER_JIT } from '../../src/engine/jit/jit';
import { exitBit } from '../../src/isa/exits';
import { SEGMENT } from '../../src/isa/semantics';
import { Outcome } from '../../src/isa/slow';
import { longRig, PAGE, Rig, ROOT, type RigOptions } from './rig';

const CODE = 0x10000;
const DATA = 0x40000;
const ALIAS = 0x50000;
const [AX, CX, DX, BX, SP, SI, DI] = [0, 1, 2, 3, 4, 6, 7];
const HLT = 0xf4;
/** mov byte [rsi], 0x22; mov eax, 0x11; hlt */
const STORE = [0xc6, 0x06, 0x22];
const PROGRAM = [...STORE, 0xb8, 0x11, 0, 0, 0, HLT];
const IMMEDIATE = CODE + STORE.length + 1;
/** again: add rax, rcx; dec rcx; jnz again; hlt */
const LOOP = [0x48, 0x01, 0xc8, 0x48, 0xff, 0xc9, 0x75, 0xf8, HLT];
const LOOP_SUM = 5050n;
/** again: call f; dec rcx; jnz again; hlt; f: add rax, rcx; ret */
const CALLS = [0xe8, 6, 0, 0, 0, 0x48, 0xff, 0xc9, 0x75, 0xf6, HLT, 0x48, 0x01, 0xc8, 0xc3];
/** rdtsc; mov ebx, eax; mov ecx, edx; nop; rdtsc; mov edx, ecx; sub eax, ebx; hlt */
const TIMED = [0x0f, 0x31, 0x89, 0xc3, 0x89, 0xd1, 0x90, 0x0f, 0x31, 0x89, 0xca, 0x29, 0xd8, HLT];

/** A rig with `code` at CODE, compiled: it ran once, with RSI in the data page. */
function compiled(code: readonly number[], options: RigOptions = {}): Rig {
  const rig = longRig({ jit: EAGER_JIT, ...options });
  rig.setEntry(ROOT, ALIAS, BigInt(CODE) | 7n);
  rig.memory.write(CODE, Uint8Array.from(code));
  rig.state.setGeneral(SI, BigInt(DATA));
  rig.state.setGeneral(SP, BigInt(DATA + PAGE));
  rig.state.setGeneral(CX, 100n);
  assert.equal(rig.run(CODE), Outcome.Stop);
  assert.ok(rig.interpreter.compileCounts.regions > 0, 'it is compiled');
  rig.state.setGeneral(AX, 0n);
  rig.state.setGeneral(CX, 100n);
  return rig;
}

describe('compiled code', () => {
  const changes: Readonly<Record<string, (rig: Rig) => void>> = {
    'its block’s own next instruction': (rig) => rig.state.setGeneral(SI, BigInt(IMMEDIATE)),
    'it through an alias': (rig) => rig.state.setGeneral(SI, BigInt(IMMEDIATE - CODE + ALIAS)),
    'it from outside': (rig) => rig.memory.write8(IMMEDIATE, 0x22),
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`changes: ${what}`, () => {
      const rig = compiled(PROGRAM);
      change(rig);
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), 0x22n);
      assert.ok(rig.interpreter.compileCounts.dropped > 0);
    });
  }

  it('changes in a page that is mapped elsewhere', () => {
    const rig = compiled(PROGRAM);
    rig.memory.write(DATA + PAGE, Uint8Array.from([...STORE, 0xb8, 0x33, 0, 0, 0, HLT]));
    rig.setEntry(ROOT, CODE, BigInt(DATA + PAGE) | 7n);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.general(AX), 0x33n);
    rig.setEntry(ROOT, CODE, BigInt(CODE) | 7n);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.general(AX), 0x11n);
  });

  const READ_ONLY = 5n;
  const NO_EXECUTE = 1n << 63n;
  const permissions: Readonly<Record<string, { page: number; entry: bigint; rip: number }>> = {
    'its data becomes read-only': { page: DATA, entry: BigInt(DATA) | READ_ONLY, rip: CODE },
    'its data goes': { page: DATA, entry: 0n, rip: CODE },
    'it must not be executed any more': { page: CODE, entry: BigInt(CODE) | 7n | NO_EXECUTE, rip: CODE },
    'it goes': { page: CODE, entry: 0n, rip: CODE },
  };
  for (const [what, { page, entry, rip }] of Object.entries(permissions)) {
    it(`faults when ${what}, and runs again after`, () => {
      const rig = compiled(PROGRAM);
      const before = rig.memory.read64(rig.entryAddress(ROOT, page));
      rig.setEntry(ROOT, page, entry);
      assert.equal(rig.run(CODE), Outcome.Fault);
      assert.equal(rig.state.word(STATE.faultVector), 14);
      assert.equal(rig.state.rip, BigInt(rip));
      assert.equal(rig.interpreter.completed, 0);
      rig.setEntry(ROOT, page, before);
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), 0x11n);
    });
  }

  for (const [what, { code, length }] of Object.entries({
    'of a loop': { code: LOOP, length: 3 },
    'of calls and returns': { code: CALLS, length: 5 },
  }))
    it(`ends runs after every number of instructions ${what}`, () => {
      // All that runs in the loop has run when the first of it is hot: it is one region.
      const rig = compiled(code, { jit: { ...EAGER_JIT, threshold: 50 } });
      assert.equal(rig.interpreter.compileCounts.regions, 1);
      for (let budget = 1; budget < 40; budget++) {
        rig.state.setGeneral(AX, 0n);
        rig.state.setGeneral(CX, 100n);
        rig.state.rip = BigInt(CODE);
        let completed = 0;
        for (;;) {
          const outcome = rig.interpreter.run(budget);
          completed += rig.interpreter.completed;
          if (outcome === Outcome.Stop) break;
          assert.equal(outcome, Outcome.Budget);
          assert.equal(rig.interpreter.completed, budget);
          const turns = BigInt(Math.floor((completed + 1) / length));
          assert.equal(rig.state.general(CX), 100n - turns, `after ${completed}`);
        }
        assert.equal(completed, 100 * length);
        assert.equal(rig.state.general(AX), LOOP_SUM);
      }
    });

  it('reads the time as of each instruction, however runs are cut', () => {
    const rig = compiled(TIMED);
    const start = 2 ** 32 + 0xfffffffe;
    rig.state.setQuad(STATE.tscOffset, BigInt.asUintN(64, -3n));
    for (let budget = 1; budget < 10; budget++) {
      rig.state.rip = BigInt(CODE);
      for (let ticks = start; rig.interpreter.run(budget, false, ticks) !== Outcome.Stop;)
        ticks += rig.interpreter.completed;
      assert.equal((rig.state.general(DX) << 32n) | rig.state.general(BX), BigInt(start) - 3n);
      assert.equal(rig.state.general(AX), 4n, 'instructions between the two looks');
    }
  });

  it('looks at the segments again behind whatever may have changed them', () => {
    // mov edi, [esi]; jmp $+2; cpuid; jmp $+2; mov ebx, [esi]; hlt
    const code = [0x8b, 0x3e, 0xeb, 0, 0x0f, 0xa2, 0xeb, 0, 0x8b, 0x1e, HLT];
    let base = 0n;
    const flat = { selector: 8, limit: 0xffffffff, rights: 0xc093 };
    const cpuid = (): Outcome => {
      setSegment(rig.state, SEGMENT.DS, { ...flat, base });
      return Outcome.Done;
    };
    const rig = new Rig({ jit: EAGER_JIT, slow: { cpuid } });
    rig.enter({ bits: 32 });
    rig.memory.write(CODE, Uint8Array.from(code));
    rig.memory.write8(DATA, 1);
    rig.memory.write8(DATA + PAGE, 2);
    for (base of [0n, 0n, BigInt(PAGE), 0n]) {
      setSegment(rig.state, SEGMENT.DS, { ...flat, base: 0n });
      rig.state.setGeneral(SI, BigInt(DATA));
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(DI), 1n);
      assert.equal(rig.state.general(BX), base === 0n ? 1n : 2n, `base ${base}`);
    }
    assert.ok(rig.interpreter.compileCounts.regions > 0, 'it is compiled');
  });

  it('leaves PAUSE to whoever wants it to exit', () => {
    const rig = compiled([0xf3, 0x90, HLT]);
    rig.state.setWord(STATE.intercepts, exitBit('PAUSE'));
    assert.equal(rig.run(CODE), Outcome.Intercept);
    assert.equal(rig.interpreter.completed, 0);
  });

  it('stops at a breakpoint that is set inside it, each time it comes there', () => {
    let stops = true;
    const rig = compiled(LOOP, { breakpointHit: () => stops });
    const inside = CODE + 3;
    rig.interpreter.setBreakpoints([BigInt(inside)]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.rip, BigInt(inside));
    assert.equal(rig.interpreter.completed, 1);
    // Not stopping, it comes there 100 times, with the code around compiled.
    stops = false;
    assert.equal(rig.run(inside), Outcome.Stop);
    assert.equal(rig.state.general(AX), LOOP_SUM);
    assert.equal(rig.interpreter.completed, 299);
    rig.interpreter.setBreakpoints([]);
    rig.state.setGeneral(CX, 100n);
    rig.state.setGeneral(AX, 0n);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.general(AX), LOOP_SUM);
  });

  it('is compiled with breakpoints in its page', () => {
    const rig = compiled(LOOP);
    const before = rig.interpreter.compileCounts.regions;
    rig.interpreter.setBreakpoints([BigInt(CODE + 0x800)]);
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.ok(rig.interpreter.compileCounts.regions > before);
    assert.equal(rig.state.general(AX), LOOP_SUM);
  });

  it('tells of accesses that are watched', () => {
    const rig = compiled(PROGRAM);
    rig.interpreter.setWatches([{ linear: BigInt(DATA), length: 1, reads: false }], 'debugger');
    assert.equal(rig.run(CODE, 2), Outcome.Budget);
    assert.deepEqual(
      rig.interpreter.takeWatchedAccesses().map(({ linear, isWrite }) => ({ linear, isWrite })),
      [{ linear: BigInt(DATA), isWrite: true }],
    );
    assert.equal(rig.interpreter.completed, 1, 'the run ends behind the access');
    rig.interpreter.setWatches([], 'debugger');
    assert.equal(rig.run(CODE), Outcome.Stop);
    assert.equal(rig.state.general(AX), 0x11n);
  });

  it('is bounded: over the cap all is dropped and comes again', () => {
    const rig = longRig({ jit: { ...EAGER_JIT, maxBytes: 2000 } });
    for (let i = 0; i < 40; i++) {
      const at = CODE + i * PAGE;
      rig.memory.write(at, Uint8Array.from(LOOP));
      for (let turn = 0; turn < 2; turn++) {
        rig.state.setGeneral(AX, 0n);
        rig.state.setGeneral(CX, 100n);
        assert.equal(rig.run(at), Outcome.Stop);
        assert.equal(rig.state.general(AX), LOOP_SUM);
      }
    }
    const { regions, dropped } = rig.interpreter.compileCounts;
    assert.ok(regions >= 40 && dropped > 20, `${regions} compiled, ${dropped} dropped`);
  });

  it('runs on after its region was dropped and the place of it given to other code', () => {
    const rig = longRig({ jit: { ...EAGER_JIT, maxBytes: 1 } });
    /** mov eax, `value`; hlt */
    const write = (at: number, value: number): void => rig.memory.write(at, Uint8Array.of(0xb8, value, 0, 0, 0, HLT));
    const runs = (at: number, value: number): void => {
      assert.equal(rig.run(at), Outcome.Stop);
      assert.equal(rig.state.general(AX), BigInt(value));
    };
    write(CODE, 1);
    write(CODE + PAGE, 2);
    for (let turn = 0; turn < 3; turn++) runs(CODE, 1);
    for (let turn = 0; turn < 3; turn++) runs(CODE + PAGE, 2);
    assert.ok(rig.interpreter.compileCounts.dropped > 0);
    runs(CODE, 1);
  });

  it('waits for other hot code for 2^23 instructions, whatever calls they come in', () => {
    const rig = longRig({ jit: { ...DEFAULT_POLICY, threshold: 1000 } });
    const fill = CODE + PAGE;
    const bytes = 2 ** 19;
    const store = (): void => {
      rig.state.setGeneral(CX, BigInt(bytes));
      rig.state.setGeneral(DI, BigInt(CODE + 16 * PAGE));
      assert.equal(rig.run(fill), Outcome.Stop);
      assert.ok(rig.interpreter.completed >= bytes, 'an iteration counts as an instruction');
    };
    rig.memory.write(CODE, Uint8Array.from(LOOP));
    rig.memory.write(fill, Uint8Array.of(0xf3, 0xaa, HLT)); // rep stosb
    rig.state.setGeneral(CX, 1001n);
    assert.equal(rig.run(CODE), Outcome.Stop);
    for (let run = 0; run < 100; run++) assert.equal(rig.run(fill + 2), Outcome.Stop); // hlt
    for (let run = 0; run < 15; run++) store();
    assert.equal(rig.interpreter.compileCounts.regions, 0);
    for (let run = 0; run < 2; run++) store();
    assert.equal(rig.interpreter.compileCounts.regions, 1, 'by itself');
  });

  it('cools: what ran long ago counts half', () => {
    const rig = longRig({ jit: { ...DEFAULT_POLICY, batch: 1 } });
    const loop = (at: number, turns: number): void => {
      rig.state.setGeneral(CX, BigInt(turns));
      assert.equal(rig.run(at, 2 ** 31 - 1), Outcome.Stop);
    };
    rig.memory.write(CODE, Uint8Array.from(LOOP));
    rig.memory.write(CODE + PAGE, Uint8Array.from(LOOP));
    const hot = DEFAULT_POLICY.threshold;
    loop(CODE, Math.floor((2 * hot) / 3));
    assert.equal(rig.interpreter.compileCounts.regions, 0);
    loop(CODE + PAGE, Math.ceil(2 ** 30 / 3) + hot);
    assert.equal(rig.interpreter.compileCounts.regions, 1, 'of the other loop');
    loop(CODE, hot / 2);
    assert.equal(rig.interpreter.compileCounts.regions, 1);
    loop(CODE, hot / 2);
    assert.equal(rig.interpreter.compileCounts.regions, 2, 'hot in the end');
  });
});
