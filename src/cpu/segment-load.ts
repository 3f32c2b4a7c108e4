/**
 * Loading data and stack segment registers: MOV, POP, LDS and their kin, and the part of it that far returns share.
 *
 * Source: SDM Vol. 2B, MOV; Vol. 3A 5.6, 5.7; 20.1.1 (real mode), 20.2.1 (virtual-8086 mode).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { ATTENTION } from './attention';
import type { Core } from './core';
import { isNull, markAccessed, nullSegment, readDescriptor, segmentOf, selectorFault } from './descriptors';
import type { Descriptor } from './descriptors';
import { RIGHTS } from './mode';
import { GuestFault } from './signals';
import type { Segment } from './state';

/** Writable data, accessed, present: rights of every segment in virtual-8086 mode (DPL 3) and real mode (DPL 0). */
const VIRTUAL_RIGHTS = 0xf3;
const REAL_RIGHTS = 0x93;

/** A segment register of virtual-8086 mode. */
export function virtualSegment(selector: number): Segment {
  return { selector, base: BigInt(selector << 4), limit: 0xffff, rights: VIRTUAL_RIGHTS };
}

/** A segment register loaded in real mode: limit, granularity and size of the hidden part stay ("unreal mode"). */
export function realSegment(cpu: Core, number: number, selector: number): Segment {
  const old = cpu.state.segment(number);
  const base = BigInt(selector << 4);
  if (old.rights & RIGHTS.unusable) return { selector, base, limit: 0xffff, rights: REAL_RIGHTS };
  return { selector, base, limit: old.limit, rights: (old.rights & 0xf000) | REAL_RIGHTS };
}

/** What a segment register becomes outside protected mode. */
export function realOrVirtualSegment(cpu: Core, number: number, selector: number): Segment {
  return cpu.isVirtual8086 ? virtualSegment(selector) : realSegment(cpu, number, selector);
}

/** Checks a descriptor for SS at privilege `cpl`: faults are `vector` (#GP or #TS), and #SS when not present. */
export function checkStackDescriptor(
  descriptor: Descriptor,
  cpl: number,
  vector: number = VECTOR.GP,
  external: 0 | 1 = 0,
): void {
  const { selector } = descriptor;
  if ((selector & 3) !== cpl || !descriptor.isWritableData || descriptor.privilege !== cpl) {
    throw selectorFault(vector, selector, external);
  }
  if (!descriptor.isPresent) throw selectorFault(VECTOR.SS, selector, external);
}

function stackSegment(cpu: Core, selector: number): Segment {
  const { cpl } = cpu;
  if (isNull(selector)) {
    if (!cpu.is64 || cpl === 3 || (selector & 3) !== cpl) throw new GuestFault(VECTOR.GP, 0);
    return nullSegment(selector, cpl);
  }
  const descriptor = readDescriptor(cpu, selector, VECTOR.GP);
  checkStackDescriptor(descriptor, cpl);
  return segmentOf(markAccessed(cpu, descriptor));
}

/** Checks a descriptor for DS, ES, FS or GS at CPL `cpl`. */
export function checkDataDescriptor(descriptor: Descriptor, cpl: number, vector: number = VECTOR.GP): void {
  const { selector, privilege } = descriptor;
  if (!descriptor.isReadable) throw selectorFault(vector, selector);
  const isTooPrivileged = privilege < (selector & 3) || privilege < cpl;
  if (!descriptor.isConforming && isTooPrivileged) throw selectorFault(vector, selector);
  if (!descriptor.isPresent) throw selectorFault(VECTOR.NP, selector);
}

function dataSegment(cpu: Core, selector: number): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const descriptor = readDescriptor(cpu, selector, VECTOR.GP);
  checkDataDescriptor(descriptor, cpu.cpl);
  return segmentOf(markAccessed(cpu, descriptor));
}

/** Loads segment register `number` (not CS) with `selector`. */
export function loadSegment(cpu: Core, number: number, selector: number): Outcome {
  if (!cpu.usesDescriptors) cpu.setSegment(number, realOrVirtualSegment(cpu, number, selector));
  else if (number === SEGMENT.SS) cpu.setSegment(number, stackSegment(cpu, selector));
  else cpu.setSegment(number, dataSegment(cpu, selector));
  if (number === SEGMENT.SS) cpu.updateMode();
  return Outcome.Done;
}

/** POP to a segment register: the stack pointer moves by `bytes` at the width of the old SS. */
export function popSegment(cpu: Core, number: number, selector: number, bytes: number): Outcome {
  const { stackWidth, stackPointer } = cpu;
  loadSegment(cpu, number, selector);
  cpu.setStackPointer(stackPointer + BigInt(bytes), stackWidth);
  return Outcome.Done;
}

/** MOV SS, POP SS: no events, nor debug traps, until the next instruction is done (SDM Vol. 3A, 6.8.3). */
export function blockByMovSs(cpu: Core): Outcome {
  cpu.interruptibility.movSs = true;
  cpu.attend(ATTENTION.shadow);
  return cpu.done();
}

/** Segment registers that a return to an outer level would leave accessible to it are made null (SDM Vol. 2, RET). */
export function dropInnerSegments(cpu: Core, cpl: number): void {
  for (const number of [SEGMENT.ES, SEGMENT.DS, SEGMENT.FS, SEGMENT.GS]) {
    const rights = cpu.state.segmentRights(number);
    const isConforming = (rights & (RIGHTS.code | 4)) === (RIGHTS.code | 4);
    if (rights & RIGHTS.unusable || isConforming || ((rights >> RIGHTS.dplShift) & 3) >= cpl) continue;
    const old = cpu.state.segment(number);
    // The base stays: 64-bit code may still use FS and GS bases.
    cpu.setSegment(number, { ...old, selector: 0, rights: RIGHTS.unusable });
  }
}
