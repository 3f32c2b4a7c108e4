/**
 * What SIMD records share: the checks before MMX, SSE and x87 instructions, reading operands as vectors, and the pairs
 * of encodings that one operation has, on MMX registers without a prefix and on XMM registers with 66H.
 * Source: SDM Vol. 2A, 2.5 (exception classes), Vol. 3A 12.5, 13.1 (what raises #UD, #NM, #MF).
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { i64x2 } from '../../wasm/simd';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import { x87Operation } from '../float-operations';
import type { Operand, Semantics } from '../semantics';
import type { Binary } from './simd-lane';
import { fromLow32, fromLow64, low64 } from './simd-lane';

/** ES in the x87 status word: an unmasked exception waits. */
const ERROR_SUMMARY = 0x80;

/** A waiting instruction: raises #MF for an x87 exception that is pending, or reports it to the board (CR0.NE = 0). */
export function checkPending(m: Semantics): void {
  m.if(i32.and(m.state('fpuStatus'), i32.const(ERROR_SUMMARY)), () => {
    const nothing = i64.const(0);
    m.call('x87', i32.const(x87Operation('PENDING')), i32.const(0), nothing, i32.const(0), i32.const(-1), nothing);
  });
}

/** The checks of an MMX instruction. */
export function enterMmx(m: Semantics): void {
  m.enterMmx();
  checkPending(m);
}

/** The operand as a vector; fewer than 128 bits are zero-extended. Memory of 128 bits must be aligned. */
function readWide(m: Semantics, operand: Operand): V128 {
  if (operand.bits === 128) return m.readVector(operand, true);
  const value = m.read(operand);
  return m.let(value.type === 'i64' ? fromLow64(value as I64) : fromLow32(value as I32));
}

/** An MMX operand, in both halves. */
export function readMmx(m: Semantics, operand: Operand): V128 {
  return m.let(i64x2.splat(m.wide(m.read(operand))));
}

/** An immediate byte. */
export function immediateByte(m: Semantics, operand: Operand): I32 {
  return m.let(m.narrow(m.read(operand, 8)));
}

const FORM_38 = '0f 38';

/** An instruction on MMX registers: destination and source. `feature` brings it. */
export function onMmx(
  name: string,
  opcode: string,
  feature: Feature,
  compute: Binary,
  operands = 'Pq,Qq',
): Instruction {
  return define(name, { forms: [op(`np ${opcode}`, operands)], feature }, (m, [dst, src]) => {
    enterMmx(m);
    const a = readMmx(m, dst!);
    const b = readMmx(m, src!);
    m.write(dst!, m.let(low64(compute(a, b))));
    m.finishMmx(true);
  });
}

/** An instruction on XMM registers with prefix 66H: destination and source. */
export function onXmm(
  name: string,
  opcode: string,
  feature: Feature,
  compute: Binary,
  operands = 'Vdq,Wdq',
): Instruction {
  return define(name, { forms: [op(`66 ${opcode}`, operands)], feature }, (m, [dst, src]) => {
    m.enterSse();
    const b = readWide(m, src!);
    const a = m.readVector(dst!);
    m.writeVector(dst!, compute(a, b));
  });
}

/** Both: the MMX form comes with `mmx`, the XMM form with SSE2. `onHalf` computes the MMX form where it differs. */
export function onBoth(
  name: string,
  opcode: string,
  mmx: Feature,
  compute: Binary,
  onHalf = compute,
  mmxOperands = 'Pq,Qq',
): Instruction[] {
  return [onMmx(name, opcode, mmx, onHalf, mmxOperands), onXmm(name, opcode, 'SSE2', compute)];
}

/** Both, under 0F 38, with SSSE3. */
export function onBoth38(name: string, opcode: string, compute: Binary, onHalf = compute): Instruction[] {
  const text = `${FORM_38} ${opcode}`;
  return [onMmx(name, text, 'SSSE3', onHalf), onXmm(name, text, 'SSSE3', compute)];
}
