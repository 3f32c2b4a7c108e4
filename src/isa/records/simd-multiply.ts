/** Packed integer products and horizontal sums (SDM Vol. 1, 5.4.3, 5.6.3, 5.8, 5.10.1, 5.10.10). */
import { i32 } from '../../wasm/expr';
import type { V128 } from '../../wasm/expr';
import { vector2, VECTOR_OPERATOR } from '../../wasm/simd';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { immediateByte, onBoth, onBoth38, onXmm } from './simd-entry';
import type { Binary } from './simd-lane';
import { and, everySecond, IDENTITY, lanes, lanes1, pick, splat, swizzle, xor } from './simd-lane';

/** The upper halves of the 32-bit products of words. */
const highProducts =
  (kind: 'S' | 'U'): Binary =>
  (a, b) =>
    everySecond(16, lanes(`multiplyLow${kind}`, 32)(a, b), lanes(`multiplyHigh${kind}`, 32)(a, b), 1);

/** 64-bit products of the even doublewords. */
const evenProducts =
  (kind: 'S' | 'U'): Binary =>
  (a, b) =>
    lanes(`multiplyLow${kind}`, 64)(everySecond(32, a, a, 0), everySecond(32, b, b, 0));

/** Rounded 1.15 products; -1 times -1, which WebAssembly saturates, wraps to -1 here. */
const roundedProducts: Binary = (a, b) => {
  const least = splat(16, i32.const(0x8000));
  const wraps = and(lanes('eq', 16)(a, least), lanes('eq', 16)(b, least));
  return xor(vector2(VECTOR_OPERATOR.i16x8Q15MultiplySaturateS, a, b), wraps);
};

/** Products of the unsigned bytes of `a` and the signed ones of `b`, neighbours added with signed saturation. */
const mixedProducts: Binary = (a, b) => {
  const half = (end: 'Low' | 'High'): V128 =>
    lanes('mul', 16)(lanes1(`extend${end}U`, 16, a), lanes1(`extend${end}S`, 16, b));
  const even = everySecond(16, half('Low'), half('High'), 0);
  return lanes('addSaturateS', 16)(even, everySecond(16, half('Low'), half('High'), 1));
};

/** Neighbouring lanes of both operands combined. */
const horizontal =
  (name: 'add' | 'sub' | 'addSaturateS' | 'subSaturateS', bits: 16 | 32): Binary =>
  (a, b) =>
    lanes(name, bits)(everySecond(bits, a, b, 0), everySecond(bits, a, b, 1));

/** The same on MMX registers: both operands lie in one vector. */
const horizontalHalf =
  (full: Binary): Binary =>
  (a, b) => {
    const both = pick(64, a, b, [0, 2]);
    return full(both, both);
  };

const HORIZONTAL: readonly (readonly [string, string, Binary])[] = [
  ['PHADDW', '01', horizontal('add', 16)],
  ['PHADDD', '02', horizontal('add', 32)],
  ['PHADDSW', '03', horizontal('addSaturateS', 16)],
  ['PHSUBW', '05', horizontal('sub', 16)],
  ['PHSUBD', '06', horizontal('sub', 32)],
  ['PHSUBSW', '07', horizontal('subSaturateS', 16)],
];

/** Eight sums of four absolute differences: a block of the source against eleven bytes of the destination. */
const MPSADBW = define(
  'MPSADBW',
  { forms: [op('66 0f 3a 42', 'Vdq,Wdq,Ib', { uimm: true })], feature: 'SSE4_1' },
  (m, [dst, src, by]) => {
    m.enterSse();
    const b = m.readVector(src!, true);
    const a = m.readVector(dst!);
    const control = immediateByte(m, by!);
    const first = m.let(i32.and(control, i32.const(4)));
    const block = m.let(i32.shl(i32.and(control, i32.const(3)), i32.const(2)));
    const at = (from: V128, position: V128): V128 => lanes1('extendLowU', 16, swizzle(from, position));
    const differences = [0, 1, 2, 3].map((k) => {
      const window = lanes('add', 8)(IDENTITY, splat(8, i32.add(first, i32.const(k))));
      const one = splat(8, i32.add(block, i32.const(k)));
      return lanes1('abs', 16, lanes('sub', 16)(at(a, window), at(b, one)));
    });
    m.writeVector(dst!, differences.reduce(lanes('add', 16)));
  },
);

export const SIMD_MULTIPLY: readonly Instruction[] = [
  ...onBoth('PMULHUW', '0f e4', 'SSE', highProducts('U')),
  ...onBoth('PMULHW', '0f e5', 'MMX', highProducts('S')),
  ...onBoth('PMULUDQ', '0f f4', 'SSE2', evenProducts('U')),
  onXmm('PMULDQ', '0f 38 28', 'SSE4_1', evenProducts('S')),
  ...onBoth38('PMULHRSW', '0b', roundedProducts),
  ...onBoth38('PMADDUBSW', '04', mixedProducts),
  ...HORIZONTAL.flatMap(([name, opcode, full]) => onBoth38(name, opcode, full, horizontalHalf(full))),
  MPSADBW,
];
