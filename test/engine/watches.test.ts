// Watched data: whoever watches hears of every access that meets a watch, by its linear address, behind the instruction
// that makes it; nothing else changes.

import assert from 'node:assert/strict';
import type { Watch, WatchedAccess } from '../../src/engine/watches';
import { Outcome } from '../../src/isa/slow';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const DATA = 0x30000;
const HLT = 0xf4;

const watch = (linear: number, length: number, reads: boolean): Watch => ({ linear: BigInt(linear), length, reads });
const write = (linear: number, bytes: number, readsFirst = false): WatchedAccess => ({
  linear: BigInt(linear),
  bytes,
  isWrite: true,
  readsFirst,
});
const read = (linear: number, bytes: number): WatchedAccess => ({
  linear: BigInt(linear),
  bytes,
  isWrite: false,
  readsFirst: false,
});

/** Runs `code` with RDI = `rdi`, RSI = DATA, RCX = 4 until HLT, in as many runs as it takes. */
function run(
  rig: Rig,
  code: readonly number[],
  rdi: number,
): { accesses: WatchedAccess[]; completed: number; runs: number } {
  rig.memory.write(CODE, Uint8Array.from([...code, HLT]));
  rig.state.setGeneral(1, 4n);
  rig.state.setGeneral(6, BigInt(DATA));
  rig.state.setGeneral(7, BigInt(rdi));
  rig.state.rip = BigInt(CODE);
  const accesses: WatchedAccess[] = [];
  let completed = 0;
  for (let runs = 1; ; runs++) {
    const outcome = rig.interpreter.run(1000);
    accesses.push(...rig.interpreter.takeWatchedAccesses());
    completed += rig.interpreter.completed;
    if (outcome === Outcome.Stop) return { accesses, completed, runs };
    assert.equal(outcome, Outcome.Budget);
  }
}

interface Case {
  readonly what: string;
  readonly watches: readonly Watch[];
  readonly code: readonly number[];
  readonly rdi?: number;
  readonly accesses: readonly WatchedAccess[];
  /** Instructions and iterations. */
  readonly completed: number;
}

const NOP = 0x90;
const CASES: readonly Case[] = [
  { what: 'nothing', watches: [], code: [0x89, 0x07], accesses: [], completed: 1 },
  { what: 'a write', watches: [watch(DATA, 1, false)], code: [NOP, 0x89, 0x07, NOP], accesses: [write(DATA, 4)], completed: 3 }, // prettier-ignore
  { what: 'a read of what is watched for writes', watches: [watch(DATA, 4, false)], code: [0x8b, 0x07], accesses: [], completed: 1 }, // prettier-ignore
  { what: 'a read', watches: [watch(DATA, 4, true)], code: [0x8b, 0x07], accesses: [read(DATA, 4)], completed: 1 },
  { what: 'the byte in front', watches: [watch(DATA + 4, 4, true)], code: [0x89, 0x07], accesses: [], completed: 1 },
  { what: 'the byte behind', watches: [watch(DATA - 4, 4, true)], code: [0x89, 0x07], accesses: [], completed: 1 },
  { what: 'a read-modify-write, once', watches: [watch(DATA, 4, true)], code: [0x01, 0x07], accesses: [write(DATA, 4, true)], completed: 1 }, // prettier-ignore
  { what: 'a write across a page', watches: [watch(DATA + PAGE, 1, false)], code: [0x48, 0x89, 0x07], rdi: DATA + PAGE - 4, accesses: [write(DATA + PAGE - 4, 8)], completed: 1 }, // prettier-ignore
  { what: 'a watch across a page', watches: [watch(DATA + PAGE - 1, 2, false)], code: [0x88, 0x07], rdi: DATA + PAGE, accesses: [write(DATA + PAGE, 1)], completed: 1 }, // prettier-ignore
  { what: 'both sides of MOVSB', watches: [watch(DATA, 1, true), watch(DATA + 64, 1, false)], code: [0xa4], rdi: DATA + 64, accesses: [read(DATA, 1), write(DATA + 64, 1)], completed: 1 }, // prettier-ignore
  { what: 'iterations of REP STOSB', watches: [watch(DATA + 1, 2, false)], code: [0xf3, 0xaa], accesses: [write(DATA + 1, 1), write(DATA + 2, 1)], completed: 4 }, // prettier-ignore
  { what: 'what ENTER writes, not what it proves', watches: [watch(DATA, 64, false)], code: [0x48, 0x8d, 0x67, 0x28, 0xc8, 0x10, 0, 0], accesses: [write(DATA + 0x20, 8)], completed: 2 }, // prettier-ignore
];

describe('watches', () => {
  const rig = longRig();
  for (const { what, watches, code, rdi = DATA, accesses, completed } of CASES) {
    it(`see ${what}`, () => {
      run(rig, code, rdi); // the translations are there before
      rig.interpreter.setWatches(watches, 'debugger');
      const ran = run(rig, code, rdi);
      rig.interpreter.setWatches([], 'debugger');
      assert.deepEqual(ran.accesses, accesses);
      assert.equal(ran.completed, completed);
    });
  }

  it('end the run right behind the instruction', () => {
    rig.interpreter.setWatches([watch(DATA, 4, false)], 'debugger');
    rig.memory.write(CODE, Uint8Array.from([NOP, 0x89, 0x07, NOP, NOP, HLT]));
    rig.state.setGeneral(7, BigInt(DATA));
    assert.equal(rig.run(CODE, 1000), Outcome.Budget);
    assert.equal(rig.interpreter.completed, 2);
    assert.equal(rig.state.rip, BigInt(CODE + 3));
    assert.equal(rig.interpreter.takeWatchedAccesses().length, 1);
    assert.equal(rig.interpreter.run(1000), Outcome.Stop);
    assert.equal(rig.interpreter.completed, 2);
    rig.interpreter.setWatches([], 'debugger');
  });

  it('stand at linear addresses: another mapping of the page is not watched', () => {
    rig.setEntry(ROOT, 0x50000, BigInt(DATA) | 7n);
    rig.interpreter.setWatches([watch(DATA, 4, true)], 'debugger');
    assert.deepEqual(run(rig, [0x89, 0x07], 0x50000).accesses, []);
    assert.deepEqual(run(rig, [0x89, 0x07], DATA).accesses, [write(DATA, 4)]);
    rig.interpreter.setWatches([], 'debugger');
  });

  it('of one source stay when the other takes its own away', () => {
    rig.interpreter.setWatches([watch(DATA, 1, false)], 'debugger');
    rig.interpreter.setWatches([watch(DATA + 8, 1, false)], 'processor');
    const code = [0x88, 0x07, 0x88, 0x47, 0x08];
    assert.deepEqual(run(rig, code, DATA).accesses, [write(DATA, 1), write(DATA + 8, 1)]);
    rig.interpreter.setWatches([], 'processor');
    assert.deepEqual(run(rig, code, DATA).accesses, [write(DATA, 1)]);
    rig.interpreter.setWatches([], 'debugger');
    const bare = run(rig, code, DATA);
    assert.deepEqual(bare.accesses, []);
    assert.equal(bare.runs, 1);
  });

  it('do not change what a random store loop does', () => {
    // mov [rdi], cl; add edi, 37; loop
    const code = [0x88, 0x0f, 0x83, 0xc7, 0x25, 0xe2, 0xf9];
    const result = (watches: readonly Watch[]) => {
      rig.interpreter.setWatches(watches, 'debugger');
      rig.memory.write(DATA, new Uint8Array(2 * PAGE));
      const { completed, accesses } = run(rig, [0xb1, 200, ...code], DATA);
      rig.interpreter.setWatches([], 'debugger');
      return { completed, seen: accesses.length, memory: [...rig.memory.read(DATA, 2 * PAGE)] };
    };
    const plain = result([]);
    const watched = result([watch(DATA + 370, 1, false), watch(DATA + PAGE, PAGE, true)]);
    assert.equal(plain.seen, 0);
    assert.ok(watched.seen > 50, `${watched.seen} accesses`);
    assert.deepEqual({ ...watched, seen: 0 }, plain);
  });
});
