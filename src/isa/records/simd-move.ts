/**
 * Moves of MMX and XMM registers (SDM Vol. 1, 5.4.1, 5.5.1.1, 5.6.1.1, 5.6.3, 5.7, 5.10.6). Non-temporal hints mean
 * nothing here. A load into an XMM register clears what it does not fill, except MOVLPx and MOVHPx.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { i64x2 } from '../../wasm/simd';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import type { Form } from '../form';
import type { Operand, Semantics } from '../semantics';
import { enterMmx, readMmx } from './simd-entry';
import { byteAt, fromLow32, fromLow64, high64, laneMask, pick } from './simd-lane';

/** 128 bits from operand to operand. */
function whole(name: string, forms: readonly Form[], feature: Feature, aligned: boolean): Instruction {
  return define(name, { forms, feature }, (m, [dst, src]) => {
    m.enterSse();
    m.writeVector(dst!, m.readVector(src!, aligned), aligned);
  });
}

const both = (prefix: string, load: string, store: string, type: string): Form[] => [
  op(`${prefix} 0f ${load}`, `V${type},W${type}`),
  op(`${prefix} 0f ${store}`, `W${type},V${type}`),
];

const WHOLE: readonly Instruction[] = [
  whole('MOVUPS', both('np', '10', '11', 'ps'), 'SSE', false),
  whole('MOVUPD', both('66', '10', '11', 'pd'), 'SSE2', false),
  whole('MOVAPS', both('np', '28', '29', 'ps'), 'SSE', true),
  whole('MOVAPD', both('66', '28', '29', 'pd'), 'SSE2', true),
  whole('MOVDQA', both('66', '6f', '7f', 'dq'), 'SSE2', true),
  whole('MOVDQU', both('f3', '6f', '7f', 'dq'), 'SSE2', false),
  whole('MOVNTPS', [op('np 0f 2b', 'Mps,Vps')], 'SSE', true),
  whole('MOVNTPD', [op('66 0f 2b', 'Mpd,Vpd')], 'SSE2', true),
  whole('MOVNTDQ', [op('66 0f e7', 'Mdq,Vdq')], 'SSE2', true),
  whole('MOVNTDQA', [op('66 0f 38 2a', 'Vdq,Mdq')], 'SSE4_1', true),
  whole('LDDQU', [op('f2 0f f0', 'Vdq,Mdq')], 'SSE3', false),
];

/** Writes the low element of an XMM register and clears the rest. */
function writeCleared(m: Semantics, dst: Operand, value: I32 | I64): void {
  const vector = value.type === 'i64' ? fromLow64(value) : fromLow32(value);
  m.writeVector(dst, vector);
}

/** MOVSS and MOVSD: between registers the upper part stays. */
function scalar(name: string, prefix: string, type: 'ss' | 'sd', feature: Feature): Instruction {
  return define(name, { forms: both(prefix, '10', '11', type), feature }, (m, [dst, src]) => {
    m.enterSse();
    const value = m.read(src!);
    if (src!.kind === 'memory') writeCleared(m, dst!, value as I32 | I64);
    else m.write(dst!, value);
  });
}

/** MOVQ between XMM registers and memory. */
const MOVQ = define(
  'MOVQ',
  { forms: [op('f3 0f 7e', 'Vq,Wq'), op('66 0f d6', 'Wq,Vq')], feature: 'SSE2' },
  (m, [dst, src]) => {
    m.enterSse();
    const value = m.read(src!) as I64;
    if (dst!.kind === 'memory') m.write(dst!, value);
    else writeCleared(m, dst!, value);
  },
);

/** Between general registers or memory and XMM registers; REX.W makes MOVD a MOVQ. */
function general(name: string, type: 'd' | 'q', w: 0 | 1): Instruction[] {
  const options = { w };
  const forms = [op('66 0f 6e', `V${type},E${type}`, options), op('66 0f 7e', `E${type},V${type}`, options)];
  const mmxForms = [op('np 0f 6e', `Pq,E${type}`, options), op('np 0f 7e', `E${type},P${type}`, options)];
  return [
    define(name, { forms, feature: 'SSE2' }, (m, [dst, src]) => {
      m.enterSse();
      const value = m.read(src!);
      if (dst!.file === 'xmm') writeCleared(m, dst!, value as I32 | I64);
      else m.write(dst!, value);
    }),
    define(name, { forms: mmxForms, feature: 'MMX' }, (m, [dst, src]) => {
      enterMmx(m);
      const value = m.read(src!);
      m.write(dst!, dst!.file === 'mmx' ? m.wide(value) : value);
      m.finishMmx(true);
    }),
  ];
}

function mmxMove(name: string, forms: readonly Form[], feature: Feature): Instruction {
  return define(name, { forms, feature }, (m, [dst, src]) => {
    enterMmx(m);
    m.write(dst!, m.read(src!));
    m.finishMmx(true);
  });
}

const MOVQ2DQ = define('MOVQ2DQ', { forms: [op('f3 0f d6', 'Vdq,Nq')], feature: 'SSE2' }, (m, [dst, src]) => {
  m.enterSse();
  enterMmx(m);
  writeCleared(m, dst!, m.read(src!) as I64);
  m.finishMmx(true);
});

const MOVDQ2Q = define('MOVDQ2Q', { forms: [op('f2 0f d6', 'Pq,Uq')], feature: 'SSE2' }, (m, [dst, src]) => {
  m.enterSse();
  enterMmx(m);
  m.write(dst!, m.read(src!));
  m.finishMmx(true);
});

/** MOVLPx: 64 bits of memory and the low half. */
function lowHalf(name: string, prefix: string, feature: Feature): Instruction {
  const forms = [op(`${prefix} 0f 12`, 'Vq,Mq'), op(`${prefix} 0f 13`, 'Mq,Vq')];
  return define(name, { forms, feature }, (m, [dst, src]) => {
    m.enterSse();
    m.write(dst!, m.read(src!));
  });
}

/** MOVHPx: 64 bits of memory and the high half. */
function highHalf(name: string, prefix: string, feature: Feature): Instruction {
  const forms = [op(`${prefix} 0f 16`, 'Vdq,Mq'), op(`${prefix} 0f 17`, 'Mq,Vdq')];
  return define(name, { forms, feature }, (m, [dst, src]) => {
    m.enterSse();
    if (dst!.kind === 'memory') m.write(dst!, m.let(high64(m.readVector(src!))));
    else m.writeVector(dst!, i64x2.replace(m.readVector(dst!), 1, m.read(src!) as I64));
  });
}

const MOVHLPS = define('MOVHLPS', { forms: [op('np 0f 12', 'Vdq,Udq')], feature: 'SSE' }, (m, [dst, src]) => {
  m.enterSse();
  const b = m.readVector(src!);
  m.writeVector(dst!, pick(64, b, m.readVector(dst!), [1, 3]));
});

const MOVLHPS = define('MOVLHPS', { forms: [op('np 0f 16', 'Vdq,Udq')], feature: 'SSE' }, (m, [dst, src]) => {
  m.enterSse();
  const b = m.readVector(src!);
  m.writeVector(dst!, pick(64, m.readVector(dst!), b, [0, 2]));
});

const EMMS = define('EMMS', { forms: [op('np 0f 77')], feature: 'MMX' }, (m) => {
  enterMmx(m);
  m.finishMmx(false);
});

/**
 * Bytes whose mask byte has its top bit set, stored at DS:rDI one by one. The whole range is proved first, whatever the
 * mask (SDM Vol. 2B, MASKMOVDQU, leaves faults with an empty mask to the implementation).
 */
function maskedStore(m: Semantics, bytes: 8 | 16, mask: I32, value: (index: I32) => I32): void {
  const start = m.at(m.dataSegment(), m.addressRegister('RDI'));
  m.prove(start, bytes);
  const index = m.code.local('i32');
  m.code.set(index, i32.const(0));
  m.code.loop((again) => {
    m.if(i32.and(i32.shrU(mask, index.get()), i32.const(1)), () =>
      m.store(m.displaced(start, i64.extendU(index.get())), m.let(value(index.get())), 8),
    );
    m.code.set(index, i32.add(index.get(), i32.const(1)));
    m.code.brIf(again, i32.ltU(index.get(), i32.const(bytes)));
  });
}

export const SIMD_MOVE: readonly Instruction[] = [
  ...WHOLE,
  scalar('MOVSS', 'f3', 'ss', 'SSE'),
  scalar('MOVSD', 'f2', 'sd', 'SSE2'),
  MOVQ,
  ...general('MOVD', 'd', 0),
  ...general('MOVQ', 'q', 1),
  mmxMove('MOVQ', [op('np 0f 6f', 'Pq,Qq'), op('np 0f 7f', 'Qq,Pq')], 'MMX'),
  mmxMove('MOVNTQ', [op('np 0f e7', 'Mq,Pq')], 'SSE'),
  MOVQ2DQ,
  MOVDQ2Q,
  lowHalf('MOVLPS', 'np', 'SSE'),
  lowHalf('MOVLPD', '66', 'SSE2'),
  highHalf('MOVHPS', 'np', 'SSE'),
  highHalf('MOVHPD', '66', 'SSE2'),
  MOVHLPS,
  MOVLHPS,
  EMMS,
  define('MASKMOVDQU', { forms: [op('66 0f f7', 'Vdq,Udq')], feature: 'SSE2' }, (m, [data, by]) => {
    m.enterSse();
    const value = m.readVector(data!);
    maskedStore(m, 16, m.let(laneMask(8, m.readVector(by!))), (index) => byteAt(value, index));
  }),
  define('MASKMOVQ', { forms: [op('np 0f f7', 'Pq,Nq')], feature: 'SSE' }, (m, [data, by]) => {
    enterMmx(m);
    const value = readMmx(m, data!);
    const mask = m.let(i32.and(laneMask(8, readMmx(m, by!)), i32.const(0xff)));
    m.finishMmx(true); // even when the store then faults, as processors do it
    maskedStore(m, 8, mask, (index) => byteAt(value, index));
  }),
];
