/**
 * Decimal adjustment (SDM Vol. 2A: AAA, AAD, AAM, AAS, DAA, DAS). Undefined flags: OF is 0; SF, ZF and PF of AAA and AAS
 * follow AL; CF and AF of AAD and AAM are 0.
 */
import { i32, select } from '../../wasm/expr';
import type { I32 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { carriesFor } from '../flags';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { Semantics } from '../semantics';

const ZERO = i32.const(0);
const BYTE = i32.const(0xff);
const NIBBLE = i32.const(0x0f);

function setFlags(m: Semantics, al: I32, carry: I32, adjust: I32): void {
  m.setArithmeticFlags(al, carriesFor(m, 8, carry, ZERO, adjust), 8);
}

/** 1 when the low digit of AL is above 9 or AF is set. */
function lowDigitOver(m: Semantics, al: I32): I32 {
  return m.let(i32.or(i32.gtU(i32.and(al, NIBBLE), i32.const(9)), m.flag('AF')));
}

function asciiAdjust(name: string, opcode: string, combine: (a: I32, b: I32) => I32): Instruction {
  return define(name, { forms: [op(opcode, '', { mode: 'legacy', byte: true })] }, (m) => {
    const adjust = lowDigitOver(m, m.register('RAX', 8) as I32);
    const changed = combine(m.register('RAX', 16) as I32, select(adjust, i32.const(0x106), ZERO));
    const ax = m.let(i32.and(changed, i32.const(0xff0f)));
    m.setRegister('RAX', 16, ax);
    setFlags(m, m.let(i32.and(ax, NIBBLE)), adjust, adjust);
  });
}

export const AAA = asciiAdjust('AAA', '37', i32.add);
export const AAS = asciiAdjust('AAS', '3f', i32.sub);

function decimalAdjust(name: string, opcode: string, add: boolean): Instruction {
  const combine = add ? i32.add : i32.sub;
  return define(name, { forms: [op(opcode, '', { mode: 'legacy', byte: true })] }, (m) => {
    const old = m.register('RAX', 8) as I32;
    const adjust = lowDigitOver(m, old);
    const high = m.let(i32.or(i32.gtU(old, i32.const(0x99)), m.flag('CF')));
    const corrected = combine(combine(old, select(adjust, i32.const(6), ZERO)), select(high, i32.const(0x60), ZERO));
    const al = m.let(i32.and(corrected, BYTE));
    // DAS keeps the borrow of the low digit's correction; DAA clears CF unless the high digit is corrected too.
    const carry = add ? high : i32.or(high, i32.and(adjust, i32.ltU(old, i32.const(6))));
    m.setRegister('RAX', 8, al);
    setFlags(m, al, carry, adjust);
  });
}

export const DAA = decimalAdjust('DAA', '27', true);
export const DAS = decimalAdjust('DAS', '2f', false);

const base = { mode: 'legacy', uimm: true } as const;

export const AAM = define('AAM', { forms: [op('d4', 'Ib', base)] }, (m, [immediate]) => {
  const divisor = m.let(m.read(immediate!, 8) as I32);
  m.faultIf(i32.eqz(divisor), VECTOR.DE);
  const value = m.register('RAX', 8) as I32;
  const al = m.let(i32.remU(value, divisor));
  m.setRegister('RAX', 16, i32.or(i32.shl(i32.divU(value, divisor), i32.const(8)), al));
  setFlags(m, al, ZERO, ZERO);
});

export const AAD = define('AAD', { forms: [op('d5', 'Ib', base)] }, (m, [immediate]) => {
  const high = i32.mul(m.highAccumulator(), m.read(immediate!, 8) as I32);
  const al = m.let(i32.and(i32.add(m.register('RAX', 8) as I32, high), BYTE));
  m.setRegister('RAX', 16, al);
  setFlags(m, al, ZERO, ZERO);
});
