/**
 * Shifts and rotates (SDM Vol. 2B, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD; Vol. 1, 5.1.5).
 * The count is cut to 5 bits (6 with 64-bit operands); flags stay when that gives 0. Where the SDM leaves a flag
 * undefined: AF is 0 after shifts; OF follows the rule for a count of 1 whatever the count; CF of a shift beyond the
 * operand is the bit last shifted out; a rotate through carry by a multiple of its length leaves the flags. SHLD and
 * SHRD of 16 bits by more than 16 shift through destination:source:destination, as P6 and later parts do.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { carriesFor } from '../flags';
import { op } from '../form';
import type { Form } from '../form';
import type { Int, Operand, Semantics } from '../semantics';

function group(n: number): Form[] {
  return [
    op(`c0 /${n}`, 'Eb,Ib', { uimm: true }),
    op(`c1 /${n}`, 'Ev,Ib', { uimm: true }),
    op(`d0 /${n}`, 'Eb,1'),
    op(`d1 /${n}`, 'Ev,1'),
    op(`d2 /${n}`, 'Eb,CL'),
    op(`d3 /${n}`, 'Ev,CL'),
  ];
}

/** The masked count. */
function countOf(m: Semantics, operand: Operand): I32 {
  if (operand.kind === 'one') return i32.const(1);
  return m.let(i32.and(m.narrow(m.read(operand, 8)), i32.const(m.size === 64 ? 63 : 31)));
}

const less1 = (count: I32): I32 => i32.sub(count, i32.const(1));

interface Shift {
  readonly result: Int;
  /** Runs only where the count is not 0. */
  readonly carries: () => Int;
}

function shift(
  name: string,
  forms: readonly Form[],
  compute: (m: Semantics, a: Int, count: I32) => Shift,
): Instruction {
  return define(name, { forms }, (m, [dst, by]) => {
    const a = m.readForWrite(dst!);
    const count = countOf(m, by!);
    const shifted = compute(m, a, count);
    const result = m.let(shifted.result);
    m.write(dst!, result);
    m.if(count, () => m.setArithmeticFlags(result, shifted.carries(), m.size));
  });
}

function shiftLeft(name: string, extension: number): Instruction {
  return shift(name, group(extension), (m, a, count) => ({
    result: m.shl(a, count),
    // Shifted by one less, the bit that leaves stands on top and the new sign below it: CF, and CF xor OF.
    carries: () => m.and(m.shl(a, less1(count)), m.constant(3n << BigInt(m.size - 2))),
  }));
}

export const SHL = shiftLeft('SHL', 4);
/** The encoding that manuals leave out; the same instruction. */
export const SAL = shiftLeft('SAL', 6);

export const SHR = shift('SHR', group(5), (m, a, count) => ({
  result: m.shrU(a, count),
  carries: () => {
    const previous = m.let(m.shrU(a, less1(count)));
    return carriesFor(m, m.size, m.bit(previous, 0), m.signBit(previous));
  },
}));

export const SAR = shift('SAR', group(7), (m, a, count) => {
  const shrS = (by: I32): Int =>
    m.size === 64
      ? i64.shrS(a as I64, i64.extendU(by))
      : m.zeroExtend(i32.shrS(m.signExtend(a, m.size, 32) as I32, by), m.size);
  return {
    result: shrS(count),
    carries: () => carriesFor(m, m.size, m.bit(shrS(less1(count)), 0), i32.const(0)),
  };
});

/** Rotates left by `left` bits, or right. */
function rotated(m: Semantics, a: Int, count: I32, left: boolean): Int {
  if (m.size === 64) return (left ? i64.rotl : i64.rotr)(a as I64, i64.extendU(count));
  if (m.size === 32) return (left ? i32.rotl : i32.rotr)(a as I32, count);
  const by = m.let(i32.and(count, i32.const(m.size - 1)));
  const back = i32.sub(i32.const(m.size), by);
  return m.or(m.shl(a, left ? by : back), m.shrU(a, left ? back : by));
}

function overflowOfRotate(m: Semantics, result: Int, carry: I32, left: boolean): I32 {
  return i32.xor(m.signBit(result), left ? carry : m.bit(result, m.size - 2));
}

function rotate(name: string, extension: number, left: boolean): Instruction {
  return define(name, { forms: group(extension) }, (m, [dst, by]) => {
    const a = m.readForWrite(dst!);
    const count = countOf(m, by!);
    const result = m.let(rotated(m, a, count, left));
    m.write(dst!, result);
    m.if(count, () => {
      const carry = m.let(m.bit(result, left ? 0 : m.size - 1));
      m.setCarryAndOverflow(carry, overflowOfRotate(m, result, carry, left));
    });
  });
}

export const ROL = rotate('ROL', 0, true);
export const ROR = rotate('ROR', 1, false);

/** Rotate through carry, below 64 bits: CF and operand as one number of `size` + 1 bits. */
function rotateWithCarry(m: Semantics, a: Int, count: I32, left: boolean): { result: Int; carry: I32; count: I32 } {
  const length = m.size + 1;
  const by = m.size === 32 ? count : m.let(i32.remU(count, i32.const(length)));
  const forth = i64.extendU(by);
  const back = i64.sub(i64.const(length), forth);
  const whole = m.let(i64.or(m.wide(a), i64.shl(i64.extendU(m.flag('CF')), i64.const(m.size))));
  const turned = m.let(i64.or(i64.shl(whole, left ? forth : back), i64.shrU(whole, left ? back : forth)));
  return { result: m.let(m.zeroExtend(turned, m.size)), carry: m.bit(turned, m.size), count: by };
}

/** The same for 64 bits, where the number has 65. Shifts by 64 are made of two. */
function rotateWithCarry64(m: Semantics, a: I64, count: I32, left: boolean): { result: Int; carry: I32; count: I32 } {
  const by = i64.extendU(count);
  const rest = i64.sub(i64.const(64), by);
  const one = i64.const(1);
  const carryIn = i64.extendU(m.flag('CF'));
  const turned = left
    ? i64.or(i64.or(i64.shl(a, by), i64.shl(carryIn, i64.sub(by, one))), i64.shrU(i64.shrU(a, one), rest))
    : i64.or(i64.or(i64.shrU(a, by), i64.shl(carryIn, rest)), i64.shl(i64.shl(a, one), rest));
  const lastOut = i32.wrap(i64.and(i64.shrU(a, left ? rest : i64.sub(by, one)), one));
  return { result: m.let(m.select(count, turned, a)), carry: lastOut, count };
}

function rotateThroughCarry(name: string, extension: number, left: boolean): Instruction {
  return define(name, { forms: group(extension) }, (m, [dst, operand]) => {
    const a = m.readForWrite(dst!);
    const masked = countOf(m, operand!);
    const { result, carry, count } =
      m.size === 64 ? rotateWithCarry64(m, a as I64, masked, left) : rotateWithCarry(m, a, masked, left);
    m.write(dst!, result);
    m.if(count, () => {
      const cf = m.let(carry);
      m.setCarryAndOverflow(cf, overflowOfRotate(m, result, cf, left));
    });
  });
}

export const RCL = rotateThroughCarry('RCL', 2, true);
export const RCR = rotateThroughCarry('RCR', 3, false);

/** Shifts of two operands: `a` the destination, `b` what comes in. The value and the bit that left last. */
function doubleShift(m: Semantics, a: Int, b: Int, count: I32, left: boolean): { result: Int; carry: () => I32 } {
  const by = i64.extendU(count);
  const one = i64.const(1);
  const bit = (value: I64, index: I64): I32 => i32.wrap(i64.and(i64.shrU(value, index), one));
  if (m.size === 64) {
    const [x, y] = [a as I64, b as I64];
    const rest = i64.sub(i64.const(63), by);
    return left
      ? {
          result: i64.or(i64.shl(x, by), i64.shrU(i64.shrU(y, one), rest)),
          carry: () => bit(x, i64.sub(i64.const(64), by)),
        }
      : { result: i64.or(i64.shrU(x, by), i64.shl(i64.shl(y, one), rest)), carry: () => bit(x, i64.sub(by, one)) };
  }
  const size = i64.const(m.size);
  const [x, y] = [m.wide(a), m.wide(b)];
  if (m.size === 32) {
    const pair = m.let(left ? i64.or(i64.shl(x, size), y) : i64.or(i64.shl(y, size), x));
    return left
      ? { result: i32.wrap(i64.shrU(i64.shl(pair, by), size)), carry: () => bit(pair, i64.sub(i64.const(64), by)) }
      : { result: i32.wrap(i64.shrU(pair, by)), carry: () => bit(pair, i64.sub(by, one)) };
  }
  const triple = m.let(i64.or(i64.or(i64.shl(x, i64.const(32)), i64.shl(y, size)), x));
  return left
    ? {
        result: m.zeroExtend(i64.shrU(i64.shl(triple, by), i64.const(32)), 16),
        carry: () => bit(triple, i64.sub(i64.const(48), by)),
      }
    : { result: m.zeroExtend(i64.shrU(triple, by), 16), carry: () => bit(triple, i64.sub(by, one)) };
}

function doubleShiftRecord(name: string, opcode: number, left: boolean): Instruction {
  const forms = [
    op(`0f ${opcode.toString(16)}`, 'Ev,Gv,Ib', { uimm: true }),
    op(`0f ${(opcode + 1).toString(16)}`, 'Ev,Gv,CL'),
  ];
  return define(name, { forms }, (m, [dst, src, by]) => {
    const a = m.readForWrite(dst!);
    const b = m.read(src!);
    const count = countOf(m, by!);
    const shifted = doubleShift(m, a, b, count, left);
    const result = m.let(shifted.result);
    m.write(dst!, result);
    m.if(count, () => {
      const carry = m.let(shifted.carry());
      m.setArithmeticFlags(result, carriesFor(m, m.size, carry, overflowOfRotate(m, result, carry, left)), m.size);
    });
  });
}

export const SHLD = doubleShiftRecord('SHLD', 0xa4, true);
export const SHRD = doubleShiftRecord('SHRD', 0xac, false);
