// DR0-DR3 against a model that compares byte by byte: random accesses and breakpoints, in three modes, in runs of any
// length. Then the cases that need more than accesses: priorities, shadows, faults, pushes of a delivery.

import assert from 'node:assert/strict';
import { CODE, DATA, DebugRig, enable, STACK } from './debug-rig';
import { le32 } from './machine-code';
import type { Mode, Seen } from './debug-rig';

const EXECUTE = 0;
const WRITE = 1;
const ACCESS = 3;

interface Step {
  readonly bytes: readonly number[];
  /** Accesses in order; a trap comes behind each of them that meets a breakpoint. */
  readonly accesses: readonly { readonly at: number; readonly length: number; readonly isWrite: boolean }[];
}

/** Minimal standard generator: 31 bits a time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
}

/** Loads a register with a 32-bit constant, in any mode. */
function load(mode: Mode, opcode: number, value: number): number[] {
  return [...(mode === 'real' ? [0x66] : []), opcode, ...le32(value)];
}

/** One instruction on [edi], with the prefixes that the mode wants for `size` bytes. */
function sized(mode: Mode, size: number, byteOpcode: number, rest: readonly number[] = [0x07]): number[] {
  const address = mode === 'real' ? [0x67] : [];
  const operand = (size === 2) !== (mode === 'real') && size !== 1 && size !== 8 ? [0x66] : [];
  const wide = size === 8 ? [0x48] : [];
  return [...address, ...operand, ...wide, size === 1 ? byteOpcode : byteOpcode + 1, ...rest];
}

function randomSteps(mode: Mode, random: (below: number) => number): Step[] {
  const sizes = mode === 'long' ? [1, 2, 4, 8] : [1, 2, 4];
  const steps: Step[] = [];
  for (let i = 0; i < 8; i++) {
    const size = sizes[random(sizes.length)]!;
    const at = DATA + 4096 - 16 + random(32); // around a page's end
    steps.push({ bytes: load(mode, 0xbf, at), accesses: [] }); // mov edi, at
    const one = (isWrite: boolean) => [{ at, length: size, isWrite }];
    switch (random(4)) {
      case 0:
        steps.push({ bytes: sized(mode, size, 0x88), accesses: one(true) }); // mov [edi], eax
        break;
      case 1:
        steps.push({ bytes: sized(mode, size, 0x8a), accesses: one(false) }); // mov eax, [edi]
        break;
      case 2:
        steps.push({ bytes: sized(mode, size, 0x00), accesses: one(true) }); // add [edi], eax
        break;
      default: {
        const count = 1 + random(6);
        steps.push({ bytes: load(mode, 0xb9, count), accesses: [] }); // mov ecx, count
        const bytes = sized(mode, size, 0xaa, []);
        const accesses = Array.from({ length: count }, (_, n) => ({ at: at + n * size, length: size, isWrite: true }));
        // 0x67 stays in front: any order of prefixes but REX does.
        steps.push({ bytes: [0xf3, ...bytes], accesses }); // rep stos
      }
    }
  }
  return steps;
}

interface Setting {
  readonly address: number;
  readonly condition: number;
  readonly length: number;
}

function expected(steps: readonly Step[], settings: readonly Setting[]): Seen[] {
  const seen: Seen[] = [];
  let at = 0;
  for (const { bytes, accesses } of steps) {
    const bitsOf = (meets: (setting: Setting) => boolean): number =>
      settings.reduce((bits, setting, number) => bits | (meets(setting) ? 1 << number : 0), 0);
    const before = bitsOf(({ address, condition }) => condition === EXECUTE && address === CODE + at);
    if (before) seen.push({ vector: 1, at, dr6: before, resume: false });
    accesses.forEach((access, number) => {
      const met = bitsOf(({ address, condition, length }) => {
        if (condition === EXECUTE || (condition === WRITE && !access.isWrite)) return false;
        const first = address - (address % length);
        for (let byte = access.at; byte < access.at + access.length; byte++) {
          if (byte >= first && byte < first + length) return true;
        }
        return false;
      });
      const isLast = number === accesses.length - 1;
      if (met) seen.push({ vector: 1, at: isLast ? at + bytes.length : at, dr6: met, resume: !isLast });
    });
    at += bytes.length;
  }
  return seen;
}

/** In real mode the image has no RF. */
function visible(mode: Mode, seen: readonly Seen[]): Seen[] {
  return seen.map((one) => (mode === 'real' ? { ...one, resume: false } : one));
}

describe('breakpoints of the debug registers', function () {
  this.timeout(180_000);
  for (const mode of ['real', 'protected', 'long'] as const) {
    it(`meet what a byte-by-byte model meets, ${mode} mode`, () => {
      const rig = new DebugRig(mode);
      const random = generator(mode.length * 7919);
      let events = 0;
      for (let round = 0; round < 120; round++) {
        const steps = randomSteps(mode, random);
        const code = steps.flatMap(({ bytes }) => bytes);
        const starts = steps.map((_, index) => steps.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, 0));
        const settings = Array.from({ length: 1 + random(4) }, (): Setting => {
          // An image without RF cannot say that a REP goes on: real mode has no instruction breakpoint there.
          const index = random(starts.length);
          const isFit = mode !== 'real' || steps[index]!.accesses.length < 2;
          if (random(4) === 0 && isFit) return { address: CODE + starts[index]!, condition: EXECUTE, length: 1 };
          const length = [1, 2, 4, 8][random(4)]!;
          return { address: DATA + 4096 - 16 + random(40), condition: random(2) ? WRITE : ACCESS, length };
        });
        const dr7 = settings.reduce((bits, { condition, length }, n) => bits | enable(n, condition, length), 0);
        rig.start(code, settings.map(({ address }) => address), dr7 >>> 0); // prettier-ignore
        const want = expected(steps, settings);
        const seen = rig.run(code.length, [1, 2, 7, 60][random(4)]!);
        assert.deepEqual(seen, visible(mode, want), `round ${round}`);
        events += want.length;
      }
      assert.ok(events > 300, `${events} events`);
    });
  }

  const long = (): DebugRig => new DebugRig('long');

  it('do nothing when DR7 enables none', () => {
    const rig = long();
    rig.start([0x88, 0x04, 0x25, ...le32(DATA)], [DATA, CODE], enable(0, WRITE, 1) & ~0xff);
    assert.deepEqual(rig.run(7, 10), []);
  });

  it('come again at each pass without RF, and not at all with it', () => {
    const rig = long();
    rig.start([0x90, 0x90], [CODE + 1], enable(0, EXECUTE, 1));
    assert.throws(() => rig.run(2, 10, undefined, false), /never came to its end/);
    rig.start([0x90, 0x90], [CODE + 1], enable(0, EXECUTE, 1));
    assert.equal(rig.run(2, 10).length, 1);
  });

  const faults: [string, number[], number][] = [
    ['an undefined instruction', [0x0f, 0x0b], 6],
    ['an address that is not canonical', [0xa0, 0, 0, 0, 0, 0, 0, 0, 0x80], 13],
  ];
  for (const [what, code, vector] of faults) {
    it(`come before the fault of ${what}`, () => {
      const rig = long();
      rig.start(code, [CODE], enable(0, EXECUTE, 1));
      const seen = rig.run(code.length, 5);
      assert.deepEqual(
        seen.map((one) => [one.vector, one.at]),
        [
          [1, 0],
          [vector, 0],
        ],
      );
    });
  }

  it('come before the page fault of the fetch', () => {
    const rig = long();
    const target = 0x60000;
    // mov eax, target; jmp rax
    rig.start([0xb8, ...le32(target), 0xff, 0xe0], [target], enable(0, EXECUTE, 1));
    rig.map(target, false);
    const seen = rig.run(-1, 9);
    assert.deepEqual(
      seen.map(({ vector, at, dr6 }) => [vector, at, dr6]),
      [
        [1, target - CODE, 1],
        [14, target - CODE, 0],
      ],
    );
  });

  it('are suppressed behind MOV SS, whose own data breakpoint waits for the next instruction', () => {
    const rig = long();
    // mov ss, [DATA]; nop; nop
    const code = [0x8e, 0x14, 0x25, ...le32(DATA), 0x90, 0x90];
    rig.machine.memory.write(DATA, Uint8Array.from([0x10, 0]));
    rig.start(code, [DATA, CODE + 7], (enable(0, ACCESS, 2) | enable(1, EXECUTE, 1)) >>> 0);
    assert.deepEqual(rig.run(code.length, 10), [{ vector: 1, at: 8, dr6: 1, resume: false }]);
  });

  it('forget the access of an instruction that faults', () => {
    const rig = long();
    // movsb from DATA to a page that is not there
    rig.start([0xa4], [DATA], enable(0, ACCESS, 1));
    rig.map(0x60000, false);
    rig.machine.state.setGeneral(6, BigInt(DATA));
    rig.machine.state.setGeneral(7, 0x60000n);
    const seen = rig.run(1, 5);
    assert.deepEqual(
      seen.map(({ vector, at }) => [vector, at]),
      [[14, 0]],
    );
    assert.equal(rig.machine.processor.pendingDebug, 0);
  });

  it('trap in the handler when the delivery pushes onto them', () => {
    const rig = long();
    const place = STACK - 8;
    rig.start([0x0f, 0x0b], [place], enable(0, WRITE, 8));
    rig.machine.run(1);
    // The #UD's SS is pushed to the watched place; the #DB's handler returns to the #UD's first instruction.
    const { state, memory } = rig.machine;
    assert.equal(memory.read64(Number(state.general(4))), BigInt(0x8000 + 6 * 16));
    assert.equal(state.quad(0x690) & 0xfn, 1n);
  });

  it('stop for the debugger first, then raise #DB', () => {
    const rig = long();
    rig.start([0x90, 0x90, 0x90], [CODE + 1], enable(0, EXECUTE, 1));
    rig.machine.setBreakpoints([BigInt(CODE + 1)]);
    assert.deepEqual(rig.machine.run(10), { reason: 'breakpoint', linear: BigInt(CODE + 1) });
    assert.equal(rig.at, 1);
    assert.deepEqual(rig.run(3, 1), [{ vector: 1, at: 1, dr6: 1, resume: false }]);
  });
});
