/**
 * What far transfers share: checking a code segment descriptor as a target, checking the offset, and loading CS.
 *
 * Source: SDM Vol. 3A 5.8.1 (privilege of direct transfers), 5.8.6 (returns); Vol. 2A/B, CALL, JMP, RET, IRET.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { isCanonical } from './core';
import type { Core } from './core';
import { codeSegmentOf, isNull, readDescriptor, selectorFault } from './descriptors';
import type { Descriptor } from './descriptors';
import { realOrVirtualSegment } from './segment-load';
import { GuestFault } from './signals';

/** True when `code` as CS means 64-bit mode. */
export function isCode64(cpu: Core, code: Descriptor): boolean {
  return cpu.isLong && code.isLong;
}

/** L and D both set are reserved in IA-32e mode. */
export function hasReservedSize(cpu: Core, code: Descriptor): boolean {
  return cpu.isLong && code.isLong && code.isBig;
}

/** Checks code segment `code` as the target of a direct far JMP or CALL. */
export function checkDirectTarget(cpu: Core, code: Descriptor): void {
  const { selector, privilege } = code;
  const { cpl } = cpu;
  const isAllowed = code.isConforming ? privilege <= cpl : (selector & 3) <= cpl && privilege === cpl;
  if (!isAllowed || hasReservedSize(cpu, code)) throw selectorFault(VECTOR.GP, selector);
  if (!code.isPresent) throw selectorFault(VECTOR.NP, selector);
}

/** Reads and checks the code segment that a far return or IRET goes to. Its RPL is the new CPL. */
export function readReturnCode(cpu: Core, selector: number): Descriptor {
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  const code = readDescriptor(cpu, selector, VECTOR.GP);
  const rpl = selector & 3;
  const isAllowed =
    code.isCode && rpl >= cpu.cpl && (code.isConforming ? code.privilege <= rpl : code.privilege === rpl);
  if (!isAllowed || hasReservedSize(cpu, code)) throw selectorFault(VECTOR.GP, selector);
  if (!code.isPresent) throw selectorFault(VECTOR.NP, selector);
  return code;
}

/** #GP(0) unless `offset` lies in `code`: canonical in 64-bit mode, within the limit elsewhere. */
export function checkOffset(cpu: Core, code: Descriptor, offset: bigint): void {
  const isFine = isCode64(cpu, code) ? isCanonical(offset) : offset <= BigInt(code.limit);
  if (!isFine) throw new GuestFault(VECTOR.GP, 0);
}

/** Goes to `code:offset` at privilege `cpl`: CS, RIP. The caller recomputes the mode. */
export function enterCode(cpu: Core, code: Descriptor, offset: bigint, cpl: number): void {
  cpu.setSegment(SEGMENT.CS, codeSegmentOf(cpu, code, cpl));
  cpu.state.rip = offset;
  if (!isCode64(cpu, code)) cpu.memory.nextFetch();
}

/** #GP(0) unless `offset` lies within CS as real and virtual-8086 mode leave it. */
export function checkRealOffset(cpu: Core, offset: bigint): void {
  if (offset > BigInt(cpu.isVirtual8086 ? 0xffff : cpu.state.segmentLimit(SEGMENT.CS))) {
    throw new GuestFault(VECTOR.GP, 0);
  }
}

/** Goes to `selector:offset` in real or virtual-8086 mode. */
export function enterRealCode(cpu: Core, selector: number, offset: bigint): void {
  cpu.setSegment(SEGMENT.CS, realOrVirtualSegment(cpu, SEGMENT.CS, selector));
  cpu.state.rip = offset;
  cpu.updateMode();
  cpu.memory.nextFetch();
}
