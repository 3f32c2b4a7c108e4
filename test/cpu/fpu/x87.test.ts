// What surrounds x87 arithmetic: the stack and its faults, pending exceptions, pointers, the environment's formats.

import assert from 'node:assert/strict';
import { X87_ENVIRONMENT, x87Operation } from '../../../src/isa/float-operations';
import { STATE } from '../../../src/cpu/layout';
import { CR0, updateMode } from '../../../src/cpu/mode';
import { GuestFault } from '../../../src/cpu/signals';
import { DEFAULT_CONTROL, Rig } from './rig';

const ONE = 0x3fff8000000000000000n;
const TWO = 0x40008000000000000000n;
const THREE = 0x4000c000000000000000n;
const PI = 0x4000c90fdaa22168c235n;
const INDEFINITE = 0xffffc000000000000000n;
const INVALID_UNMASKED = DEFAULT_CONTROL & ~1;
const EIGHT = new Array<bigint>(8).fill(ONE);

interface StackCase {
  readonly name: string;
  readonly control?: number;
  readonly stack: readonly bigint[];
  readonly operation: number;
  readonly i?: number;
  readonly memory?: bigint;
  /** ST(0), ST(1), ... afterwards; undefined is empty. */
  readonly expected: readonly (bigint | undefined)[];
  /** Status without TOP. */
  readonly status: number;
}

const UNDERFLOW = 0x41;
const OVERFLOW = 0x241;
/** ES and B. */
const PENDING = 0x8080;

const STACK_CASES: readonly StackCase[] = [
  { name: 'FADD', stack: [ONE, TWO], operation: x87Operation('FADD'), i: 1, expected: [THREE, TWO], status: 0 },
  { name: 'FADDP', stack: [ONE, TWO], operation: x87Operation('FADD', 'STi', 1, true), i: 1, expected: [THREE, undefined], status: 0 },
  { name: 'FSUB to ST(1): ST(1) - ST(0)', stack: [ONE, THREE], operation: x87Operation('FSUB', 'STi', 0, true), i: 1, expected: [ONE, TWO], status: 0 },
  { name: 'FSUBR: ST(1) - ST(0)', stack: [ONE, THREE], operation: x87Operation('FSUBR'), i: 1, expected: [TWO, THREE], status: 0 },
  { name: 'FIADD of a word', stack: [ONE], operation: x87Operation('FADD', 'word'), memory: 2n, expected: [THREE], status: 0 },
  { name: 'underflow', stack: [ONE], operation: x87Operation('FADD'), i: 1, expected: [INDEFINITE, undefined], status: UNDERFLOW },
  { name: 'underflow, unmasked', control: INVALID_UNMASKED, stack: [ONE], operation: x87Operation('FADD'), i: 1, expected: [ONE, undefined], status: UNDERFLOW | PENDING },
  { name: 'overflow', stack: EIGHT, operation: x87Operation('FLD1'), expected: [INDEFINITE, ...EIGHT.slice(1)], status: OVERFLOW },
  { name: 'overflow, unmasked', control: INVALID_UNMASKED, stack: EIGHT, operation: x87Operation('FLD1'), expected: EIGHT, status: OVERFLOW | PENDING },
  { name: 'FLD of an empty register', stack: [], operation: x87Operation('FLD'), i: 3, expected: [INDEFINITE, undefined], status: UNDERFLOW },
  { name: 'FXCH with an empty register', stack: [ONE], operation: x87Operation('FXCH'), i: 1, expected: [INDEFINITE, ONE], status: UNDERFLOW },
  { name: 'FFREEP', stack: [ONE, TWO], operation: x87Operation('FFREE', 'STi', 1), i: 1, expected: [undefined, undefined], status: 0 },
  { name: 'FLDPI rounds', stack: [], operation: x87Operation('FLDPI'), expected: [PI], status: 0 },
  { name: 'FLDPI, towards zero', control: DEFAULT_CONTROL | 0xc00, stack: [], operation: x87Operation('FLDPI'), expected: [PI - 1n], status: 0 },
  { name: 'FXAM of an empty register', stack: [], operation: x87Operation('FXAM'), expected: [undefined], status: 0x4100 },
  { name: 'FCMOV, false', stack: [ONE, TWO], operation: x87Operation('FCMOV'), i: 1, memory: 0n, expected: [ONE, TWO], status: 0 },
  { name: 'FCMOV, true', stack: [ONE, TWO], operation: x87Operation('FCMOV'), i: 1, memory: 1n, expected: [TWO, TWO], status: 0 },
  { name: 'FCOM with an empty register', stack: [ONE], operation: x87Operation('FCOM'), i: 1, expected: [ONE], status: 0x4500 | UNDERFLOW },
]; // prettier-ignore

describe('x87: the stack', () => {
  for (const { name, control = DEFAULT_CONTROL, stack, operation, i = 0, memory = 0n, expected, status } of STACK_CASES)
    it(name, () => {
      const rig = new Rig();
      rig.setStack(control, stack);
      rig.x87(operation, i, memory);
      const found = expected.map((_, n) => rig.register(n)?.toString(16));
      assert.deepEqual(
        found,
        expected.map((value) => value?.toString(16)),
      );
      assert.equal((rig.status & ~0x3800).toString(16), status.toString(16));
    });
});

/** A divide-by-zero whose mask is off: it waits for the next waiting instruction. */
function withPending(): Rig {
  const rig = new Rig();
  rig.setStack(DEFAULT_CONTROL & ~4, [ONE, 0n]);
  rig.bytes.set([0xd8, 0xf1]); // FDIV ST(0), ST(1)
  rig.x87(x87Operation('FDIV'), 1);
  return rig;
}

describe('x87: pending exceptions', () => {
  it('waits, keeps the operands, and notes pointers and opcode', () => {
    const rig = withPending();
    assert.equal(rig.status & 0x80ff, 0x8084);
    assert.equal(rig.register(0), ONE);
    assert.equal(rig.state.quad(STATE.fpuIp), 0x10000n);
    assert.equal(rig.state.word(STATE.fpuCs), 0x10);
    assert.equal(rig.state.word(STATE.fpuOpcode), 0x0f1);
  });

  it('is #MF with CR0.NE', () => {
    const rig = withPending();
    const isMf = (signal: unknown): boolean => signal instanceof GuestFault && signal.vector === 16;
    assert.throws(() => rig.x87(x87Operation('PENDING')), isMf);
    assert.equal(rig.reports, 0);
  });

  it('is reported to the board without CR0.NE', () => {
    const rig = withPending();
    rig.state.setWord(STATE.cr0, CR0.PE);
    rig.x87(x87Operation('PENDING'));
    assert.equal(rig.reports, 1);
  });

  it('goes away with FNCLEX, and comes when FLDCW takes the mask of a flag that stands', () => {
    const rig = withPending();
    rig.x87(x87Operation('FNCLEX'));
    assert.equal(rig.status & 0x80ff, 0);
    rig.setStack(DEFAULT_CONTROL, [ONE, 0n]);
    rig.x87(x87Operation('FDIV'), 1);
    assert.equal(rig.status & 0x80ff, 4);
    rig.x87(x87Operation('FLDCW'), 0, BigInt(DEFAULT_CONTROL & ~4));
    assert.equal(rig.status & 0x80ff, 0x8084);
  });
});

const AT = 0x10100;

/** Pointers as FNSTENV stores them, by mode and operand size (SDM Vol. 1, figures 8-9 to 8-12). */
const ENVIRONMENTS: readonly { name: string; isReal: boolean; size: number; words: readonly number[] }[] = [
  { name: 'protected, 32-bit', isReal: false, size: 32, words: [0xffff037f, 0xffff3000, 0xffff1fff, 0x12345, 0x00f10010, 0x10010, 0xffff0020] },
  { name: 'protected, 16-bit', isReal: false, size: 16, words: [0x037f, 0x3000, 0x1fff, 0x2345, 0x0010, 0x0010, 0x0020] },
  { name: 'real, 32-bit', isReal: true, size: 32, words: [0xffff037f, 0xffff3000, 0xffff1fff, 0xffff2445, 0x000010f1, 0xffff0210, 0x00001000] },
  { name: 'real, 16-bit', isReal: true, size: 16, words: [0x037f, 0x3000, 0x1fff, 0x2445, 0x10f1, 0x0210, 0x1000] },
]; // prettier-ignore

describe('x87: the environment', () => {
  for (const { name, isReal, size, words } of ENVIRONMENTS) {
    const field = size / 8;

    const prepared = (): Rig => {
      const rig = new Rig();
      rig.setStack(DEFAULT_CONTROL, [0n, ONE]);
      const { state } = rig;
      if (isReal) state.setWord(STATE.cr0, 0);
      updateMode(state, 0, 0);
      state.setQuad(STATE.fpuIp, 0x12345n);
      state.setWord(STATE.fpuCs, 0x10);
      state.setQuad(STATE.fpuDp, 0x10010n);
      state.setWord(STATE.fpuDs, 0x20);
      state.setWord(STATE.fpuOpcode, 0xf1);
      return rig;
    };
    const read = (rig: Rig, n: number): number => {
      const view = new DataView(rig.bytes.buffer);
      return field === 2 ? view.getUint16(0x100 + n * 2, true) : view.getUint32(0x100 + n * 4, true);
    };

    it(`${name}: FNSTENV stores it and masks all exceptions`, () => {
      const rig = prepared();
      rig.fpu.x87Environment(X87_ENVIRONMENT.FNSTENV, 3, BigInt(AT), size);
      const found = words.map((_, n) => read(rig, n).toString(16));
      assert.deepEqual(
        found,
        words.map((word) => word.toString(16)),
      );
      assert.equal(rig.state.word(STATE.fpuControl) & 0x3f, 0x3f);
    });

    it(`${name}: FNSAVE initialises, FRSTOR brings everything back`, () => {
      const rig = prepared();
      rig.fpu.x87Environment(X87_ENVIRONMENT.FNSAVE, 3, BigInt(AT), size);
      assert.deepEqual([rig.state.word(STATE.fpuControl), rig.status, rig.state.word(STATE.fpuTag)], [0x37f, 0, 0]);
      rig.state.u8.fill(0, STATE.fpu, STATE.fpu + 128);
      rig.fpu.x87Environment(X87_ENVIRONMENT.FRSTOR, 3, BigInt(AT), size);
      assert.deepEqual([rig.register(0), rig.register(1), rig.register(2)], [0n, ONE, undefined]);
      assert.equal(rig.status, 0x3000);
    });
  }

  it('faults outside the segment and changes nothing', () => {
    const rig = new Rig();
    rig.setStack(DEFAULT_CONTROL & ~4, [ONE]);
    const isGp = (signal: unknown): boolean => signal instanceof GuestFault && signal.vector === 13;
    assert.throws(() => rig.fpu.x87Environment(X87_ENVIRONMENT.FNSAVE, 3, 0xfffffff0n, 32), isGp);
    assert.equal(rig.register(0), ONE);
    assert.equal(rig.state.word(STATE.fpuControl), DEFAULT_CONTROL & ~4);
  });
});
