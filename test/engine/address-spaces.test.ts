// Translations that are kept for roots (CR3) that are not in use are unobservable: a rig that changes roots does what one
// does that forgets all translations at every change.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import { Outcome } from '../../src/isa/slow';
import { le32 } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig, RigOptions } from './rig';

const ROOTS = Array.from({ length: 7 }, (_, n) => ROOT + n * 4 * PAGE);
const CODE = 0x10000;
/** Pages that every root maps in its own way: data, and code. */
const DATA = Array.from({ length: 4 }, (_, n) => 0x40000 + n * PAGE);
const FUNCTION = 0x50000;
const FRAMES = Array.from({ length: 4 }, (_, n) => 0x60000 + n * PAGE);
const FUNCTIONS = Array.from({ length: 4 }, (_, n) => 0x70000 + n * PAGE);
const [ACCESSED, WRITABLE] = [0x21n, 3n];

const HLT = 0xf4;
/** The programs, each at its own place; none is written again, so that what is known of code lives as long as it may. */
const PROGRAMS = [
  [0x8b, 0x06, HLT], // mov eax, [rsi]
  [0x89, 0x06, HLT], // mov [rsi], eax
  [0x48, 0x89, 0x1f, HLT], // mov [rdi], rbx
  [0x48, 0xc7, 0xc2, ...le32(FUNCTION), 0xff, 0xd2, HLT], // mov rdx, FUNCTION; call rdx
];
const [LOAD, STORE, STORE_ENTRY, CALL] = [0, 1, 2, 3].map((n) => CODE + n * 16) as [number, number, number, number];

function prepare(options: RigOptions): Rig {
  const rig = longRig(options);
  for (const root of ROOTS) rig.mapIdentity(root);
  // Two of them share their lowest table.
  rig.memory.write64(ROOTS[1]! + 2 * PAGE, BigInt(ROOTS[0]! + 3 * PAGE) | 7n);
  FRAMES.forEach((frame, n) => rig.memory.write32(frame, 0x1000 + n));
  FUNCTIONS.forEach((frame, n) => rig.memory.write(frame, Uint8Array.from([0xb8, ...le32(0x2000 + n), 0xc3])));
  PROGRAMS.forEach((bytes, n) => rig.memory.write(CODE + n * 16, Uint8Array.from(bytes)));
  rig.state.setGeneral(4, 0x30000n);
  return rig;
}

function enter(rig: Rig, root: number): void {
  const left = rig.state.quad(STATE.cr3);
  rig.state.setQuad(STATE.cr3, BigInt(root));
  if (left !== BigInt(root)) rig.interpreter.changeRoot(left, BigInt(root));
}

function enterForgetting(rig: Rig, root: number): void {
  rig.state.setQuad(STATE.cr3, BigInt(root));
  rig.interpreter.flush();
}

/** What can be seen: how the run ended, its registers, all tables and data. */
function view(rig: Rig, outcome: Outcome): unknown {
  const { state, memory } = rig;
  const fault = outcome === Outcome.Fault ? [state.quad(STATE.faultAddress), state.word(STATE.faultError)] : [];
  return [
    outcome,
    ...fault,
    state.general(0),
    state.rip,
    memory.read(ROOT, ROOTS.length * 4 * PAGE),
    memory.read(FRAMES[0]!, PAGE * 4),
  ];
}

/** Runs a program on the data page at `page`. */
function step(rig: Rig, program: number, page = 0): unknown {
  rig.state.setGeneral(6, BigInt(page));
  return view(rig, rig.run(program));
}

describe('address spaces', () => {
  for (const [how, jit] of [
    ['interpreted', NO_JIT],
    ['compiled at once', EAGER_JIT],
  ] as const) {
    for (let seed = 1; seed <= 6; seed++) {
      it(`are left and entered again without a trace, ${how} (program ${seed})`, () => {
        const random = seededRandom(seed * 91);
        const pick = <T>(list: readonly T[]): T => list[random() % list.length]!;
        const keeping = prepare({ jit });
        const forgetting = prepare({ jit });
        let entered = 0;
        for (let n = 0; n < 1500; n++) {
          const both = (act: (rig: Rig) => void): void => [keeping, forgetting].forEach(act);
          const page = pick(DATA);
          const kind = random() % 8;
          if (kind < 3) {
            // Mostly few roots, so that some are still there; now and then more than are kept.
            const root = pick(ROOTS.slice(0, random() % 4 === 0 ? undefined : 3));
            // As MOV CR3 does it, or as a VM entry may.
            if (random() % 8) enter(keeping, root);
            else enterForgetting(keeping, root);
            enterForgetting(forgetting, root);
            entered++;
          } else if (kind < 5) {
            const isCode = random() % 3 === 0;
            const frame = BigInt(pick(isCode ? FUNCTIONS : FRAMES));
            const entry = frame | pick([0n, 1n, WRITABLE, WRITABLE, WRITABLE | ACCESSED]);
            const place = keeping.entryAddress(pick(ROOTS), isCode ? FUNCTION : page);
            // From outside, or by a store of the guest in whatever root it is.
            if (random() % 2) both((rig) => rig.memory.write64(place, entry));
            else {
              both((rig) => rig.state.setGeneral(3, entry));
              both((rig) => rig.state.setGeneral(7, BigInt(place)));
              assert.deepEqual(step(keeping, STORE_ENTRY), step(forgetting, STORE_ENTRY), `step ${n}`);
            }
          } else {
            const program = [CALL, STORE, LOAD][kind - 5]!;
            assert.deepEqual(step(keeping, program, page), step(forgetting, program, page), `step ${n}`);
          }
        }
        assert.ok(entered > 300);
      });
    }
  }

  it('keep what was translated for them', () => {
    const rig = prepare({});
    const [first, second] = [ROOTS[2]!, ROOTS[3]!];
    for (const root of [first, second, first, second]) {
      enter(rig, root);
      step(rig, LOAD, DATA[0]);
    }
    // A walk would set the flag again; writing to memory behind the back of everything is the only way to see that none came.
    const place = rig.entryAddress(first, DATA[0]!);
    const cleared = rig.memory.read64(place) & ~0x20n;
    new DataView(rig.memory.buffer, rig.memory.plan.physical).setBigUint64(place, cleared, true);
    enter(rig, first);
    step(rig, LOAD, DATA[0]);
    assert.equal(rig.memory.read64(place), cleared);
  });
});
