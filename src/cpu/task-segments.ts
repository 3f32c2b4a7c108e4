/**
 * Segment registers of a task that is switched to: LDTR, CS, SS, then the data segments.
 *
 * Source: SDM Vol. 3A table 7-1 (checks and exceptions of a task switch).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Core } from './core';
import {
  codeSegmentOf,
  descriptorAddress,
  descriptorAt,
  isNull,
  markAccessed,
  nullSegment,
  readDescriptor,
  segmentOf,
  selectorFault,
  SYSTEM_TYPE,
} from './descriptors';
import { SYSTEM } from './linear-memory';
import { EFLAGS } from './mode';
import { checkDataDescriptor, checkStackDescriptor, virtualSegment } from './segment-load';
import { GuestFault } from './signals';
import type { Segment } from './state';
import type { TaskImage } from './task-image';

const DATA_SEGMENTS = [SEGMENT.ES, SEGMENT.DS, SEGMENT.FS, SEGMENT.GS] as const;

function localTable(cpu: Core, selector: number, external: 0 | 1): Segment {
  if (isNull(selector)) return nullSegment(selector);
  const address = selector & 4 ? undefined : descriptorAddress(cpu, selector, 8);
  if (address === undefined) throw selectorFault(VECTOR.TS, selector, external);
  const descriptor = descriptorAt(cpu, selector, address);
  const isTable = descriptor.isSystem && descriptor.type === SYSTEM_TYPE.ldt;
  if (!isTable || !descriptor.isPresent) throw selectorFault(VECTOR.TS, selector, external);
  return segmentOf(descriptor);
}

function codeSegment(cpu: Core, selector: number, external: 0 | 1): Segment {
  if (isNull(selector)) throw new GuestFault(VECTOR.TS, external);
  const descriptor = readDescriptor(cpu, selector, VECTOR.TS, external);
  const cpl = selector & 3;
  const { privilege } = descriptor;
  const isLegal = descriptor.isCode && (descriptor.isConforming ? privilege <= cpl : privilege === cpl);
  if (!isLegal) throw selectorFault(VECTOR.TS, selector, external);
  if (!descriptor.isPresent) throw selectorFault(VECTOR.NP, selector, external);
  return codeSegmentOf(cpu, descriptor, cpl);
}

function stackSegment(cpu: Core, selector: number, cpl: number, external: 0 | 1): Segment {
  if (isNull(selector)) throw new GuestFault(VECTOR.TS, external);
  const descriptor = readDescriptor(cpu, selector, VECTOR.TS, external);
  checkStackDescriptor(descriptor, cpl, VECTOR.TS, external);
  return segmentOf(markAccessed(cpu, descriptor));
}

/** Proves that the descriptors in the GDT that `task` needs are in memory, so that the switch does not stop halfway. */
export function proveTaskDescriptors(cpu: Core, task: TaskImage): void {
  const selectors = task.eflags & EFLAGS.VM ? [task.ldt] : [task.ldt, ...task.segments];
  for (const selector of selectors) {
    const address = isNull(selector) || selector & 4 ? undefined : descriptorAddress(cpu, selector, 8);
    if (address === undefined) continue;
    const descriptor = descriptorAt(cpu, selector, address);
    if (!descriptor.isSystem && !(descriptor.rights & 1)) cpu.memory.prove(address, 8, true, SYSTEM);
  }
}

/** Loads the segment registers of `task`. All of them hold their selectors, unusable, when one of them faults. */
export function loadTaskSegments(cpu: Core, task: TaskImage, external: 0 | 1): void {
  if (task.eflags & EFLAGS.VM) {
    cpu.setSegment(SEGMENT.LDTR, localTable(cpu, task.ldt, external));
    task.segments.forEach((selector, number) => cpu.setSegment(number, virtualSegment(selector)));
    return;
  }
  const cpl = task.segments[SEGMENT.CS]! & 3;
  task.segments.forEach((selector, number) => cpu.setSegment(number, nullSegment(selector, cpl)));
  cpu.setSegment(SEGMENT.LDTR, nullSegment(task.ldt));
  cpu.updateMode();
  cpu.setSegment(SEGMENT.LDTR, localTable(cpu, task.ldt, external));
  cpu.setSegment(SEGMENT.CS, codeSegment(cpu, task.segments[SEGMENT.CS]!, external));
  cpu.setSegment(SEGMENT.SS, stackSegment(cpu, task.segments[SEGMENT.SS]!, cpl, external));
  cpu.updateMode();
  for (const number of DATA_SEGMENTS) {
    const selector = task.segments[number]!;
    if (isNull(selector)) continue;
    const descriptor = readDescriptor(cpu, selector, VECTOR.TS, external);
    checkDataDescriptor(descriptor, cpl, VECTOR.TS);
    cpu.setSegment(number, segmentOf(markAccessed(cpu, descriptor)));
  }
}
