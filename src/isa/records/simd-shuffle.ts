/**
 * Packed shuffles, packs, unpacks and blends (SDM Vol. 1, 5.4.2, 5.5.1.4, 5.6.1.4, 5.8, 5.10.4, 5.10.9). Orders that an
 * immediate gives become byte numbers at run time, which one `swizzle` picks.
 */
import { i32, i64, select } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { bitSelect, i64x2 } from '../../wasm/simd';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import type { Operand, Semantics } from '../semantics';
import { enterMmx, immediateByte, onBoth, onBoth38, onXmm, readMmx } from './simd-entry';
import { halves, high64, IDENTITY, interleave, lanes, lanesOfMask, laneShift } from './simd-lane';
import { atMost, low64, or, pick, splat, swizzle, and } from './simd-lane';
import type { Binary } from './simd-lane';

const imm = { uimm: true } as const;

/** Both operands' lanes narrowed to `bits`; MMX operands lie in one vector. */
const pack =
  (kind: 'narrowS' | 'narrowU', bits: 8 | 16): Binary =>
  (a, b) =>
    lanes(kind, bits)(a, b);
const packHalf =
  (full: Binary): Binary =>
  (a, b) => {
    const both = pick(64, a, b, [0, 2]);
    return full(both, both);
  };

/** On MMX registers the upper half of the low interleaving is the high one. */
const highHalf =
  (bits: 8 | 16 | 32): Binary =>
  (a, b) => {
    const both = interleave(bits, 0)(a, b);
    return pick(64, both, both, [1, 0]);
  };

function unpacks(): Instruction[] {
  const suffixes = ['BW', 'WD', 'DQ'];
  return ([8, 16, 32] as const).flatMap((bits, n) => {
    const low = `0f ${(0x60 + n).toString(16)}`;
    const high = `0f ${(0x68 + n).toString(16)}`;
    const lower = interleave(bits, 0);
    return [
      ...onBoth(`PUNPCKL${suffixes[n]}`, low, 'MMX', lower, lower, 'Pq,Qd'),
      ...onBoth(`PUNPCKH${suffixes[n]}`, high, 'MMX', interleave(bits, 1), highHalf(bits)),
    ];
  });
}

/** Numbers of the bytes of four lanes of 16 bits that a control byte orders, as 64 bits. */
function wordOrder(m: Semantics, control: I32): I64 {
  const lane = (n: number): I64 => {
    const selected = i32.and(i32.shrU(control, i32.const(2 * n)), i32.const(3));
    const bytes = i32.add(i32.mul(selected, i32.const(0x0202)), i32.const(0x0100));
    return i64.shl(i64.extendU(bytes), i64.const(16 * n));
  };
  return m.let(i64.or(i64.or(lane(0), lane(1)), i64.or(lane(2), lane(3))));
}

/** Numbers of the bytes of four lanes of 32 bits that a control byte orders. */
function doublewordOrder(m: Semantics, control: I32): V128 {
  const lane = (n: number): I64 => {
    const selected = i32.and(i32.shrU(control, i32.const(2 * n)), i32.const(3));
    return i64.extendU(i32.add(i32.mul(selected, i32.const(0x04040404)), i32.const(0x03020100)));
  };
  const two = (n: number): I64 => i64.or(lane(n), i64.shl(lane(n + 1), i64.const(32)));
  return m.let(halves(two(0), two(2)));
}

const BYTES_0_7 = i64.const(0x0706050403020100n);
const BYTES_8_15 = i64.const(0x0f0e0d0c0b0a0908n);

type Order = (m: Semantics, control: I32) => V128;
const lowWords: Order = (m, control) => halves(wordOrder(m, control), BYTES_8_15);
const highWords: Order = (m, control) =>
  halves(BYTES_0_7, i64.add(wordOrder(m, control), i64.const(0x0808080808080808n)));

function ordered(name: string, prefix: string, order: Order): Instruction {
  const forms = [op(`${prefix} 0f 70`, 'Vdq,Wdq,Ib', imm)];
  return define(name, { forms, feature: 'SSE2' }, (m, [dst, src, by]) => {
    m.enterSse();
    const source = m.readVector(src!, true);
    m.writeVector(dst!, swizzle(source, order(m, immediateByte(m, by!))));
  });
}

const PSHUFW = define('PSHUFW', { forms: [op('np 0f 70', 'Pq,Qq,Ib', imm)], feature: 'SSE' }, (m, [dst, src, by]) => {
  enterMmx(m);
  const source = readMmx(m, src!);
  m.write(dst!, m.let(low64(swizzle(source, i64x2.splat(wordOrder(m, immediateByte(m, by!)))))));
  m.finishMmx(true);
});

const SHUFPS = define('SHUFPS', { forms: [op('np 0f c6', 'Vps,Wps,Ib', imm)], feature: 'SSE' }, (m, [dst, src, by]) => {
  m.enterSse();
  const b = m.readVector(src!, true);
  const a = m.readVector(dst!);
  const order = doublewordOrder(m, immediateByte(m, by!));
  m.writeVector(dst!, pick(64, swizzle(a, order), swizzle(b, order), [0, 3]));
});

const SHUFPD = define(
  'SHUFPD',
  { forms: [op('66 0f c6', 'Vpd,Wpd,Ib', imm)], feature: 'SSE2' },
  (m, [dst, src, by]) => {
    m.enterSse();
    const b = m.readVector(src!, true);
    const a = m.readVector(dst!);
    const control = immediateByte(m, by!);
    const half = (from: V128, bit: number): I64 => select(m.bit(control, bit), high64(from), low64(from));
    m.writeVector(dst!, halves(half(a, 0), half(b, 1)));
  },
);

/** A byte with bit 7 set picks 0; otherwise its low bits count. */
const PSHUFB = onBoth38(
  'PSHUFB',
  '00',
  (a, b) => swizzle(a, and(b, splat(8, i32.const(0x8f)))),
  (a, b) => swizzle(a, and(b, splat(8, i32.const(0x87)))),
);

const PALIGNR_MMX = define(
  'PALIGNR',
  { forms: [op('np 0f 3a 0f', 'Pq,Qq,Ib', imm)], feature: 'SSSE3' },
  (m, [dst, src, by]) => {
    enterMmx(m);
    const both = m.let(halves(m.wide(m.read(src!)), m.wide(m.read(dst!))));
    const count = atMost(immediateByte(m, by!), 16);
    m.write(dst!, m.let(low64(swizzle(both, lanes('add', 8)(IDENTITY, splat(8, count))))));
    m.finishMmx(true);
  },
);

const PALIGNR = define(
  'PALIGNR',
  { forms: [op('66 0f 3a 0f', 'Vdq,Wdq,Ib', imm)], feature: 'SSSE3' },
  (m, [dst, src, by]) => {
    m.enterSse();
    const low = m.readVector(src!, true);
    const high = m.readVector(dst!);
    const numbers = m.let(lanes('add', 8)(IDENTITY, splat(8, atMost(immediateByte(m, by!), 32))));
    const numbersInHigh = lanes('sub', 8)(numbers, splat(8, i32.const(16)));
    m.writeVector(dst!, or(swizzle(low, numbers), swizzle(high, numbersInHigh)));
  },
);

/** Lanes of the source where a bit of the immediate is set. */
function blend(name: string, opcode: string, bits: 16 | 32 | 64): Instruction {
  const forms = [op(`66 0f 3a ${opcode}`, 'Vdq,Wdq,Ib', imm)];
  return define(name, { forms, feature: 'SSE4_1' }, (m, [dst, src, by]) => {
    m.enterSse();
    const b = m.readVector(src!, true);
    const a = m.readVector(dst!);
    m.writeVector(dst!, bitSelect(b, a, lanesOfMask(bits, immediateByte(m, by!))));
  });
}

/** Lanes of the source where the sign bit of XMM0's lane is set. */
function blendBySign(name: string, opcode: string, bits: 8 | 32 | 64): Instruction {
  const forms = [op(`66 0f 38 ${opcode}`, 'Vdq,Wdq,XMM0')];
  return define(name, { forms, feature: 'SSE4_1' }, (m, [dst, src, by]) => {
    m.enterSse();
    const b = m.readVector(src!, true);
    const a = m.readVector(dst!);
    const mask = laneShift('shrS', bits, m.readVector(by!), i32.const(bits - 1));
    m.writeVector(dst!, bitSelect(b, a, mask));
  });
}

/** Duplications: a fixed order of the source's lanes; the source may be 64 bits of memory. */
function fixedOrder(
  name: string,
  prefix: string,
  opcode: string,
  operands: string,
  order: readonly number[],
): Instruction {
  const forms = [op(`${prefix} 0f ${opcode}`, operands)];
  return define(name, { forms, feature: 'SSE3' }, (m, [dst, src]) => {
    m.enterSse();
    const source = wholeOrLow(m, src!);
    m.writeVector(dst!, pick(32, source, source, order));
  });
}

function wholeOrLow(m: Semantics, operand: Operand): V128 {
  return operand.bits === 128 ? m.readVector(operand, true) : m.let(i64x2.splat(m.wide(m.read(operand))));
}

type Unpack = readonly [
  name: string,
  prefix: string,
  opcode: string,
  operands: string,
  feature: Feature,
  compute: Binary,
];
const FLOAT_UNPACKS: readonly Unpack[] = [
  ['UNPCKLPS', 'np', '14', 'Vps,Wps', 'SSE', interleave(32, 0)],
  ['UNPCKLPD', '66', '14', 'Vpd,Wpd', 'SSE2', interleave(64, 0)],
  ['UNPCKHPS', 'np', '15', 'Vps,Wps', 'SSE', interleave(32, 1)],
  ['UNPCKHPD', '66', '15', 'Vpd,Wpd', 'SSE2', interleave(64, 1)],
];

export const SIMD_SHUFFLE: readonly Instruction[] = [
  ...unpacks(),
  onXmm('PUNPCKLQDQ', '0f 6c', 'SSE2', interleave(64, 0)),
  onXmm('PUNPCKHQDQ', '0f 6d', 'SSE2', interleave(64, 1)),
  ...onBoth('PACKSSWB', '0f 63', 'MMX', pack('narrowS', 8), packHalf(pack('narrowS', 8))),
  ...onBoth('PACKUSWB', '0f 67', 'MMX', pack('narrowU', 8), packHalf(pack('narrowU', 8))),
  ...onBoth('PACKSSDW', '0f 6b', 'MMX', pack('narrowS', 16), packHalf(pack('narrowS', 16))),
  onXmm('PACKUSDW', '0f 38 2b', 'SSE4_1', pack('narrowU', 16)),
  PSHUFW,
  ordered('PSHUFD', '66', doublewordOrder),
  ordered('PSHUFLW', 'f2', lowWords),
  ordered('PSHUFHW', 'f3', highWords),
  SHUFPS,
  SHUFPD,
  ...PSHUFB,
  PALIGNR_MMX,
  PALIGNR,
  blend('PBLENDW', '0e', 16),
  blend('BLENDPS', '0c', 32),
  blend('BLENDPD', '0d', 64),
  blendBySign('PBLENDVB', '10', 8),
  blendBySign('BLENDVPS', '14', 32),
  blendBySign('BLENDVPD', '15', 64),
  fixedOrder('MOVDDUP', 'f2', '12', 'Vdq,Wq', [0, 1, 0, 1]),
  fixedOrder('MOVSLDUP', 'f3', '12', 'Vdq,Wdq', [0, 0, 2, 2]),
  fixedOrder('MOVSHDUP', 'f3', '16', 'Vdq,Wdq', [1, 1, 3, 3]),
  ...FLOAT_UNPACKS.map(([name, prefix, opcode, operands, feature, compute]) =>
    define(name, { forms: [op(`${prefix} 0f ${opcode}`, operands)], feature }, (m, [dst, src]) => {
      m.enterSse();
      const b = m.readVector(src!, true);
      m.writeVector(dst!, compute(m.readVector(dst!), b));
    }),
  ),
];
