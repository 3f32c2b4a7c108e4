/** Packed shifts (SDM Vol. 1, 5.4.6, 5.6.3): by a register or memory (its low 64 bits), by an immediate, by bytes. */
import { i32, i64, select } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import type { Operand, Semantics } from '../semantics';
import { enterMmx, immediateByte, readMmx } from './simd-entry';
import { atMost, IDENTITY, lanes, laneShift, low64, splat, swizzle, ZERO } from './simd-lane';

type Kind = 'shl' | 'shrU' | 'shrS';
type Bits = 16 | 32 | 64;

/** `a` shifted by a count of any size: beyond the lane only zeros, or copies of the sign, are left. */
function shifted(kind: Kind, bits: Bits, a: V128, count: I32, beyond: I32): V128 {
  if (kind === 'shrS') return laneShift(kind, bits, a, select(beyond, i32.const(bits - 1), count));
  return select(beyond, ZERO, laneShift(kind, bits, a, count));
}

/** The count that the low 64 bits of a vector or an MMX register give. */
function byRegister(m: Semantics, kind: Kind, bits: Bits, a: V128, count: I64): V128 {
  return shifted(kind, bits, a, i32.wrap(count), m.let(i64.gtU(count, i64.const(bits - 1))));
}

function byImmediate(m: Semantics, kind: Kind, bits: Bits, a: V128, operand: Operand): V128 {
  const count = immediateByte(m, operand);
  return shifted(kind, bits, a, count, m.let(i32.gtU(count, i32.const(bits - 1))));
}

/** Opcode after 0F of the forms by register; opcode and extension of those by immediate. */
type Row = readonly [name: string, opcode: string, group: string, kind: Kind, bits: Bits];

const ROWS: readonly Row[] = [
  ['PSRLW', 'd1', '71 /2', 'shrU', 16],
  ['PSRLD', 'd2', '72 /2', 'shrU', 32],
  ['PSRLQ', 'd3', '73 /2', 'shrU', 64],
  ['PSRAW', 'e1', '71 /4', 'shrS', 16],
  ['PSRAD', 'e2', '72 /4', 'shrS', 32],
  ['PSLLW', 'f1', '71 /6', 'shl', 16],
  ['PSLLD', 'f2', '72 /6', 'shl', 32],
  ['PSLLQ', 'f3', '73 /6', 'shl', 64],
];

function onMmx([name, opcode, group, kind, bits]: Row): Instruction {
  const forms = [op(`np 0f ${opcode}`, 'Pq,Qq'), op(`np 0f ${group}`, 'Nq,Ib', { uimm: true })];
  return define(name, { forms, feature: 'MMX' }, (m, [dst, by]) => {
    enterMmx(m);
    const a = readMmx(m, dst!);
    const result =
      by!.kind === 'immediate' ? byImmediate(m, kind, bits, a, by!) : byRegister(m, kind, bits, a, m.wide(m.read(by!)));
    m.write(dst!, m.let(low64(result)));
    m.finishMmx(true);
  });
}

function onXmm([name, opcode, group, kind, bits]: Row): Instruction {
  const forms = [op(`66 0f ${opcode}`, 'Vdq,Wdq'), op(`66 0f ${group}`, 'Udq,Ib', { uimm: true })];
  return define(name, { forms, feature: 'SSE2' }, (m, [dst, by]) => {
    m.enterSse();
    if (by!.kind === 'immediate') {
      m.writeVector(dst!, byImmediate(m, kind, bits, m.readVector(dst!), by!));
      return;
    }
    const count = m.let(low64(m.readVector(by!, true)));
    m.writeVector(dst!, byRegister(m, kind, bits, m.readVector(dst!), count));
  });
}

/** Whole-register shifts by bytes: numbers outside 0-15 pick zeros. */
function byBytes(name: string, group: string, direction: 'add' | 'sub'): Instruction {
  const forms = [op(`66 0f ${group}`, 'Udq,Ib', { uimm: true })];
  return define(name, { forms, feature: 'SSE2' }, (m, [dst, by]) => {
    m.enterSse();
    const count = atMost(immediateByte(m, by!), 16);
    m.writeVector(dst!, swizzle(m.readVector(dst!), lanes(direction, 8)(IDENTITY, splat(8, count))));
  });
}

export const SIMD_SHIFT: readonly Instruction[] = [
  ...ROWS.flatMap((row) => [onMmx(row), onXmm(row)]),
  byBytes('PSRLDQ', '73 /3', 'add'),
  byBytes('PSLLDQ', '73 /7', 'sub'),
];
