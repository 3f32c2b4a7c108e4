/** Integer addition, subtraction, logic and comparison (SDM Vol. 1, 5.1.2 and 5.1.4). */
import { i32, i64 } from '../../wasm/expr';
import { borrowsOfSub, carriesOfAdd } from '../flags';
import { define } from '../define';
import type { Meaning } from '../define';
import { alu, op } from '../form';
import type { Int, Semantics } from '../semantics';

/** A flag as an integer of the operand's container. */
function asInt(m: Semantics, flag: ReturnType<Semantics['flag']>): Int {
  return m.size === 64 ? i64.extendU(flag) : flag;
}

function addition(withCarry: boolean): Meaning {
  return (m, [dst, src]) => {
    const a = m.readForWrite(dst!);
    const b = m.read(src!);
    const sum = m.let(withCarry ? m.add(m.add(a, b), asInt(m, m.flag('CF'))) : m.add(a, b));
    m.write(dst!, sum);
    m.setArithmeticFlags(sum, carriesOfAdd(m, a, b, sum), m.size);
  };
}

function subtraction(withBorrow: boolean): Meaning {
  return (m, [dst, src]) => {
    const a = m.readForWrite(dst!);
    const b = m.read(src!);
    const difference = m.let(withBorrow ? m.sub(m.sub(a, b), asInt(m, m.flag('CF'))) : m.sub(a, b));
    m.write(dst!, difference);
    m.setArithmeticFlags(difference, borrowsOfSub(m, a, b, difference), m.size);
  };
}

function logic(combine: (m: Semantics, a: Int, b: Int) => Int): Meaning {
  return (m, [dst, src]) => {
    const result = m.let(combine(m, m.readForWrite(dst!), m.read(src!)));
    m.write(dst!, result);
    m.setArithmeticFlags(result, undefined, m.size);
  };
}

export const ADD = define('ADD', { forms: alu(0x00), lock: true }, addition(false));
export const OR = define(
  'OR',
  { forms: alu(0x08), lock: true },
  logic((m, a, b) => m.or(a, b)),
);
export const ADC = define('ADC', { forms: alu(0x10), lock: true }, addition(true));
export const SBB = define('SBB', { forms: alu(0x18), lock: true }, subtraction(true));
export const AND = define(
  'AND',
  { forms: alu(0x20), lock: true },
  logic((m, a, b) => m.and(a, b)),
);
export const SUB = define('SUB', { forms: alu(0x28), lock: true }, subtraction(false));
export const XOR = define(
  'XOR',
  { forms: alu(0x30), lock: true },
  logic((m, a, b) => m.xor(a, b)),
);

export const CMP = define('CMP', { forms: alu(0x38) }, (m, [left, right]) => {
  const a = m.read(left!);
  const b = m.read(right!);
  const difference = m.let(m.sub(a, b));
  m.setArithmeticFlags(difference, borrowsOfSub(m, a, b, difference), m.size);
});

export const TEST = define(
  'TEST',
  {
    forms: [
      op('84', 'Eb,Gb'),
      op('85', 'Ev,Gv'),
      op('a8', 'AL,Ib'),
      op('a9', 'rAX,Iz'),
      op('f6 /0', 'Eb,Ib'),
      op('f7 /0', 'Ev,Iz'),
      op('f6 /1', 'Eb,Ib'),
      op('f7 /1', 'Ev,Iz'),
    ],
  },
  (m, [left, right]) => m.setArithmeticFlags(m.let(m.and(m.read(left!), m.read(right!))), undefined, m.size),
);

export const INC = define(
  'INC',
  { forms: [op('40+r', 'Zv', { mode: 'legacy' }), op('fe /0', 'Eb'), op('ff /0', 'Ev')], lock: true },
  (m, [dst]) => {
    const a = m.readForWrite(dst!);
    const one = m.constant(1);
    const sum = m.let(m.add(a, one));
    m.write(dst!, sum);
    m.setArithmeticFlags(sum, carriesOfAdd(m, a, one, sum), m.size, true);
  },
);

export const DEC = define(
  'DEC',
  { forms: [op('48+r', 'Zv', { mode: 'legacy' }), op('fe /1', 'Eb'), op('ff /1', 'Ev')], lock: true },
  (m, [dst]) => {
    const a = m.readForWrite(dst!);
    const one = m.constant(1);
    const difference = m.let(m.sub(a, one));
    m.write(dst!, difference);
    m.setArithmeticFlags(difference, borrowsOfSub(m, a, one, difference), m.size, true);
  },
);

export const NEG = define('NEG', { forms: [op('f6 /3', 'Eb'), op('f7 /3', 'Ev')], lock: true }, (m, [dst]) => {
  const b = m.readForWrite(dst!);
  const zero = m.constant(0);
  const difference = m.let(m.sub(zero, b));
  m.write(dst!, difference);
  m.setArithmeticFlags(difference, borrowsOfSub(m, zero, b, difference), m.size);
});

export const NOT = define('NOT', { forms: [op('f6 /2', 'Eb'), op('f7 /2', 'Ev')], lock: true }, (m, [dst]) =>
  m.write(dst!, m.not(m.readForWrite(dst!))),
);

export const XADD = define(
  'XADD',
  { forms: [op('0f c0', 'Eb,Gb'), op('0f c1', 'Ev,Gv')], lock: true },
  (m, [dst, src]) => {
    const a = m.readForWrite(dst!);
    const b = m.read(src!);
    const sum = m.let(m.add(a, b));
    m.write(src!, a); // first, so that XADD of a register with itself leaves the sum
    m.write(dst!, sum);
    m.setArithmeticFlags(sum, carriesOfAdd(m, a, b, sum), m.size);
  },
);

export const CMPXCHG = define(
  'CMPXCHG',
  { forms: [op('0f b0', 'Eb,Gb'), op('0f b1', 'Ev,Gv')], lock: true },
  (m, [dst, src]) => {
    const old = m.readForWrite(dst!);
    const expected = m.register('RAX', m.size);
    const equal = m.let(m.eq(expected, old));
    const difference = m.let(m.sub(expected, old));
    const replacement = m.read(src!);
    // Memory is written in either case (SDM); a register, with the upper half of a 64-bit one, only after a match, and
    // RAX only after a mismatch.
    if (dst!.kind === 'memory') m.write(dst!, m.select(equal, replacement, old));
    else m.if(equal, () => m.write(dst!, replacement));
    m.if(i32.eqz(equal), () => m.setRegister('RAX', m.size, old));
    m.setArithmeticFlags(difference, borrowsOfSub(m, expected, old, difference), m.size);
  },
);
