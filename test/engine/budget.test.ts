// Any way of cutting a run into budgets gives the same state: blocks, REP iterations and their fast paths included.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import type { Random } from '../../src/isa/assemble/enumerate';
import { le32 } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const DATA = 0x20000;
const DATA_PAGES = 4;
const LONGEST_BLOCK = 32;

/** mov esi/edi/ecx, imm32 */
const load = (register: number, value: number): number[] => [0xb8 + register, ...le32(value)];

/** One random piece of a program: arithmetic, memory, flags, branches, calls, strings. */
function piece(random: Random): number[] {
  const at = (): number[] => le32(DATA + (random() % (DATA_PAGES * PAGE - 16)));
  const register = random() % 4;
  switch (random() % 12) {
    case 0:
      return [0x48, 0x01 | ((random() % 8) << 3), 0xc0 | register | ((random() % 4) << 3)];
    case 1:
      return [0x48, 0x81, 0xc0 | ((random() % 8) << 3) | register, ...le32(random())];
    case 2:
      return [0x8b, 0x04 | (register << 3), 0x25, ...at()];
    case 3:
      return [0x48, 0x11, 0x04 | (register << 3), 0x25, ...at()];
    case 4:
      return [0x70 | (random() % 16), 3, 0x48, 0xff, 0xc0 | register]; // jcc over inc
    case 5:
      return [0xe8, 2, 0, 0, 0, 0xeb, 1, 0xc3]; // call a ret, jump over it
    case 6:
      return [...load(1, 1 + (random() % 6)), 0x48, 0xff, 0xc0, 0xe2, 0xfb]; // loop
    case 7:
      return [0x50 | register, 0x58 | (random() % 4)];
    case 8:
      return [0xd1, 0xc0 | ((random() % 8) << 3) | register];
    default: {
      const near = DATA + PAGE * (1 + (random() % 2)) - 40 + (random() % 80);
      const from = random() % 2 ? near : DATA + (random() % (DATA_PAGES * PAGE - 512));
      const to = random() % 2 ? from + (random() % 16) - 8 : DATA + 256 + (random() % (DATA_PAGES * PAGE - 1024));
      const direction = random() % 3 === 0 ? 0xfd : 0xfc;
      const operation = [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf][random() % 10]!;
      const width = operation & 1 ? [[], [0x66], [0x48]][random() % 3]! : [];
      const count = random() % (random() % 2 ? 60 : 4);
      const safe = Math.max(DATA + 480, Math.min(from, DATA + DATA_PAGES * PAGE - 500));
      const target = Math.max(DATA + 480, Math.min(to, DATA + DATA_PAGES * PAGE - 500));
      const repeat = random() % 2 ? 0xf3 : 0xf2;
      const prefixes = width[0] === 0x48 ? [repeat, 0x48] : [...width, repeat];
      return [direction, ...load(6, safe), ...load(7, target), ...load(1, count), ...prefixes, operation, 0xfc];
    }
  }
}

function programOf(seed: number): Uint8Array {
  const random = seededRandom(seed);
  const bytes: number[] = [];
  while (bytes.length < 600) bytes.push(...piece(random));
  return Uint8Array.from([...bytes, 0xe9, ...le32(-(bytes.length + 5))]);
}

function prepare(rig: Rig, program: Uint8Array, seed: number): void {
  const random = seededRandom(seed + 77);
  rig.memory.write(CODE, program);
  rig.memory.write(
    DATA,
    Uint8Array.from({ length: DATA_PAGES * PAGE }, () => random() & 3),
  );
  for (let n = 0; n < 16; n++) rig.state.setGeneral(n, BigInt(random()));
  rig.state.setGeneral(4, 0x70000n);
  rig.state.rflags = 2;
  rig.state.rip = BigInt(CODE);
}

function snapshot({ state, memory }: Rig): string {
  const registers = Array.from({ length: 16 }, (_, n) => state.general(n).toString(16)).join();
  const data = Buffer.from(memory.read(DATA, DATA_PAGES * PAGE)).toString('base64');
  return `${registers} rip ${state.rip.toString(16)} flags ${state.rflags.toString(16)} ${data}`;
}

/** Runs `total` instructions in pieces that `next` gives. */
function runInPieces(rig: Rig, total: number, next: () => number): void {
  for (let left = total; left > 0;) {
    const budget = Math.min(left, next());
    assert.equal(rig.interpreter.run(budget), Outcome.Budget);
    assert.equal(rig.interpreter.completed, budget);
    left -= budget;
  }
}

/** Runs `total` instructions in pieces that may end early; gives how many did. */
function runEndingEarly(rig: Rig, total: number, next: () => number): number {
  let early = 0;
  let left = total;
  while (left > LONGEST_BLOCK) {
    const budget = Math.min(left, LONGEST_BLOCK + next());
    assert.equal(rig.interpreter.run(budget, false, 0, true), Outcome.Budget);
    const { completed } = rig.interpreter;
    assert.ok(completed <= budget && completed > budget - LONGEST_BLOCK, `${completed} of ${budget}`);
    if (completed < budget) early++;
    left -= completed;
  }
  runInPieces(rig, left, () => left);
  return early;
}

describe('budgets', () => {
  const [whole, pieces, single, early] = [longRig(), longRig(), longRig(), longRig()];
  const compiled = [longRig({ jit: EAGER_JIT }), longRig({ jit: EAGER_JIT }), longRig({ jit: EAGER_JIT })] as const;
  for (let seed = 1; seed <= 40; seed++) {
    it(`give one state however a run is cut (program ${seed})`, () => {
      const program = programOf(seed);
      const total = 3000 + seed * 7;
      const random = seededRandom(seed * 31);
      for (const rig of [whole, pieces, single, early, ...compiled]) prepare(rig, program, seed);
      runInPieces(whole, total, () => total);
      runInPieces(pieces, total, () => 1 + (random() % (random() % 4 === 0 ? 400 : 12)));
      runInPieces(single, total, () => 1);
      runInPieces(compiled[0], total, () => total);
      runInPieces(compiled[1], total, () => 1 + (random() % (random() % 4 === 0 ? 400 : 12)));
      const ended = [early, compiled[2]].map((rig) => runEndingEarly(rig, total, () => random() % 60));
      for (const count of ended) assert.ok(count > 10, 'runs that end early');
      for (const rig of [pieces, single, early, ...compiled]) assert.equal(snapshot(rig), snapshot(whole));
    });
  }

  it('hold for a REP of more bytes than an address has', () => {
    for (const jit of [NO_JIT, EAGER_JIT]) {
      for (const [operation, name] of [
        [0xab, 'stosq'],
        [0xa5, 'movsq'],
      ] as const) {
        const rig = longRig({ jit });
        rig.memory.write(CODE, Uint8Array.from([0xeb, 0, 0xf3, 0x48, operation, 0xf4]));
        for (const count of [1n, (1n << 61n) + 1n, 1n << 61n, 1n << 32n]) {
          rig.state.setGeneral(1, count);
          rig.state.setGeneral(6, BigInt(DATA + 8));
          rig.state.setGeneral(7, BigInt(DATA + PAGE + 8));
          rig.state.rip = BigInt(CODE);
          const outcome = rig.interpreter.run(5);
          assert.equal(outcome, count === 1n ? Outcome.Stop : Outcome.Budget, name);
          assert.equal(rig.state.general(1), count === 1n ? 0n : count - 4n, name);
        }
      }
    }
  });

  it('that a device shortens hold to the instruction, even where a run may end early', () => {
    const BUS = 0x80000;
    for (const jit of [NO_JIT, EAGER_JIT]) {
      for (const after of [0, 1, 7, 31, 32, 33, 40, 100]) {
        const rig: Rig = longRig({ jit, busWrite: () => rig.interpreter.shorten(after) });
        rig.setEntry(ROOT, BUS, BigInt(8 << 20) | 3n);
        // mov [BUS], eax; inc ebx, often
        const code = [0x89, 0x04, 0x25, ...le32(BUS), ...Array<number[]>(300).fill([0xff, 0xc3]).flat()];
        rig.memory.write(CODE, Uint8Array.from(code));
        rig.state.setGeneral(3, 0n);
        rig.state.rip = BigInt(CODE);
        assert.equal(rig.interpreter.run(200, false, 0, true), Outcome.Budget);
        assert.equal(rig.interpreter.completed, 1 + after);
        assert.equal(rig.state.general(3), BigInt(after));
      }
    }
  });

  it('of 0 run nothing', () => {
    prepare(whole, programOf(1), 1);
    const before = snapshot(whole);
    assert.equal(whole.interpreter.run(0), Outcome.Budget);
    assert.equal(whole.interpreter.completed, 0);
    assert.equal(snapshot(whole), before);
  });
});

describe('a REP that faults midway', () => {
  const cases = [
    { name: 'rep movsb', code: [0xf3, 0xa4], width: 1, source: 4 },
    { name: 'rep movsq', code: [0xf3, 0x48, 0xa5], width: 8, source: 4 },
    { name: 'rep stosd', code: [0xf3, 0xab], width: 4, source: 0 },
    { name: 'std rep movsw', code: [0xfd, 0x66, 0xf3, 0xa5], width: 2, source: 4, down: true },
  ] as const;
  const HOLE = DATA + 3 * PAGE;
  for (const { name, code, width, ...rest } of cases) {
    for (const budget of [1, 2, 3, 7, 100_000]) {
      it(`${name}, ${budget} at a time`, () => {
        const down = 'down' in rest;
        const rig = longRig();
        const edge = down ? HOLE + PAGE : HOLE;
        rig.setEntry(ROOT, HOLE, 0n);
        const before = down ? -1 : 1;
        const elements = 50;
        rig.memory.write(CODE, Uint8Array.from([...code, 0xf4]));
        const start = down ? edge + (elements - 1) * width : edge - elements * width;
        rig.state.setGeneral(1, 100n);
        rig.state.setGeneral(6, BigInt(DATA + 1024));
        rig.state.setGeneral(7, BigInt(start));
        rig.state.setGeneral(0, 0x1234567890abcdefn);
        rig.state.rip = BigInt(CODE);
        let completed = 0;
        let outcome: Outcome = Outcome.Budget;
        while (outcome === Outcome.Budget) {
          outcome = rig.interpreter.run(budget);
          completed += rig.interpreter.completed;
        }
        assert.equal(outcome, Outcome.Fault);
        assert.equal(completed, elements + (down ? 1 : 0));
        assert.equal(rig.state.general(1), BigInt(100 - elements));
        assert.equal(rig.state.general(7), BigInt(start + before * elements * width));
        assert.equal(rig.state.quad(STATE.faultAddress), BigInt(down ? edge - width : edge));
        assert.equal(rig.state.word(STATE.faultError), 2);
        assert.equal(rig.state.rip, BigInt(CODE + (down ? 1 : 0)));
      });
    }
  }
});
