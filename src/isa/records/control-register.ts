/**
 * Control and debug registers (SDM Vol. 2: MOV to and from control and debug registers, CLTS, LMSW, SMSW, XGETBV,
 * XSETBV). MOV moves 64 bits in 64-bit mode and 32 elsewhere; register numbers that do not exist are undefined to the
 * decoder.
 */
import { i32 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { Operand, Semantics } from '../semantics';
import { registerPair, setRegisterPair } from './register-pair';

const CR4 = { DE: 3, OSXSAVE: 18 } as const;

export const MOV_FROM_CONTROL = define(
  'MOV',
  {
    forms: [op('0f 20', 'Rd,Cd', { mode: 'legacy' }), op('0f 20', 'Rq,Cq', { mode: 'long' })],
    privilege: 0,
    exit: 'CR_ACCESS',
  },
  (m, [dst, src]) => {
    m.call('readControl', m.registerNumber(src!));
    m.write(dst!, m.result(m.size));
  },
);

export const MOV_TO_CONTROL = define(
  'MOV',
  {
    forms: [op('0f 22', 'Cd,Rd', { mode: 'legacy' }), op('0f 22', 'Cq,Rq', { mode: 'long' })],
    privilege: 0,
    exit: 'CR_ACCESS',
    endsBlock: true,
  },
  (m, [dst, src]) => m.call('writeControl', m.registerNumber(dst!), m.wide(m.read(src!))),
);

/** #UD for DR4 and DR5 with CR4.DE, then the VM exit, which goes before DR7.GD's #DB (SDM Vol. 3C, 26.1.3). */
function debugRegister(m: Semantics, operand: Operand): I32 {
  const number = m.registerNumber(operand);
  const alias = i32.eq(i32.and(number, i32.const(6)), i32.const(4));
  m.faultIf(i32.and(alias, m.bit(m.state('cr4'), CR4.DE)), VECTOR.UD);
  m.intercept('DR_ACCESS');
  return number;
}

export const MOV_FROM_DEBUG = define(
  'MOV',
  {
    forms: [op('0f 21', 'Rd,Dd', { mode: 'legacy' }), op('0f 21', 'Rq,Dq', { mode: 'long' })],
    privilege: 0,
  },
  (m, [dst, src]) => {
    m.call('readDebug', debugRegister(m, src!));
    m.write(dst!, m.result(m.size));
  },
);

export const MOV_TO_DEBUG = define(
  'MOV',
  {
    forms: [op('0f 23', 'Dd,Rd', { mode: 'legacy' }), op('0f 23', 'Dq,Rq', { mode: 'long' })],
    privilege: 0,
    endsBlock: true,
  },
  (m, [dst, src]) => m.call('writeDebug', debugRegister(m, dst!), m.wide(m.read(src!))),
);

export const CLTS = define('CLTS', { forms: [op('0f 06')], privilege: 0, exit: 'CR_ACCESS', endsBlock: true }, (m) =>
  m.call('clearTaskSwitched'),
);

/** Not privileged; a register takes as much of CR0 as its width holds. */
export const SMSW = define('SMSW', { forms: [op('0f 01 /4', 'Rv'), op('0f 01 /4', 'Mw')] }, (m, [dst]) => {
  m.call('readControl', i32.const(0));
  m.write(dst!, m.result(m.size));
});

export const LMSW = define(
  'LMSW',
  { forms: [op('0f 01 /6', 'Ew')], privilege: 0, exit: 'CR_ACCESS', endsBlock: true },
  (m, [src]) => m.call('loadMachineStatus', m.narrow(m.read(src!))),
);

function needOsXsave(m: Semantics): void {
  m.faultIf(i32.eqz(m.bit(m.state('cr4'), CR4.OSXSAVE)), VECTOR.UD);
}

export const XGETBV = define('XGETBV', { forms: [op('np 0f 01 d0')], feature: 'XSAVE' }, (m) => {
  needOsXsave(m);
  m.call('xgetbv', m.narrow(m.register('RCX', 32)));
  setRegisterPair(m, m.result(64) as I64);
});

export const XSETBV = define('XSETBV', { forms: [op('np 0f 01 d1')], feature: 'XSAVE', endsBlock: true }, (m) => {
  needOsXsave(m);
  m.faultIf(m.state('cpl'), VECTOR.GP, i32.const(0));
  m.intercept('XSETBV');
  m.call('xsetbv', m.narrow(m.register('RCX', 32)), registerPair(m));
});
