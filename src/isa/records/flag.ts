/**
 * Flag control (SDM Vol. 1, 5.1.11). SALC is undocumented and sets AL from CF as every Intel part does.
 * NOT IMPLEMENTED: VME and PVI (CPUID.01H:EDX.VME = 0), so VIF never stands in for IF.
 */
import { i32 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { FLAG, VECTOR } from '../semantics';

export const CLC = define('CLC', { forms: [op('f8')] }, (m) => m.setCarry(i32.const(0)));
export const STC = define('STC', { forms: [op('f9')] }, (m) => m.setCarry(i32.const(1)));
export const CMC = define('CMC', { forms: [op('f5')] }, (m) => m.setCarry(i32.eqz(m.flag('CF'))));
export const CLD = define('CLD', { forms: [op('fc')] }, (m) => m.setDirection(0));
export const STD = define('STD', { forms: [op('fd')] }, (m) => m.setDirection(1));

/** The flags that LAHF and SAHF move: SF, ZF, AF, PF and CF. */
const LOW_FLAGS = FLAG.SF | FLAG.ZF | FLAG.AF | FLAG.PF | FLAG.CF;

export const LAHF = define('LAHF', { forms: [op('9f')] }, (m) =>
  m.setHighAccumulator(i32.or(i32.and(m.flags(), i32.const(LOW_FLAGS)), i32.const(2))),
);

export const SAHF = define('SAHF', { forms: [op('9e')] }, (m) => {
  const kept = i32.shl(m.flag('OF'), i32.const(11));
  m.setFlags(i32.or(i32.and(m.highAccumulator(), i32.const(LOW_FLAGS)), kept));
});

export const SALC = define('SALC', { forms: [op('d6', '', { mode: 'legacy', byte: true })] }, (m) =>
  m.setRegister('RAX', 8, i32.and(i32.sub(i32.const(0), m.flag('CF')), i32.const(0xff))),
);

function interruptFlag(name: string, code: string, value: 0 | 1): Instruction {
  return define(name, { forms: [op(code)] }, (m) => {
    const privilege = i32.and(i32.shrU(m.state('eflags'), i32.const(12)), i32.const(3));
    m.faultIf(i32.gtU(m.state('cpl'), privilege), VECTOR.GP, i32.const(0));
    m.setInterruptFlag(value);
  });
}

export const CLI = interruptFlag('CLI', 'fa', 0);
export const STI = interruptFlag('STI', 'fb', 1);

function alignmentCheck(name: string, modrm: string, value: 0 | 1): Instruction {
  return define(name, { forms: [op(`np 0f 01 ${modrm}`)], feature: 'SMAP', endsBlock: true }, (m) => {
    m.faultIf(m.state('cpl'), VECTOR.UD);
    m.setAlignmentCheck(value);
  });
}

export const CLAC = alignmentCheck('CLAC', 'ca', 0);
export const STAC = alignmentCheck('STAC', 'cb', 1);
