/**
 * Flag control (SDM Vol. 1, 5.1.11). CLI, STI, CLAC and STAC change what the processor may do next and are slow
 * functions; SALC is undocumented and sets AL from CF as every Intel part does.
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

export const CLI = define('CLI', { forms: [op('fa')], endsBlock: true }, (m) =>
  m.call('setInterruptFlag', i32.const(0)),
);
export const STI = define('STI', { forms: [op('fb')], endsBlock: true }, (m) =>
  m.call('setInterruptFlag', i32.const(1)),
);

function alignmentCheck(name: string, modrm: string, value: number): Instruction {
  return define(name, { forms: [op(`np 0f 01 ${modrm}`)], feature: 'SMAP', endsBlock: true }, (m) => {
    m.faultIf(m.state('cpl'), VECTOR.UD);
    m.call('setAlignmentCheck', i32.const(value));
  });
}

export const CLAC = alignmentCheck('CLAC', 'ca', 0);
export const STAC = alignmentCheck('STAC', 'cb', 1);
