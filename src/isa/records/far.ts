/**
 * Far control transfer, software interrupts and system calls (SDM Vol. 1, 5.1.7, chapter 6; Vol. 2). What they do to
 * segments, privilege, stack and tasks is in slow functions, which set RIP themselves.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { Semantics } from '../semantics';
import { farPointer } from './far-pointer';

function farTransfer(name: string, direct: string, indirect: string, slow: 'farJump' | 'farCall'): Instruction {
  const forms = [op(direct, 'Ap', { mode: 'legacy' }), op(indirect, 'Mp')];
  return define(name, { forms, endsBlock: true }, (m, [target]) => {
    const { selector, offset } = target!.kind === 'far' ? m.farTarget(target!) : farPointer(m, target!);
    m.call(slow, selector, offset, i32.const(m.size));
  });
}

export const JMP_FAR = farTransfer('JMP', 'ea', 'ff /5', 'farJump');
export const CALL_FAR = farTransfer('CALL', '9a', 'ff /3', 'farCall');

export const RETF = define(
  'RETF',
  { forms: [op('cb', '', { sized: true }), op('ca', 'Iw', { sized: true })], endsBlock: true },
  (m, [release]) => m.call('farReturn', i32.const(m.size), release ? m.narrow(m.read(release, 16)) : i32.const(0)),
);

export const IRET = define('IRET', { forms: [op('cf', '', { sized: true })], endsBlock: true }, (m) => {
  if (m.size === 64) m.returnWithinKernel();
  m.call('interruptReturn', i32.const(m.size));
});

export const INT = define('INT', { forms: [op('cd', 'Ib', { uimm: true })], endsBlock: true }, (m, [vector]) =>
  m.call('softwareInterrupt', m.narrow(m.read(vector!, 8))),
);

export const INT3 = define('INT3', { forms: [op('cc')], endsBlock: true }, (m) => m.call('breakpoint'));
export const INT1 = define('INT1', { forms: [op('f1')], endsBlock: true }, (m) => m.call('debugTrap'));

export const INTO = define('INTO', { forms: [op('ce', '', { mode: 'legacy' })], endsBlock: true }, (m) =>
  m.if(m.flag('OF'), () => m.call('overflow')),
);

/** 1 when a < b, signed, at the operand size (16 or 32 bits). */
function less(m: Semantics, a: I32, b: I32): I32 {
  const signed = (value: I32): I32 => (m.size === 16 ? i32.extend16S(value) : value);
  return i32.ltS(signed(a), signed(b));
}

export const BOUND = define('BOUND', { forms: [op('62', 'Gv,Ma', { mode: 'legacy' })] }, (m, [operand, bounds]) => {
  const index = m.read(operand!);
  const place = m.address(bounds!);
  const lower = m.load(place, m.size);
  const upper = m.load(m.displaced(place, i64.const(m.size / 8)), m.size);
  const [at, from, to] = [index, lower, upper].map((value) => m.narrow(value)) as [I32, I32, I32];
  m.faultIf(i32.or(less(m, at, from), less(m, to, at)), VECTOR.BR);
});

export const SYSCALL = define('SYSCALL', { forms: [op('0f 05', '', { mode: 'long' })], endsBlock: true }, (m) =>
  m.call('syscall'),
);

/** CPL is checked by the slow function, after EFER.SCE, which raises #UD. */
export const SYSRET = define(
  'SYSRET',
  { forms: [op('0f 07', '', { mode: 'long', sized: true })], endsBlock: true },
  (m) => m.call('sysret', i32.const(m.size)),
);

export const SYSENTER = define('SYSENTER', { forms: [op('0f 34')], feature: 'SEP', endsBlock: true }, (m) =>
  m.call('sysenter'),
);

export const SYSEXIT = define(
  'SYSEXIT',
  { forms: [op('0f 35', '', { sized: true })], feature: 'SEP', privilege: 0, endsBlock: true },
  (m) => m.call('sysexit', i32.const(m.size)),
);
