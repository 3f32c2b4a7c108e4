/**
 * Packed integer arithmetic, comparison and logic on MMX and XMM registers (SDM Vol. 1, 5.4, 5.5.2, 5.6.3, 5.8, 5.10).
 * Lanes of both register files are computed alike: an MMX register is the low half of a vector.
 */
import { i32, i64, select } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { anyTrue, vector1, vector2, VECTOR_OPERATOR } from '../../wasm/simd';
import type { Feature, Instruction } from '../define';
import { define } from '../define';
import { op } from '../form';
import { onBoth, onBoth38, onXmm, enterMmx, readMmx } from './simd-entry';
import type { Binary, LaneBits } from './simd-lane';
import {
  and,
  andNot,
  constantLanes,
  lanes,
  lanes1,
  fromLow64,
  high64,
  laneShift,
  low64,
  or,
  splat,
  xor,
  ZERO,
} from './simd-lane';

/** Name, opcode after 0F, feature of the MMX form, operation. */
type Row = readonly [name: string, opcode: string, mmx: Feature, compute: Binary];

const equalOrGreater = (bits: LaneBits, at: number): Row[] => {
  const suffix = { 8: 'B', 16: 'W', 32: 'D', 64: 'Q' }[bits];
  return [
    [`PCMPGT${suffix}`, `0f ${(0x64 + at).toString(16)}`, 'MMX', lanes('gtS', bits)],
    [`PCMPEQ${suffix}`, `0f ${(0x74 + at).toString(16)}`, 'MMX', lanes('eq', bits)],
  ];
};

/** Sums of the absolute differences of eight bytes, one in each half. */
const sumOfDifferences: Binary = (a, b) => {
  const difference = or(lanes('subSaturateU', 8)(a, b), lanes('subSaturateU', 8)(b, a));
  const pairs = vector1(VECTOR_OPERATOR.i16x8AddPairwiseU, difference);
  const fours = vector1(VECTOR_OPERATOR.i32x4AddPairwiseU, pairs);
  const low = and(fours, constantLanes(64, [0xffffffff, 0xffffffff]));
  return lanes('add', 64)(low, laneShift('shrU', 64, fours, i32.const(32)));
};

const ROWS: readonly Row[] = [
  ...equalOrGreater(8, 0),
  ...equalOrGreater(16, 1),
  ...equalOrGreater(32, 2),
  ['PADDQ', '0f d4', 'SSE2', lanes('add', 64)],
  ['PMULLW', '0f d5', 'MMX', lanes('mul', 16)],
  ['PSUBUSB', '0f d8', 'MMX', lanes('subSaturateU', 8)],
  ['PSUBUSW', '0f d9', 'MMX', lanes('subSaturateU', 16)],
  ['PMINUB', '0f da', 'SSE', lanes('minU', 8)],
  ['PAND', '0f db', 'MMX', and],
  ['PADDUSB', '0f dc', 'MMX', lanes('addSaturateU', 8)],
  ['PADDUSW', '0f dd', 'MMX', lanes('addSaturateU', 16)],
  ['PMAXUB', '0f de', 'SSE', lanes('maxU', 8)],
  ['PANDN', '0f df', 'MMX', (a, b) => andNot(b, a)],
  ['PAVGB', '0f e0', 'SSE', lanes('averageU', 8)],
  ['PAVGW', '0f e3', 'SSE', lanes('averageU', 16)],
  ['PSUBSB', '0f e8', 'MMX', lanes('subSaturateS', 8)],
  ['PSUBSW', '0f e9', 'MMX', lanes('subSaturateS', 16)],
  ['PMINSW', '0f ea', 'SSE', lanes('minS', 16)],
  ['POR', '0f eb', 'MMX', or],
  ['PADDSB', '0f ec', 'MMX', lanes('addSaturateS', 8)],
  ['PADDSW', '0f ed', 'MMX', lanes('addSaturateS', 16)],
  ['PMAXSW', '0f ee', 'SSE', lanes('maxS', 16)],
  ['PXOR', '0f ef', 'MMX', xor],
  ['PMADDWD', '0f f5', 'MMX', (a, b) => vector2(VECTOR_OPERATOR.i32x4Dot, a, b)],
  ['PSADBW', '0f f6', 'SSE', sumOfDifferences],
  ['PSUBB', '0f f8', 'MMX', lanes('sub', 8)],
  ['PSUBW', '0f f9', 'MMX', lanes('sub', 16)],
  ['PSUBD', '0f fa', 'MMX', lanes('sub', 32)],
  ['PSUBQ', '0f fb', 'SSE2', lanes('sub', 64)],
  ['PADDB', '0f fc', 'MMX', lanes('add', 8)],
  ['PADDW', '0f fd', 'MMX', lanes('add', 16)],
  ['PADDD', '0f fe', 'MMX', lanes('add', 32)],
];

/** `a` with the sign of `b` applied: negated, 0 or itself. */
const sign =
  (bits: 8 | 16 | 32): Binary =>
  (a, b) => {
    const negative = lanes('gtS', bits)(ZERO, b);
    const signed = lanes('sub', bits)(xor(a, negative), negative);
    return andNot(signed, lanes('eq', bits)(b, ZERO));
  };

const SIGNS = [
  ...onBoth38('PSIGNB', '08', sign(8)),
  ...onBoth38('PSIGNW', '09', sign(16)),
  ...onBoth38('PSIGND', '0a', sign(32)),
];

/** Absolute values write the destination without reading it. */
function absolute(name: string, opcode: string, bits: LaneBits): Instruction[] {
  const ofLanes = (a: V128): V128 => lanes1('abs', bits, a);
  return [
    define(name, { forms: [op(`np 0f 38 ${opcode}`, 'Pq,Qq')], feature: 'SSSE3' }, (m, [dst, src]) => {
      enterMmx(m);
      m.write(dst!, m.let(low64(ofLanes(readMmx(m, src!)))));
      m.finishMmx(true);
    }),
    define(name, { forms: [op(`66 0f 38 ${opcode}`, 'Vdq,Wdq')], feature: 'SSSE3' }, (m, [dst, src]) => {
      m.enterSse();
      m.writeVector(dst!, ofLanes(m.readVector(src!, true)));
    }),
  ];
}

const SSE4: readonly (readonly [string, string, Feature, Binary])[] = [
  ['PCMPEQQ', '29', 'SSE4_1', lanes('eq', 64)],
  ['PCMPGTQ', '37', 'SSE4_2', lanes('gtS', 64)],
  ['PMINSB', '38', 'SSE4_1', lanes('minS', 8)],
  ['PMINSD', '39', 'SSE4_1', lanes('minS', 32)],
  ['PMINUW', '3a', 'SSE4_1', lanes('minU', 16)],
  ['PMINUD', '3b', 'SSE4_1', lanes('minU', 32)],
  ['PMAXSB', '3c', 'SSE4_1', lanes('maxS', 8)],
  ['PMAXSD', '3d', 'SSE4_1', lanes('maxS', 32)],
  ['PMAXUW', '3e', 'SSE4_1', lanes('maxU', 16)],
  ['PMAXUD', '3f', 'SSE4_1', lanes('maxU', 32)],
  ['PMULLD', '40', 'SSE4_1', lanes('mul', 32)],
];

const isZero = (a: V128): I32 => i32.eqz(anyTrue(a));

/** ZF: no bit in common; CF: no bit of the source outside the destination. */
const PTEST = define('PTEST', { forms: [op('66 0f 38 17', 'Vdq,Wdq')], feature: 'SSE4_1' }, (m, [dst, src]) => {
  m.enterSse();
  const b = m.readVector(src!, true);
  const a = m.readVector(dst!);
  m.setFlags(i32.or(i32.shl(isZero(and(a, b)), i32.const(6)), isZero(andNot(b, a))));
});

/** The smallest of eight unsigned words and its position. */
const PHMINPOSUW = define(
  'PHMINPOSUW',
  { forms: [op('66 0f 38 41', 'Vdq,Wdq')], feature: 'SSE4_1' },
  (m, [dst, src]) => {
    m.enterSse();
    const words = m.readVector(src!, true);
    const positions = constantLanes(32, [0, 1, 2, 3]);
    // A word above its position makes one number whose minimum has both.
    const keyed = (half: 'extendLowU' | 'extendHighU'): V128 =>
      or(laneShift('shl', 32, lanes1(half, 32, words), i32.const(16)), positions);
    const behind = or(keyed('extendHighU'), splat(32, i32.const(4)));
    const four = m.let(lanes('minU', 32)(keyed('extendLowU'), behind));
    const two = m.let(lanes('minU', 32)(four, laneShift('shrU', 64, four, i32.const(32))));
    const low = m.let(i64.and(low64(two), i64.const(0xffffffffn)));
    const high = m.let(i64.and(high64(two), i64.const(0xffffffffn)));
    const best: I64 = m.let(select(i64.ltU(low, high), low, high));
    const position = i64.shl(i64.and(best, i64.const(7)), i64.const(16));
    m.writeVector(dst!, fromLow64(i64.or(i64.shrU(best, i64.const(16)), position)));
  },
);

export const SIMD_INTEGER: readonly Instruction[] = [
  ...ROWS.flatMap((row) => onBoth(...row)),
  ...SIGNS,
  ...absolute('PABSB', '1c', 8),
  ...absolute('PABSW', '1d', 16),
  ...absolute('PABSD', '1e', 32),
  ...SSE4.map(([name, opcode, feature, compute]) => onXmm(name, `0f 38 ${opcode}`, feature, compute)),
  PTEST,
  PHMINPOSUW,
];
