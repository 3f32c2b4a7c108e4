/** Near control transfer (SDM Vol. 1, 5.1.7). */
import { i32, i64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';

const near = { force64: true } as const;

export const Jcc = define(
  'J{cc}',
  { forms: [op('70+cc', 'cc,Jb', { ...near, sized: true }), op('0f 80+cc', 'cc,Jz', near)] },
  (m, [cc, target]) => m.jumpIf(m.condition(cc!), m.relativeTarget(target!)),
);

export const JMP = define(
  'JMP',
  {
    forms: [op('eb', 'Jb', { ...near, sized: true }), op('e9', 'Jz', near), op('ff /4', 'Ev', near)],
    goesElsewhere: true,
  },
  (m, [target]) => m.jump(target!.kind === 'relative' ? m.relativeTarget(target!) : m.let(m.wide(m.read(target!)))),
);

export const CALL = define(
  'CALL',
  { forms: [op('e8', 'Jz', near), op('ff /2', 'Ev', near)], goesElsewhere: true },
  (m, [target]) => {
    const rip = m.let(target!.kind === 'relative' ? m.relativeTarget(target!) : m.wide(m.read(target!)));
    m.checkTarget(rip);
    m.push(m.zeroExtend(m.nextRip(), m.size), m.size);
    m.jump(rip);
  },
);

export const RET = define(
  'RET',
  { forms: [op('c3', '', { ...near, sized: true }), op('c2', 'Iw', { ...near, sized: true })], goesElsewhere: true },
  (m, [release]) => {
    const rip = m.let(m.wide(m.stackTop(m.size)));
    m.checkTarget(rip);
    const bytes = release ? m.wide(m.read(release, 16)) : i64.const(0);
    m.moveStack(i64.add(bytes, i64.const(m.size / 8)));
    m.jump(rip);
  },
);

export const SETcc = define('SET{cc}', { forms: [op('0f 90+cc', 'cc,Eb')] }, (m, [cc, dst]) =>
  m.write(dst!, m.condition(cc!)),
);

export const CMOVcc = define('CMOV{cc}', { forms: [op('0f 40+cc', 'cc,Gv,Ev')] }, (m, [cc, dst, src]) => {
  const value = m.read(src!); // read, and able to fault, whatever the condition says
  m.write(dst!, m.select(m.condition(cc!), value, m.read(dst!)));
});

export const JCXZ = define('JrCXZ', { forms: [op('e3', 'Jb', { ...near, sized: true })] }, (m, [target]) =>
  m.jumpIf(m.isZero(m.addressRegister('RCX')), m.relativeTarget(target!)),
);

function loop(name: string, opcode: string, extra?: 'ZF' | 'NZ') {
  return define(name, { forms: [op(opcode, 'Jb', { ...near, sized: true })] }, (m, [target]) => {
    const rip = m.let(m.relativeTarget(target!));
    const before = m.addressRegister('RCX');
    const more = i64.ne(before, i64.const(1));
    const zf = m.flag('ZF');
    const again = m.let(!extra ? more : i32.and(more, extra === 'ZF' ? zf : i32.eqz(zf)));
    m.if(again, () => m.checkTarget(rip)); // before rCX changes
    m.setAddressRegister('RCX', i64.sub(before, i64.const(1)));
    m.jumpIf(again, rip);
  });
}

export const LOOP = loop('LOOP', 'e2');
export const LOOPE = loop('LOOPE', 'e1', 'ZF');
export const LOOPNE = loop('LOOPNE', 'e0', 'NZ');
