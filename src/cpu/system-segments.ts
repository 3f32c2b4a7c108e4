/**
 * LLDT, LTR, SLDT, STR, LGDT, LIDT, SGDT, SIDT.
 *
 * Source: SDM Vol. 2A/B, the instructions; Vol. 3A 2.4, 7.2.3 and 3.5.2 (16-byte descriptors in IA-32e mode).
 * NOT IMPLEMENTED: UMIP (CPUID.07H:ECX.UMIP = 0).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { isCanonical } from './core';
import type { Core, Width } from './core';
import {
  descriptorAddress,
  descriptorAt,
  isNull,
  nullSegment,
  readUpperHalf,
  segmentOf,
  selectorFault,
  setBusy,
  SYSTEM_TYPE,
} from './descriptors';
import type { Descriptor } from './descriptors';
import { STATE } from './layout';
import { CURRENT } from './linear-memory';
import { linearAddress } from './segmentation';
import { GuestFault } from './signals';

/** Reads a system descriptor from the GDT: #GP unless `isLegal`, #NP unless present; the base has all its bits. */
function readSystem(
  cpu: Core,
  selector: number,
  isLegal: (descriptor: Descriptor) => boolean,
): { descriptor: Descriptor; base: bigint } {
  const address = selector & 4 ? undefined : descriptorAddress(cpu, selector, 8);
  if (address === undefined) throw selectorFault(VECTOR.GP, selector);
  const descriptor = descriptorAt(cpu, selector, address);
  if (!descriptor.isSystem || !isLegal(descriptor)) throw selectorFault(VECTOR.GP, selector);
  if (!descriptor.isPresent) throw selectorFault(VECTOR.NP, selector);
  let base = BigInt(descriptor.base);
  if (cpu.isLong) {
    const upper = readUpperHalf(cpu, descriptor);
    base |= upper.base;
    if (upper.high & 0x1f00 || !isCanonical(base)) throw selectorFault(VECTOR.GP, selector);
  }
  return { descriptor, base };
}

function loadLocalTable(cpu: Core, selector: number): void {
  if (isNull(selector)) {
    cpu.setSegment(SEGMENT.LDTR, nullSegment(selector));
    return;
  }
  const { descriptor, base } = readSystem(cpu, selector, ({ type }) => type === SYSTEM_TYPE.ldt);
  cpu.setSegment(SEGMENT.LDTR, { ...segmentOf(descriptor), base });
}

function loadTaskRegister(cpu: Core, selector: number): void {
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  const isAvailable = ({ type }: Descriptor): boolean =>
    type === SYSTEM_TYPE.tss32 || (type === SYSTEM_TYPE.tss16 && !cpu.isLong);
  const { descriptor, base } = readSystem(cpu, selector, isAvailable);
  cpu.setSegment(SEGMENT.TR, { ...segmentOf(setBusy(cpu, descriptor, true)), base });
}

/** LLDT (`which` 0) and LTR (1). */
export function loadSystemSegment(cpu: Core, which: number, selector: number): Outcome {
  if (which === 0) loadLocalTable(cpu, selector & 0xffff);
  else loadTaskRegister(cpu, selector & 0xffff);
  return cpu.done();
}

/** SLDT (0) and STR (1). */
export function systemSelector(cpu: Core, which: number): Outcome {
  cpu.state.setQuad(STATE.result, BigInt(cpu.state.selector(which === 0 ? SEGMENT.LDTR : SEGMENT.TR)));
  return Outcome.Done;
}

/** SGDT (0) and SIDT (1): a 16-bit limit, then 32 bits of base, or 64 in 64-bit mode. */
export function storeDescriptorTable(cpu: Core, which: number, segment: number, offset: bigint): Outcome {
  const { state } = cpu;
  const register = which === 0 ? STATE.gdtr : STATE.idtr;
  const bytes = new Uint8Array(cpu.is64 ? 10 : 6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, state.word(register + 8), true);
  if (cpu.is64) view.setBigUint64(2, state.quad(register), true);
  else view.setUint32(2, Number(state.quad(register) & 0xffffffffn), true);
  cpu.memory.writeBytes(linearAddress(cpu, segment, offset, bytes.length, 'write'), bytes, CURRENT);
  return cpu.done();
}

/** LGDT (0) and LIDT (1). With a 16-bit operand the base has 24 bits. */
export function loadDescriptorTable(cpu: Core, which: number, segment: number, offset: bigint, size: Width): Outcome {
  const { state } = cpu;
  const length = cpu.is64 ? 10 : 6;
  const bytes = cpu.memory.readBytes(linearAddress(cpu, segment, offset, length, 'read'), length, CURRENT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let base = cpu.is64 ? view.getBigUint64(2, true) : BigInt(view.getUint32(2, true));
  if (cpu.is64 && !isCanonical(base)) throw new GuestFault(VECTOR.GP, 0);
  if (!cpu.is64 && size === 16) base &= 0xffffffn;
  const register = which === 0 ? STATE.gdtr : STATE.idtr;
  state.setQuad(register, base);
  state.setWord(register + 8, view.getUint16(0, true));
  return cpu.done();
}
