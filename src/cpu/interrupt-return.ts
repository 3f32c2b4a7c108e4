/**
 * IRET in every mode: real, virtual-8086 (IOPL 3), protected to the same or an outer level, to virtual-8086 mode, to the
 * linked task, 64-bit.
 *
 * Source: SDM Vol. 2A, IRET; Vol. 3A 6.7.1 (NMI), 6.14.3; Vol. 3B 20.2.4; Vol. 3C 26.3.
 * NOT IMPLEMENTED: virtual-8086 mode extensions (CPUID.01H:EDX.VME = 0), shadow stacks.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import type { Core, Width } from './core';
import { checkOffset, checkRealOffset, enterCode, enterRealCode, readReturnCode } from './far-code';
import { readReturnStack } from './far-return';
import { EFLAGS, POPPED_FLAGS } from './mode';
import { dropInnerSegments, virtualSegment } from './segment-load';
import { GuestFault } from './signals';
import { currentStack } from './stack-frame';
import type { StackFrame } from './stack-frame';
import { switchByReturn } from './task-switch';

/** Flags that every IRET may change; the upper three only with a 32- or 64-bit operand. */
const ALWAYS = POPPED_FLAGS | EFLAGS.RF;

/** RFLAGS after popping `image`: `changeable` bits of it that the operand size reaches, the rest as now. */
function mergedFlags(cpu: Core, image: bigint, changeable: number, size: Width): number {
  const mask = size === 16 ? changeable & 0xffff : changeable;
  return (cpu.state.rflags & ~mask) | (Number(image & 0xffffffffn) & mask);
}

export function interruptReturn(cpu: Core, size: Width): Outcome {
  const { interruptibility } = cpu;
  cpu.nmiUnblockedByIret = false;
  if (interruptibility.nmi && cpu.vmx.iretUnblocksNmi()) {
    // Even an IRET that faults ends the blocking.
    interruptibility.nmi = false;
    cpu.nmiUnblockedByIret = true;
  }
  if (!cpu.usesDescriptors) returnReal(cpu, size);
  else if (cpu.state.rflags & EFLAGS.NT) returnFromTask(cpu);
  else returnProtected(cpu, size);
  cpu.nmiUnblockedByIret = false;
  cpu.observer.returned?.();
  return cpu.jumped();
}

function returnFromTask(cpu: Core): void {
  if (cpu.isLong) throw new GuestFault(VECTOR.GP, 0);
  switchByReturn(cpu);
}

function returnReal(cpu: Core, size: Width): void {
  if (cpu.isVirtual8086 && cpu.ioPrivilege < 3) throw new GuestFault(VECTOR.GP, 0);
  const stack = currentStack(cpu);
  const offset = stack.pop(size);
  const selector = Number(stack.pop(size) & 0xffffn);
  const image = stack.pop(size);
  checkRealOffset(cpu, offset);
  const changeable = ALWAYS | EFLAGS.IF | (cpu.isVirtual8086 ? 0 : EFLAGS.IOPL);
  cpu.setStackPointer(stack.pointer, stack.width);
  cpu.state.rflags = mergedFlags(cpu, image, changeable, size);
  enterRealCode(cpu, selector, offset);
}

function returnProtected(cpu: Core, size: Width): void {
  const oldCpl = cpu.cpl;
  const stack = currentStack(cpu);
  const offset = stack.pop(size);
  const selector = Number(stack.pop(size) & 0xffffn);
  const image = stack.pop(size);
  if (!cpu.isLong && oldCpl === 0 && size === 32 && image & BigInt(EFLAGS.VM)) {
    returnToVirtual(cpu, stack, offset, selector, image);
    return;
  }
  const changeable =
    ALWAYS | (oldCpl <= cpu.ioPrivilege ? EFLAGS.IF : 0) | (oldCpl === 0 ? EFLAGS.IOPL | EFLAGS.VIF | EFLAGS.VIP : 0);
  const flags = mergedFlags(cpu, image, changeable, size);
  const code = readReturnCode(cpu, selector);
  const cpl = selector & 3;
  if (cpl === oldCpl && !cpu.is64) {
    checkOffset(cpu, code, offset);
    enterCode(cpu, code, offset, cpl);
    cpu.setStackPointer(stack.pointer, stack.width);
    cpu.setFlags(flags);
    return;
  }
  const pointer = stack.pop(size);
  const segment = readReturnStack(cpu, Number(stack.pop(size) & 0xffffn), code, cpl);
  checkOffset(cpu, code, offset);
  enterCode(cpu, code, offset, cpl);
  cpu.setSegment(SEGMENT.SS, segment);
  cpu.setFlags(flags);
  cpu.setStackPointer(pointer, cpu.stackWidth);
  if (cpl > oldCpl) dropInnerSegments(cpu, cpl);
}

/** Segment registers in the order in which they lie above EFLAGS, after ESP. */
const VIRTUAL_SEGMENTS = [SEGMENT.SS, SEGMENT.ES, SEGMENT.DS, SEGMENT.FS, SEGMENT.GS] as const;

function returnToVirtual(cpu: Core, stack: StackFrame, offset: bigint, selector: number, image: bigint): void {
  const pointer = stack.pop(32);
  const selectors = VIRTUAL_SEGMENTS.map(() => Number(stack.pop(32) & 0xffffn));
  if (offset > 0xffffn) throw new GuestFault(VECTOR.GP, 0);
  cpu.setSegment(SEGMENT.CS, virtualSegment(selector));
  VIRTUAL_SEGMENTS.forEach((number, index) => cpu.setSegment(number, virtualSegment(selectors[index]!)));
  cpu.state.setGeneral(4, pointer);
  cpu.state.rip = offset;
  cpu.setFlags(Number(image & 0xffffffffn) & VIRTUAL_FLAGS);
  cpu.memory.nextFetch();
}

/** Every defined flag: an entry to virtual-8086 mode takes them all from the image. */
const VIRTUAL_FLAGS = ALWAYS | EFLAGS.IF | EFLAGS.IOPL | EFLAGS.VM | EFLAGS.VIF | EFLAGS.VIP;
