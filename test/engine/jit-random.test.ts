// Random code gives the same with every instruction interpreted, compiled at once, and compiled when it is warm: registers,
// flags, memory, and the place and count at which each run ends. The data reaches over pages that are plain, mapped twice,
// read-only and absent, so that compiled code hands over everywhere.

import assert from 'node:assert/strict';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import type { JitPolicy } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { randomFrom } from '../machine/runs';
import { RandomCode } from './random-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const DATA = 0x40000;
const STACK = 0x60800;
const ROUNDS = 12n;
/** Bytes of data, in pages: plain, plain, read-only, absent. */
const DATA_BYTES = 2 * PAGE;
const WARM: JitPolicy = { ...EAGER_JIT, threshold: 3, batch: 4 };

interface Program {
  readonly code: readonly number[];
  readonly registers: readonly bigint[];
  readonly chunks: readonly number[];
}

function program(seed: number, bits: 64 | 32): Program {
  const random = randomFrom(seed);
  const faults = seed % 4 === 0;
  const code = new RandomCode(random, bits).loop(3 + Math.floor(random() * 40));
  const value = (): bigint => BigInt.asUintN(64, BigInt(Math.floor(random() * 2 ** 52)) * 0x9e3779b97f4a7c15n);
  const registers = Array.from({ length: 16 }, value);
  // Bases near the ends of pages: some accesses cross. Only with `faults` do they reach what cannot be written.
  for (const base of [3, 5, 12, 13]) {
    const page = random() < 0.5 ? 0 : faults ? 2 : 1;
    const inPage = random() < 0.3 ? PAGE - 140 : 140 + Math.floor(random() * (PAGE - 600));
    registers[base] = BigInt(DATA + (page === 1 ? Math.min(inPage + PAGE, 2 * PAGE - 150) : page * PAGE + inPage));
  }
  registers[4] = BigInt(STACK);
  registers[bits === 64 ? 15 : 7] = ROUNDS;
  const chunks = Array.from({ length: 64 }, () => 1 + Math.floor(random() * (random() < 0.7 ? 40 : 400)));
  return { code, registers, chunks };
}

/** A rig whose data pages are plain, plain, read-only, absent; 32-bit code runs without paging. */
function rigFor(jit: JitPolicy, bits: 64 | 32): Rig {
  const rig = longRig({ jit });
  if (bits === 32) rig.enter({ bits });
  rig.setEntry(ROOT, DATA + 2 * PAGE, BigInt(DATA + 2 * PAGE) | 5n);
  rig.setEntry(ROOT, DATA + 3 * PAGE, 0n);
  return rig;
}

function prepare(rig: Rig, { code, registers }: Program): void {
  rig.state.rflags = 2;
  rig.memory.write(CODE, Uint8Array.from(code));
  rig.memory.write(
    DATA,
    Uint8Array.from({ length: DATA_BYTES }, (_, i) => (i * 37) & 255),
  );
  registers.forEach((value, number) => rig.state.setGeneral(number, value));
  rig.state.rip = BigInt(CODE);
}

/** What each run of a program leaves behind. */
function trail(of: Program, rig: Rig): string[] {
  prepare(rig, of);
  const lines: string[] = [];
  for (const chunk of of.chunks) {
    // Without translations compiled code hands over at its next access to each page.
    if (chunk % 2 === 0) rig.interpreter.flush();
    const outcome = rig.interpreter.run(chunk);
    const registers = Array.from({ length: 16 }, (_, number) => rig.state.general(number).toString(16));
    lines.push(
      `Outcome ${outcome} after ${rig.interpreter.completed} at ${rig.state.rip.toString(16)}, ` +
        `flags ${rig.state.rflags.toString(16)}: ${registers.join(' ')}`,
    );
    if (outcome !== Outcome.Budget) break;
  }
  lines.push(Buffer.from(rig.memory.read(DATA, DATA_BYTES)).toString('hex'));
  return lines;
}

describe('compiled random code', function () {
  this.timeout(180_000);
  const PROGRAMS = 150;

  for (const bits of [64, 32] as const) {
    it(`is interpreted code, over ${PROGRAMS} programs of ${bits} bits`, () => {
      const interpreted = rigFor(NO_JIT, bits);
      const compiled = [EAGER_JIT, WARM].map((jit) => rigFor(jit, bits));
      let ended = 0;
      for (let seed = 1; seed <= PROGRAMS; seed++) {
        const one = program(seed, bits);
        const expected = trail(one, interpreted);
        if (expected.at(-2)!.startsWith(`Outcome ${Outcome.Stop} `)) ended++;
        for (const rig of compiled) {
          assert.deepEqual(trail(one, rig), expected, `program ${seed}: ${Buffer.from(one.code).toString('hex')}`);
        }
      }
      for (const { interpreter } of compiled) assert.ok(interpreter.compileCounts.instructions > PROGRAMS * 10);
      assert.ok(ended > PROGRAMS / 4, `only ${ended} programs come to their end`);
    });
  }
});
