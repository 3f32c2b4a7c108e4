/** SSE conversions (SDM Vol. 1, 5.5.1.6, 5.6.1.6, 5.6.2), computed by the slow function `sse` where they are not exact. */
import { i32 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import { sseOperation } from '../float-operations';
import { checkPending } from './simd-entry';
import { areNumbers, converted, convertsExactly, truncated, truncates, widened } from './sse-fast';

type Row = readonly [name: string, encoding: string, operands: string, feature: Feature];

/** Between XMM registers. */
const VECTOR: readonly Row[] = [
  ['CVTPS2PD', 'np 0f 5a', 'Vpd,Wq', 'SSE2'],
  ['CVTPD2PS', '66 0f 5a', 'Vps,Wpd', 'SSE2'],
  ['CVTSD2SS', 'f2 0f 5a', 'Vss,Wsd', 'SSE2'],
  ['CVTDQ2PS', 'np 0f 5b', 'Vps,Wdq', 'SSE2'],
  ['CVTPS2DQ', '66 0f 5b', 'Vdq,Wps', 'SSE2'],
  ['CVTTPS2DQ', 'f3 0f 5b', 'Vdq,Wps', 'SSE2'],
  ['CVTTPD2DQ', '66 0f e6', 'Vdq,Wpd', 'SSE2'],
  ['CVTDQ2PD', 'f3 0f e6', 'Vpd,Wq', 'SSE2'],
  ['CVTPD2DQ', 'f2 0f e6', 'Vdq,Wpd', 'SSE2'],
];

function vector([name, encoding, operands, feature]: Row): Instruction {
  return define(name, { forms: [op(encoding, operands)], feature }, (m, [dst, src]) => {
    m.enterSse();
    const source = m.sourceOffset(src!, true);
    m.call('sse', i32.const(sseOperation(name)), m.registerOffset(dst!), source, i32.const(0));
  });
}

/** With an MMX register on one side. */
const MMX: readonly Row[] = [
  ['CVTPI2PS', 'np 0f 2a', 'Vps,Qq', 'SSE'],
  ['CVTPI2PD', '66 0f 2a', 'Vpd,Qq', 'SSE2'],
  ['CVTTPS2PI', 'np 0f 2c', 'Pq,Wq', 'SSE'],
  ['CVTTPD2PI', '66 0f 2c', 'Pq,Wpd', 'SSE2'],
  ['CVTPS2PI', 'np 0f 2d', 'Pq,Wq', 'SSE'],
  ['CVTPD2PI', '66 0f 2d', 'Pq,Wpd', 'SSE2'],
];

/** CVTPI2PD from memory leaves the x87 state alone (SDM Vol. 2A, CVTPI2PD). */
function mmx([name, encoding, operands, feature]: Row): Instruction {
  return define(name, { forms: [op(encoding, operands)], feature }, (m, [dst, src]) => {
    const touchesX87 = !(name === 'CVTPI2PD' && src!.kind === 'memory');
    m.enterSse();
    if (touchesX87) checkPending(m);
    const source = m.sourceOffset(src!, true);
    // The x87 state changes even when the conversion then raises #XM, as processors do it.
    if (touchesX87) m.finishMmx(true);
    m.call('sse', i32.const(sseOperation(name)), m.registerOffset(dst!), source, i32.const(0));
  });
}

/** From a general register or memory of 32 or 64 bits. */
function fromGeneral(name: string, prefix: string, type: 'ss' | 'sd', feature: Feature): Instruction {
  return define(name, { forms: [op(`${prefix} 0f 2a`, `V${type},Ey`)], feature }, (m, [dst, src]) => {
    m.enterSse();
    const width = type === 'sd' ? 64 : 32;
    const operation = sseOperation(src!.bits === 64 ? `${name}64` : name);
    const value = m.read(src!);
    const exact = (): void => m.write(dst!, converted(value, width));
    const soft = (): void => m.call('sse', i32.const(operation), m.registerOffset(dst!), m.stage(value), i32.const(0));
    if (src!.bits < width) exact();
    else m.if(convertsExactly(value, width), exact, soft);
  });
}

/** To a general register of 32 or 64 bits. */
function toGeneral(name: string, encoding: string, type: 'ss' | 'sd', feature: Feature): Instruction {
  return define(name, { forms: [op(encoding, `Gy,W${type}`)], feature }, (m, [dst, src]) => {
    m.enterSse();
    const width = dst!.bits as 32 | 64;
    const operation = sseOperation(width === 64 ? `${name}64` : name);
    const value = m.read(src!);
    const soft = (): void => {
      m.call('sse', i32.const(operation), i32.const(0), m.stage(value), i32.const(0));
      m.write(dst!, m.result(width));
    };
    if (name !== 'CVTTSD2SI') soft();
    else m.if(truncates(m, value as I64, width), () => m.write(dst!, truncated(value as I64, width)), soft);
  });
}

/** CVTSS2SD: a single that is zero or normal widens exactly. */
const CVTSS2SD = define('CVTSS2SD', { forms: [op('f3 0f 5a', 'Vsd,Wss')], feature: 'SSE2' }, (m, [dst, src]) => {
  m.enterSse();
  const value = m.read(src!) as I32;
  const operation = i32.const(sseOperation('CVTSS2SD'));
  m.if(
    areNumbers(value, value),
    () => m.write(dst!, widened(value)),
    () => m.call('sse', operation, m.registerOffset(dst!), m.stage(value), i32.const(0)),
  );
});

export const SSE_CONVERT: readonly Instruction[] = [
  ...VECTOR.map(vector),
  CVTSS2SD,
  ...MMX.map(mmx),
  fromGeneral('CVTSI2SS', 'f3', 'ss', 'SSE'),
  fromGeneral('CVTSI2SD', 'f2', 'sd', 'SSE2'),
  toGeneral('CVTTSS2SI', 'f3 0f 2c', 'ss', 'SSE'),
  toGeneral('CVTTSD2SI', 'f2 0f 2c', 'sd', 'SSE2'),
  toGeneral('CVTSS2SI', 'f3 0f 2d', 'ss', 'SSE'),
  toGeneral('CVTSD2SI', 'f2 0f 2d', 'sd', 'SSE2'),
];
