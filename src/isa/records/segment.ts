/**
 * Segment registers, descriptor tables and selectors (SDM Vol. 1, 5.1.12 and 5.20; Vol. 2). Operands of 16 bits in
 * memory are 16 bits at every operand size.
 * NOT IMPLEMENTED: UMIP.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { SEGMENT } from '../semantics';
import type { Int, Operand, SegmentName, Semantics } from '../semantics';
import { farPointer } from './far-pointer';

export const MOV_FROM_SEGMENT = define('MOV', { forms: [op('8c', 'Rv,Sw'), op('8c', 'Mw,Sw')] }, (m, [dst, src]) =>
  m.write(dst!, widened(m, m.read(src!), dst!)),
);

/** A 16-bit value zero-extended to the width of a register operand. */
function widened(m: Semantics, value: Int, dst: Operand): Int {
  return m.zeroExtend(value, dst.bits as 16 | 32 | 64);
}

/** Segment registers that can be loaded, by their numbers. */
const LOADABLE: readonly SegmentName[] = ['ES', 'SS', 'DS', 'FS', 'GS'];

export const MOV_TO_SEGMENT = define(
  'MOV',
  { forms: LOADABLE.map((name) => op(`8e /${SEGMENT[name]}`, `${name},Ew`)), endsBlock: true },
  (m, [dst, src]) => {
    m.call('loadSegment', m.registerNumber(dst!), m.narrow(m.read(src!)));
    if (dst!.fixed === SEGMENT.SS) m.call('blockByMovSs');
  },
);

const legacy = { mode: 'legacy', sized: true } as const;
const anyMode = { default64: true, sized: true } as const;

export const PUSH_SEGMENT = define(
  'PUSH',
  {
    forms: [
      op('06', 'ES', legacy),
      op('0e', 'CS', legacy),
      op('16', 'SS', legacy),
      op('1e', 'DS', legacy),
      op('0f a0', 'FS', anyMode),
      op('0f a8', 'GS', anyMode),
    ],
  },
  (m, [src]) => {
    const selector = m.read(src!);
    if (m.size !== 32) {
      m.push(m.zeroExtend(selector, m.size), m.size);
      return;
    }
    // Four bytes are taken, but only two are written (SDM Vol. 2B, PUSH: recent Intel parts).
    const place = m.stackAddress(m.let(i64.sub(m.stackPointer(), i64.const(4))));
    m.store(place, selector, 16);
    m.setStackPointer(place.offset);
  },
);

export const POP_SEGMENT = define(
  'POP',
  {
    forms: [
      op('07', 'ES', legacy),
      op('17', 'SS', legacy),
      op('1f', 'DS', legacy),
      op('0f a1', 'FS', anyMode),
      op('0f a9', 'GS', anyMode),
    ],
    endsBlock: true,
  },
  (m, [dst]) => {
    const selector = m.zeroExtend(m.stackTop(m.size), 16);
    m.call('popSegment', m.registerNumber(dst!), selector, i32.const(m.size / 8));
    if (dst!.fixed === SEGMENT.SS) m.call('blockByMovSs');
  },
);

function loadFarPointer(segment: SegmentName, encoding: string, mode?: 'legacy'): Instruction {
  return define(`L${segment}`, { forms: [op(encoding, 'Gv,Mp', { mode })], endsBlock: true }, (m, [dst, src]) => {
    const { selector, offset } = farPointer(m, src!);
    m.call('loadSegment', i32.const(SEGMENT[segment]), selector);
    m.write(dst!, m.zeroExtend(offset, m.size));
  });
}

export const LES = loadFarPointer('ES', 'c4', 'legacy');
export const LDS = loadFarPointer('DS', 'c5', 'legacy');
export const LSS = loadFarPointer('SS', '0f b2');
export const LFS = loadFarPointer('FS', '0f b4');
export const LGS = loadFarPointer('GS', '0f b5');

export const ARPL = define(
  'ARPL',
  { forms: [op('63', 'Ew,Gw', { mode: 'legacy' })], protectedOnly: true },
  (m, [dst, src]) => {
    const selector = m.narrow(m.readForWrite(dst!));
    const rpl = i32.and(m.narrow(m.read(src!)), i32.const(3));
    const raised = m.let(i32.ltU(i32.and(selector, i32.const(3)), rpl));
    m.if(raised, () => m.write(dst!, i32.or(i32.and(selector, i32.const(0xfffc)), rpl)));
    m.setZero(raised);
  },
);

/** Kinds of `accessRights`. */
const ACCESS = { LAR: 0, LSL: 1, VERR: 2, VERW: 3 } as const;

/** Asks for a descriptor's properties; gives the new ZF. */
function accessRights(m: Semantics, kind: number, selector: Operand): I32 {
  m.call('accessRights', i32.const(kind), m.narrow(m.read(selector)));
  return m.let(m.narrow(m.result2()));
}

function loadRights(name: 'LAR' | 'LSL', opcode: string): Instruction {
  return define(name, { forms: [op(`0f ${opcode}`, 'Gv,Ew')], protectedOnly: true }, (m, [dst, src]) => {
    const valid = accessRights(m, ACCESS[name], src!);
    m.if(valid, () => m.write(dst!, m.result(m.size)));
    m.setZero(valid);
  });
}

export const LAR = loadRights('LAR', '02');
export const LSL = loadRights('LSL', '03');

function verify(name: 'VERR' | 'VERW', extension: number): Instruction {
  return define(name, { forms: [op(`0f 00 /${extension}`, 'Ew')], protectedOnly: true }, (m, [src]) =>
    m.setZero(accessRights(m, ACCESS[name], src!)),
  );
}

export const VERR = verify('VERR', 4);
export const VERW = verify('VERW', 5);

const table = { force64: true, sized: true } as const;

function storeTable(name: string, extension: number): Instruction {
  const forms = [op(`0f 01 /${extension}`, 'Ms', table)];
  return define(name, { forms, exit: 'DESCRIPTOR_TABLE' }, (m, [dst]) => {
    const { segment, offset } = m.address(dst!);
    m.call('storeDescriptorTable', i32.const(extension), segment, offset);
  });
}

export const SGDT = storeTable('SGDT', 0);
export const SIDT = storeTable('SIDT', 1);

function loadTable(name: string, extension: number): Instruction {
  const forms = [op(`0f 01 /${extension}`, 'Ms', table)];
  return define(name, { forms, privilege: 0, exit: 'DESCRIPTOR_TABLE' }, (m, [src]) => {
    const { segment, offset } = m.address(src!);
    m.call('loadDescriptorTable', i32.const(extension - 2), segment, offset, i32.const(m.size));
  });
}

export const LGDT = loadTable('LGDT', 2);
export const LIDT = loadTable('LIDT', 3);

function storeSelector(name: string, extension: number): Instruction {
  const forms = [op(`0f 00 /${extension}`, 'Rv'), op(`0f 00 /${extension}`, 'Mw')];
  return define(name, { forms, protectedOnly: true, exit: 'DESCRIPTOR_TABLE' }, (m, [dst]) => {
    m.call('systemSelector', i32.const(extension));
    m.write(dst!, widened(m, m.result(16), dst!));
  });
}

export const SLDT = storeSelector('SLDT', 0);
export const STR = storeSelector('STR', 1);

function loadSelector(name: string, extension: number): Instruction {
  const forms = [op(`0f 00 /${extension}`, 'Ew')];
  return define(name, { forms, protectedOnly: true, privilege: 0, exit: 'DESCRIPTOR_TABLE' }, (m, [src]) =>
    m.call('loadSystemSegment', i32.const(extension - 2), m.narrow(m.read(src!))),
  );
}

export const LLDT = loadSelector('LLDT', 2);
export const LTR = loadSelector('LTR', 3);
