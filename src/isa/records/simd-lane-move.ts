/** Lanes in and out of vectors, and sign masks (SDM Vol. 1, 5.5.2, 5.6.1.1, 5.10.2, 5.10.8). */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { bitSelect, i64x2 } from '../../wasm/simd';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import type { Form } from '../form';
import type { Semantics } from '../semantics';
import { enterMmx, immediateByte, readMmx } from './simd-entry';
import { andNot, IDENTITY, laneAt, laneMask, lanes, lanesOfMask, low64, splat, swizzle } from './simd-lane';

const imm = { uimm: true } as const;
type LaneBits = 8 | 16 | 32 | 64;

/** The lane number that an immediate gives, cut to the number of lanes. */
const laneNumber = (control: I32, bits: LaneBits, total = 128): I32 => i32.and(control, i32.const(total / bits - 1));

/** Lane `number` of `a` in the low 64 bits; what stands above it is not cleared. */
function laneToLow(a: V128, bits: LaneBits, number: I32): I64 {
  const first = i32.mul(number, i32.const(bits / 8));
  return low64(swizzle(a, lanes('add', 8)(IDENTITY, splat(8, first))));
}

function laneValue(m: Semantics, a: V128, bits: LaneBits, number: I32): I32 | I64 {
  return m.let(m.zeroExtend(laneToLow(a, bits, number), bits)) as I32 | I64;
}

/** `a` with lane `number` replaced. */
function withLane(a: V128, bits: LaneBits, number: I32, value: I32 | I64): V128 {
  const spread = value.type === 'i64' ? i64x2.splat(value) : splat(bits as 8 | 16 | 32, value);
  return bitSelect(spread, a, laneAt(bits, number));
}

/** PEXTRx: to memory of the lane's width, or zero-extended to a general register. */
function extract(name: string, bits: LaneBits, forms: readonly Form[], feature: Feature): Instruction {
  return define(name, { forms, feature }, (m, [dst, src, by]) => {
    m.enterSse();
    const value = laneValue(m, m.readVector(src!), bits, laneNumber(immediateByte(m, by!), bits));
    m.write(dst!, dst!.bits === 64 ? m.wide(value) : value);
  });
}

/** PINSRx: from memory of the lane's width, or the low part of a general register. */
function insert(name: string, bits: LaneBits, forms: readonly Form[], feature: Feature): Instruction {
  return define(name, { forms, feature }, (m, [dst, src, by]) => {
    m.enterSse();
    const value = m.read(src!);
    const lane = bits === 64 ? (value as I64) : m.narrow(value);
    m.writeVector(dst!, withLane(m.readVector(dst!), bits, laneNumber(immediateByte(m, by!), bits), lane));
  });
}

const fromRegisterOrMemory = (opcode: string, type: string): Form[] => [
  op(`66 0f 3a ${opcode}`, 'Vdq,Ry,Ib', imm),
  op(`66 0f 3a ${opcode}`, `Vdq,M${type},Ib`, imm),
];
const toRegisterOrMemory = (opcode: string, type: string): Form[] => [
  op(`66 0f 3a ${opcode}`, 'Ry,Vdq,Ib', imm),
  op(`66 0f 3a ${opcode}`, `M${type},Vdq,Ib`, imm),
];

const PEXTRW_MMX = define(
  'PEXTRW',
  { forms: [op('np 0f c5', 'Gy,Nq,Ib', imm)], feature: 'SSE' },
  (m, [dst, src, by]) => {
    enterMmx(m);
    const value = laneValue(m, readMmx(m, src!), 16, laneNumber(immediateByte(m, by!), 16, 64));
    m.write(dst!, dst!.bits === 64 ? m.wide(value) : value);
    m.finishMmx(true);
  },
);

const PINSRW_MMX = define(
  'PINSRW',
  { forms: [op('np 0f c4', 'Pq,Ry,Ib', imm), op('np 0f c4', 'Pq,Mw,Ib', imm)], feature: 'SSE' },
  (m, [dst, src, by]) => {
    enterMmx(m);
    const value = m.narrow(m.read(src!));
    const number = laneNumber(immediateByte(m, by!), 16, 64);
    m.write(dst!, m.let(low64(withLane(readMmx(m, dst!), 16, number, value))));
    m.finishMmx(true);
  },
);

/** One single-precision lane of a register, or memory, into any lane; lanes named by the low bits are cleared. */
const INSERTPS = define(
  'INSERTPS',
  { forms: [op('66 0f 3a 21', 'Vps,Ups,Ib', imm), op('66 0f 3a 21', 'Vps,Md,Ib', imm)], feature: 'SSE4_1' },
  (m, [dst, src, by]) => {
    m.enterSse();
    const control = immediateByte(m, by!);
    const value =
      src!.kind === 'memory'
        ? (m.read(src!) as I32)
        : (laneValue(m, m.readVector(src!), 32, i32.shrU(control, i32.const(6))) as I32);
    const to = i32.and(i32.shrU(control, i32.const(4)), i32.const(3));
    const inserted = withLane(m.readVector(dst!), 32, to, value);
    m.writeVector(dst!, andNot(inserted, lanesOfMask(32, control)));
  },
);

/** The sign bits of all lanes in a general register. */
function signs(
  name: string,
  prefix: string,
  opcode: string,
  bits: LaneBits,
  type: string,
  feature: Feature,
): Instruction {
  const forms = [op(`${prefix} 0f ${opcode}`, `Gy,U${type}`)];
  return define(name, { forms, feature }, (m, [dst, src]) => {
    m.enterSse();
    const mask = m.let(laneMask(bits, m.readVector(src!)));
    m.write(dst!, dst!.bits === 64 ? i64.extendU(mask) : mask);
  });
}

const PMOVMSKB_MMX = define('PMOVMSKB', { forms: [op('np 0f d7', 'Gy,Nq')], feature: 'SSE' }, (m, [dst, src]) => {
  enterMmx(m);
  const mask = m.let(i32.and(laneMask(8, readMmx(m, src!)), i32.const(0xff)));
  m.write(dst!, dst!.bits === 64 ? i64.extendU(mask) : mask);
  m.finishMmx(true);
});

const W1 = { ...imm, w: 1 } as const;
const W0 = { ...imm, w: 0 } as const;

export const SIMD_LANE_MOVE: readonly Instruction[] = [
  extract('PEXTRW', 16, [op('66 0f c5', 'Gy,Udq,Ib', imm)], 'SSE2'),
  PEXTRW_MMX,
  extract('PEXTRB', 8, toRegisterOrMemory('14', 'b'), 'SSE4_1'),
  extract('PEXTRW', 16, toRegisterOrMemory('15', 'w'), 'SSE4_1'),
  extract('PEXTRD', 32, [op('66 0f 3a 16', 'Ed,Vdq,Ib', W0)], 'SSE4_1'),
  extract('PEXTRQ', 64, [op('66 0f 3a 16', 'Eq,Vdq,Ib', W1)], 'SSE4_1'),
  extract('EXTRACTPS', 32, toRegisterOrMemory('17', 'd'), 'SSE4_1'),
  insert('PINSRW', 16, [op('66 0f c4', 'Vdq,Ry,Ib', imm), op('66 0f c4', 'Vdq,Mw,Ib', imm)], 'SSE2'),
  PINSRW_MMX,
  insert('PINSRB', 8, fromRegisterOrMemory('20', 'b'), 'SSE4_1'),
  insert('PINSRD', 32, [op('66 0f 3a 22', 'Vdq,Ed,Ib', W0)], 'SSE4_1'),
  insert('PINSRQ', 64, [op('66 0f 3a 22', 'Vdq,Eq,Ib', W1)], 'SSE4_1'),
  INSERTPS,
  signs('PMOVMSKB', '66', 'd7', 8, 'dq', 'SSE2'),
  PMOVMSKB_MMX,
  signs('MOVMSKPS', 'np', '50', 32, 'ps', 'SSE'),
  signs('MOVMSKPD', '66', '50', 64, 'pd', 'SSE2'),
];
