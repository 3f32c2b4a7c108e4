/**
 * VMX instructions (SDM Vol. 3C, chapter 31). In order: #UD rules, the VM exit in VMX non-root operation whatever CPL
 * is, #GP(0) above CPL 0, the operand, the instruction. They report by flags: VMsucceed clears the six arithmetic
 * flags, VMfailInvalid sets CF alone, VMfailValid ZF alone (31.2).
 */
import { i32 } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { Semantics } from '../semantics';
import type { SlowFunctionName } from '../slow';

/** Kinds of `vmxOperation`. */
const RULES = { enabled: 0, inOperation: 1, legalMode: 2 } as const;

function supervisorOnly(m: Semantics): void {
  m.faultIf(m.state('cpl'), VECTOR.GP, i32.const(0));
}

function permitted(m: Semantics, rules: number = RULES.legalMode): void {
  m.call('vmxOperation', i32.const(rules));
  m.intercept('VMX');
  supervisorOnly(m);
}

function report(m: Semantics): void {
  m.setFlags(m.narrow(m.result2()));
}

const options = { feature: 'VMX', endsBlock: true } as const;

function bare(name: string, modrm: string, slow: SlowFunctionName): Instruction {
  return define(name, { ...options, forms: [op(`np 0f 01 ${modrm}`)] }, (m) => {
    permitted(m);
    m.call(slow);
    report(m);
  });
}

export const VMLAUNCH = bare('VMLAUNCH', 'c2', 'vmlaunch');
export const VMRESUME = bare('VMRESUME', 'c3', 'vmresume');
export const VMXOFF = bare('VMXOFF', 'c4', 'vmxoff');

/** Exits from every mode; in root operation it is undefined in virtual-8086 and compatibility mode. */
export const VMCALL = define('VMCALL', { ...options, forms: [op('np 0f 01 c1')] }, (m) => {
  m.call('vmxOperation', i32.const(RULES.inOperation));
  m.intercept('VMX');
  m.call('vmxOperation', i32.const(RULES.legalMode));
  supervisorOnly(m);
  m.call('vmcall');
  report(m);
});

export const VMFUNC = define('VMFUNC', { ...options, forms: [op('np 0f 01 d4')] }, (m) => m.call('vmfunc'));

function pointer(name: string, encoding: string, slow: SlowFunctionName, rules?: number): Instruction {
  return define(name, { ...options, forms: [op(encoding, 'Mq')] }, (m, [operand]) => {
    permitted(m, rules);
    m.call(slow, m.read(operand!));
    report(m);
  });
}

export const VMXON = pointer('VMXON', 'f3 0f c7 /6', 'vmxon', RULES.enabled);
export const VMCLEAR = pointer('VMCLEAR', '66 0f c7 /6', 'vmclear');
export const VMPTRLD = pointer('VMPTRLD', 'np 0f c7 /6', 'vmptrld');

export const VMPTRST = define('VMPTRST', { ...options, forms: [op('np 0f c7 /7', 'Mq')] }, (m, [operand]) => {
  permitted(m);
  m.call('vmptrst');
  m.write(operand!, m.result(64));
  report(m);
});

export const VMREAD = define(
  'VMREAD',
  {
    ...options,
    forms: [op('np 0f 78', 'Ed,Gd', { mode: 'legacy' }), op('np 0f 78', 'Eq,Gq', { mode: 'long' })],
  },
  (m, [dst, field]) => {
    permitted(m);
    m.call('vmread', m.wide(m.read(field!)));
    const [value, flags] = [m.result(m.size), m.let(m.narrow(m.result2()))];
    m.if(i32.eqz(flags), () => m.write(dst!, value));
    m.setFlags(flags);
  },
);

export const VMWRITE = define(
  'VMWRITE',
  {
    ...options,
    forms: [op('np 0f 79', 'Gd,Ed', { mode: 'legacy' }), op('np 0f 79', 'Gq,Eq', { mode: 'long' })],
  },
  (m, [field, src]) => {
    permitted(m);
    const value = m.wide(m.read(src!));
    m.call('vmwrite', m.wide(m.read(field!)), value);
    report(m);
  },
);

function invalidate(name: string, opcode: string, slow: SlowFunctionName): Instruction {
  const encoding = `66 0f 38 ${opcode}`;
  const forms = [op(encoding, 'Gd,Mdq', { mode: 'legacy' }), op(encoding, 'Gq,Mdq', { mode: 'long' })];
  return define(name, { ...options, forms }, (m, [type, descriptor]) => {
    permitted(m);
    const { segment, offset } = m.address(descriptor!);
    m.call(slow, m.wide(m.read(type!)) as I64, segment, offset);
    report(m);
  });
}

export const INVEPT = invalidate('INVEPT', '80', 'invept');
export const INVVPID = invalidate('INVVPID', '81', 'invvpid');
