/** Moves between registers and memory, stack, sign extension and byte order (SDM Vol. 1, 5.1.1). */
import { i32, i64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import { byteSwapped } from './byte-order';

export const MOV = define(
  'MOV',
  {
    forms: [
      op('88', 'Eb,Gb'),
      op('89', 'Ev,Gv'),
      op('8a', 'Gb,Eb'),
      op('8b', 'Gv,Ev'),
      op('a0', 'AL,Ob'),
      op('a1', 'rAX,Ov'),
      op('a2', 'Ob,AL'),
      op('a3', 'Ov,rAX'),
      op('b0+r', 'Zb,Ib'),
      op('b8+r', 'Zv,Iv'),
      op('c6 /0', 'Eb,Ib'),
      op('c7 /0', 'Ev,Iz'),
    ],
  },
  (m, [dst, src]) => m.write(dst!, m.read(src!)),
);

export const LEA = define('LEA', { forms: [op('8d', 'Gv,M')] }, (m, [dst, src]) =>
  m.write(dst!, m.zeroExtend(m.address(src!).offset, m.size)),
);

export const MOVZX = define('MOVZX', { forms: [op('0f b6', 'Gv,Eb'), op('0f b7', 'Gv,Ew')] }, (m, [dst, src]) =>
  m.write(dst!, m.zeroExtend(m.read(src!), m.size)),
);

export const MOVSX = define('MOVSX', { forms: [op('0f be', 'Gv,Eb'), op('0f bf', 'Gv,Ew')] }, (m, [dst, src]) =>
  m.write(dst!, m.signExtend(m.read(src!), src!.bits as 8, m.size)),
);

export const MOVSXD = define('MOVSXD', { forms: [op('63', 'Gv,Ez', { mode: 'long' })] }, (m, [dst, src]) =>
  m.write(dst!, m.signExtend(m.read(src!, src!.bits as 32), src!.bits as 32, m.size)),
);

export const PUSH = define(
  'PUSH',
  {
    forms: [
      op('50+r', 'Zv', { default64: true }),
      op('ff /6', 'Ev', { default64: true }),
      op('68', 'Iz', { default64: true, sized: true }),
      op('6a', 'Ib', { default64: true, sized: true }),
    ],
  },
  (m, [src]) => m.push(m.read(src!, m.size), m.size),
);

export const POP = define(
  'POP',
  { forms: [op('58+r', 'Zv', { default64: true }), op('8f /0', 'Ev', { default64: true })] },
  (m, [dst]) => {
    const value = m.stackTop(m.size);
    const bytes = i64.const(m.size / 8);
    if (dst!.kind === 'register') {
      m.moveStack(bytes); // before the write: POP rSP leaves the value popped
      m.write(dst!, value);
      return;
    }
    // A memory operand based on rSP is addressed after the increment (SDM, POP), which a fault takes back.
    m.popToMemory(dst!, value);
  },
);

export const XCHG = define(
  'XCHG',
  { forms: [op('86', 'Eb,Gb'), op('87', 'Ev,Gv'), op('90+r', 'Zv,rAX')], lock: true },
  (m, [left, right]) => {
    const a = m.readForWrite(left!);
    const b = m.read(right!);
    m.write(left!, b);
    m.write(right!, a);
  },
);

export const BSWAP = define('BSWAP', { forms: [op('0f c8+r', 'Zv')] }, (m, [dst]) =>
  // 16-bit BSWAP is undefined (SDM); the choice here is zero, as Intel's parts give.
  m.write(dst!, m.size === 16 ? i32.const(0) : byteSwapped(m, m.read(dst!))),
);

export const MOVBE = define(
  'MOVBE',
  { forms: [op('np 0f 38 f0', 'Gv,Mv'), op('np 0f 38 f1', 'Mv,Gv')], feature: 'MOVBE' },
  (m, [dst, src]) => m.write(dst!, byteSwapped(m, m.read(src!))),
);

/** A hint: here a plain store. */
export const MOVNTI = define('MOVNTI', { forms: [op('np 0f c3', 'My,Gy')], feature: 'SSE2' }, (m, [dst, src]) =>
  m.write(dst!, m.read(src!)),
);

export const CBW = define('CBW', { forms: [op('98', '', { sized: true })] }, (m) => {
  const from = (m.size / 2) as 8 | 16 | 32;
  m.setRegister('RAX', m.size, m.signExtend(m.register('RAX', from), from, m.size));
});

export const CWD = define('CWD', { forms: [op('99', '', { sized: true })] }, (m) => {
  const value = m.register('RAX', m.size);
  m.setRegister('RDX', m.size, m.sub(m.constant(0), m.zeroExtend(m.signBit(value), m.size)));
});

export const XLAT = define('XLATB', { forms: [op('d7', '', { byte: true })] }, (m) => {
  const table = m.at(m.dataSegment(), m.addressRegister('RBX'));
  m.setRegister('RAX', 8, m.load(m.displaced(table, m.wide(m.register('RAX', 8))), 8));
});
