/**
 * Instructions without an effect on the state, fences, and those that exist to be undefined (SDM Vol. 2: NOP, PAUSE,
 * PREFETCHh, PREFETCHW, CLFLUSH, LFENCE, MFENCE, SFENCE, UD, ENDBR32, ENDBR64, RSM, GETSEC). Memory is always in order
 * here. RSM is undefined outside system-management mode and GETSEC without CR4.SMXE: neither exists here.
 */
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import type { Form } from '../form';
import { VECTOR } from '../semantics';

function nothing(name: string, forms: readonly Form[], feature?: Feature): Instruction {
  return define(name, { forms, feature }, () => undefined);
}

/** 0F 0D and 0F 18-1F are NOPs with an operand wherever they mean nothing else (SDM Vol. 2D, A.2.5 and table A-3). */
export const NOP = nothing('NOP', [
  op('90'),
  ...['0d', '18', '19', '1a', '1b', '1c', '1d', '1e', '1f'].map((opcode) => op(`0f ${opcode}`, 'Ev')),
]);

export const PAUSE = define('PAUSE', { forms: [op('f3 90')], exit: 'PAUSE' }, () => undefined);

export const PREFETCHNTA = nothing('PREFETCHNTA', [op('0f 18 /0', 'Mb')]);
export const PREFETCHT0 = nothing('PREFETCHT0', [op('0f 18 /1', 'Mb')]);
export const PREFETCHT1 = nothing('PREFETCHT1', [op('0f 18 /2', 'Mb')]);
export const PREFETCHT2 = nothing('PREFETCHT2', [op('0f 18 /3', 'Mb')]);
export const PREFETCHW = nothing('PREFETCHW', [op('0f 0d /1', 'Mb')]);

/** Without CET they are NOPs. */
export const ENDBR64 = nothing('ENDBR64', [op('f3 0f 1e fa')]);
export const ENDBR32 = nothing('ENDBR32', [op('f3 0f 1e fb')]);

export const LFENCE = nothing('LFENCE', [op('np 0f ae /5', '', { rm: 'reg' })], 'SSE2');
export const MFENCE = nothing('MFENCE', [op('np 0f ae /6', '', { rm: 'reg' })], 'SSE2');
export const SFENCE = nothing('SFENCE', [op('np 0f ae /7', '', { rm: 'reg' })], 'SSE');

export const CLFLUSH = define('CLFLUSH', { forms: [op('np 0f ae /7', 'Mb')], feature: 'CLFSH' }, (m, [operand]) => {
  const { segment, offset } = m.address(operand!);
  m.call('flushLine', segment, offset);
});

function undefinedOpcode(name: string, form: Form): Instruction {
  return define(name, { forms: [form] }, (m) => m.fault(VECTOR.UD));
}

export const UD0 = undefinedOpcode('UD0', op('0f ff', 'Gv,Ev'));
export const UD1 = undefinedOpcode('UD1', op('0f b9', 'Gv,Ev'));
export const UD2 = undefinedOpcode('UD2', op('0f 0b'));
export const RSM = undefinedOpcode('RSM', op('0f aa'));
export const GETSEC = undefinedOpcode('GETSEC', op('np 0f 37'));
