/**
 * x87 loads, stores and moves on the stack.
 * Source: SDM Vol. 1, 8.3.3, 8.5 (masked responses and indefinite values); Vol. 2, FLD, FST, FIST, FISTTP, FBSTP, FXCH,
 * FCMOVcc, FFREE. A store that an unmasked exception other than PE stops leaves memory and stack as they are.
 */
import type { X87Source } from '../../isa/float-operations';
import { Exception, Rounding } from '../float/context';
import type { FloatContext } from '../float/context';
import { load, store } from '../float/convert';
import { F32, F64, F80 } from '../float/formats';
import type { Extended } from '../float/formats';
import { fromInteger, fromPackedBcd, toInteger, toPackedBcd } from '../float/integer';
import { defaultNaN } from '../float/nan';
import { finite } from '../float/value';
import type { Unpacked } from '../float/value';
import { STATE } from '../layout';
import { pushComputed } from './x87-push';
import { INDEFINITE } from './x87-unit';
import type { X87Unit } from './x87-unit';

/** Formats in memory. */
export type MemoryFormat = Exclude<X87Source, 'STi'>;

const INTEGER_WIDTH = { word: 16, doubleword: 32, quadword: 64 } as const;

function isInteger(format: MemoryFormat): format is keyof typeof INTEGER_WIDTH {
  return format in INTEGER_WIDTH;
}

/** A memory operand of an arithmetic instruction, exactly. `low` is unsigned. */
export function operandOf(format: MemoryFormat, low: bigint): Unpacked {
  if (format === 'single') return F32.unpack(Number(BigInt.asUintN(32, low)));
  if (!isInteger(format)) return F64.unpack(low);
  const value = BigInt.asIntN(INTEGER_WIDTH[format], low);
  return finite(value < 0n ? 1 : 0, value < 0n ? -value : value, 0);
}

/** FLD, FILD, FBLD from memory: bits 63:0 and 79:64. */
export function loadFromMemory(unit: X87Unit, format: MemoryFormat, low: bigint, high: number): void {
  pushComputed(unit, () => {
    if (format === 'extended') return { significand: low, signExponent: high };
    if (format === 'bcd') return fromPackedBcd((BigInt(high) << 64n) | low);
    if (isInteger(format)) return fromInteger(unit.context, F80, BigInt.asIntN(INTEGER_WIDTH[format], low));
    return load(unit.context, operandOf(format, low));
  });
}

/** FLD ST(i): an empty register pushes the indefinite value. */
export function loadFromRegister(unit: X87Unit, i: number): void {
  if (unit.isEmpty(i)) {
    if (unit.stackFault(false)) unit.push(INDEFINITE);
    return;
  }
  const value = unit.read(i);
  pushComputed(unit, () => value);
}

const bits80 = ({ signExponent, significand }: Extended): bigint => (BigInt(signExponent) << 64n) | significand;
const BCD_INDEFINITE = 0xffffc000000000000000n;

/** ST(0) in a memory format, as up to 80 bits. */
function encode(context: FloatContext, format: MemoryFormat, value: Extended, truncates: boolean): bigint {
  if (format === 'extended') return bits80(value);
  const unpacked = F80.unpack(value);
  if (format === 'single') return BigInt(store(context, F32, unpacked));
  if (format === 'double') return store(context, F64, unpacked);
  if (format === 'bcd') return toPackedBcd(context, unpacked);
  return toInteger(context, unpacked, INTEGER_WIDTH[format], truncates ? Rounding.Zero : undefined);
}

function indefinite(format: MemoryFormat): bigint {
  if (format === 'extended') return bits80(INDEFINITE);
  if (format === 'single') return BigInt(defaultNaN(F32));
  if (format === 'double') return defaultNaN(F64);
  if (format === 'bcd') return BCD_INDEFINITE;
  return -(1n << BigInt(INTEGER_WIDTH[format] - 1));
}

/** FST, FIST, FISTTP, FBSTP to memory: the value goes to `result` and `result2`, whose bit 16 says that it counts. */
export function storeToMemory(unit: X87Unit, format: MemoryFormat, truncates: boolean, pops: number): void {
  unit.state.setQuad(STATE.result2, 0n);
  let value: bigint;
  if (unit.isEmpty(0)) {
    if (!unit.stackFault(false)) return;
    value = indefinite(format);
  } else {
    value = encode(unit.context, format, unit.read(0), truncates);
    unit.commit();
    if (unit.context.unmasked & ~Exception.PE) return;
  }
  unit.state.setQuad(STATE.result, BigInt.asUintN(64, value));
  unit.state.setQuad(STATE.result2, 0x10000n | (BigInt.asUintN(80, value) >> 64n));
  unit.pop(pops);
}

/** FST ST(i). */
export function storeToRegister(unit: X87Unit, i: number, pops: number): void {
  const isEmpty = unit.isEmpty(0);
  if (isEmpty && !unit.stackFault(false)) return;
  unit.write(i, isEmpty ? INDEFINITE : unit.read(0));
  unit.pop(pops);
}

/** FSTP as D9 D8 has it (undocumented): an empty ST(0) is no fault; it is popped and nothing is stored. */
export function storeUnchecked(unit: X87Unit, i: number): void {
  if (!unit.isEmpty(0)) unit.write(i, unit.read(0));
  unit.pop();
}

/** FXCH: an empty register counts as the indefinite value. */
export function exchange(unit: X87Unit, i: number): void {
  if ((unit.isEmpty(0) || unit.isEmpty(i)) && !unit.stackFault(false)) return;
  const first = unit.isEmpty(0) ? INDEFINITE : unit.read(0);
  const second = unit.isEmpty(i) ? INDEFINITE : unit.read(i);
  unit.write(0, second);
  unit.write(i, first);
}

/** FCMOVcc: an empty register counts whether the condition holds or not. */
export function conditionalMove(unit: X87Unit, i: number, holds: boolean): void {
  if (unit.isEmpty(0) || unit.isEmpty(i)) {
    if (unit.stackFault(false)) unit.write(0, INDEFINITE);
  } else if (holds) unit.write(0, unit.read(i));
}
