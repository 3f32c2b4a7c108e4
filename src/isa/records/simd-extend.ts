/** Packed sign and zero extension (SDM Vol. 1, 5.10.7): the source is as many low lanes as the destination has. */
import { fromLow32, fromLow64, lanes1 } from './simd-lane';
import type { I32, I64, V128 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';

/** Suffix, source bits, destination lane widths passed on the way, type of the source operand. */
const STEPS: readonly (readonly [suffix: string, widths: readonly (16 | 32 | 64)[], type: string])[] = [
  ['BW', [16], 'q'],
  ['BD', [16, 32], 'd'],
  ['BQ', [16, 32, 64], 'w'],
  ['WD', [32], 'q'],
  ['WQ', [32, 64], 'd'],
  ['DQ', [64], 'q'],
];

function extension(kind: 'S' | 'Z', n: number): Instruction {
  const [suffix, widths, type] = STEPS[n]!;
  const opcode = ((kind === 'S' ? 0x20 : 0x30) + n).toString(16);
  const step = kind === 'S' ? 'extendLowS' : 'extendLowU';
  const forms = [op(`66 0f 38 ${opcode}`, `Vdq,W${type}`)];
  return define(`PMOV${kind}X${suffix}`, { forms, feature: 'SSE4_1' }, (m, [dst, src]) => {
    m.enterSse();
    const low = m.read(src!);
    const source: V128 = low.type === 'i64' ? fromLow64(low as I64) : fromLow32(low as I32);
    m.writeVector(
      dst!,
      widths.reduce((value, bits) => lanes1(step, bits, value), source),
    );
  });
}

export const SIMD_EXTEND: readonly Instruction[] = (['S', 'Z'] as const).flatMap((kind) =>
  STEPS.map((_, n) => extension(kind, n)),
);
