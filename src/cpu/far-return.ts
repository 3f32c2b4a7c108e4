/**
 * Far RET and the return to an outer privilege level that IRET shares.
 *
 * Source: SDM Vol. 2B, RET; Vol. 3A 5.8.6.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import type { Core, Width } from './core';
import { isNull, markAccessed, nullSegment, readDescriptor, segmentOf } from './descriptors';
import type { Descriptor } from './descriptors';
import { checkOffset, checkRealOffset, enterCode, enterRealCode, isCode64, readReturnCode } from './far-code';
import { checkStackDescriptor, dropInnerSegments } from './segment-load';
import { GuestFault } from './signals';
import { currentStack } from './stack-frame';
import type { Segment } from './state';

/** Checks the stack segment that a return at privilege `cpl` loads; null is allowed for 64-bit code above level 3. */
export function readReturnStack(cpu: Core, selector: number, code: Descriptor, cpl: number): Segment {
  if (isNull(selector)) {
    if (!isCode64(cpu, code) || cpl === 3 || (selector & 3) !== cpl) throw new GuestFault(VECTOR.GP, 0);
    return nullSegment(selector, cpl);
  }
  const descriptor = readDescriptor(cpu, selector, VECTOR.GP);
  checkStackDescriptor(descriptor, cpl);
  return segmentOf(markAccessed(cpu, descriptor));
}

/** Releases `release` bytes of parameters as well. `size` is the operand size. */
export function farReturn(cpu: Core, size: Width, release: number): Outcome {
  const stack = currentStack(cpu);
  const offset = stack.pop(size);
  const selector = Number(stack.pop(size) & 0xffffn);
  if (!cpu.usesDescriptors) {
    checkRealOffset(cpu, offset);
    stack.skip(release);
    cpu.setStackPointer(stack.pointer, stack.width);
    enterRealCode(cpu, selector, offset);
    return cpu.jumped();
  }
  const code = readReturnCode(cpu, selector);
  const cpl = selector & 3;
  stack.skip(release);
  if (cpl === cpu.cpl) {
    checkOffset(cpu, code, offset);
    enterCode(cpu, code, offset, cpl);
    cpu.setStackPointer(stack.pointer, stack.width);
    cpu.updateMode();
    return cpu.jumped();
  }
  const pointer = stack.pop(size);
  const segment = readReturnStack(cpu, Number(stack.pop(size) & 0xffffn), code, cpl);
  checkOffset(cpu, code, offset);
  enterCode(cpu, code, offset, cpl);
  cpu.setSegment(SEGMENT.SS, segment);
  cpu.updateMode();
  cpu.setStackPointer(pointer + BigInt(release), cpu.stackWidth);
  dropInnerSegments(cpu, cpl);
  return cpu.jumped();
}
