/**
 * Far JMP and far CALL: to code, through call gates (16-, 32-, 64-bit, with a change of stack and parameters), to TSSs
 * and through task gates.
 *
 * Source: SDM Vol. 2A, CALL, JMP; Vol. 3A 5.8.2 to 5.8.5.1.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import { isCanonical } from './core';
import type { Core, Width } from './core';
import {
  codeSegmentOf,
  isNull,
  nullSegment,
  readDescriptor,
  readUpperHalf,
  selectorFault,
  SYSTEM_TYPE,
} from './descriptors';
import type { Descriptor } from './descriptors';
import { checkDirectTarget, checkOffset, checkRealOffset, enterCode, enterRealCode, hasReservedSize } from './far-code';
import { CURRENT, SYSTEM } from './linear-memory';
import { GuestFault } from './signals';
import { currentStack, innerStack, StackFrame } from './stack-frame';
import { pointerOfLevel, stackOfLevel } from './task-state';
import { readTssDescriptor, switchByTransfer } from './task-switch';

type Transfer = 'JMP' | 'CALL';

export function farJump(cpu: Core, selector: number, offset: bigint, size: Width): Outcome {
  return farTransfer(cpu, 'JMP', selector & 0xffff, BigInt.asUintN(size, offset), size);
}

export function farCall(cpu: Core, selector: number, offset: bigint, size: Width): Outcome {
  return farTransfer(cpu, 'CALL', selector & 0xffff, BigInt.asUintN(size, offset), size);
}

function farTransfer(cpu: Core, kind: Transfer, selector: number, offset: bigint, size: Width): Outcome {
  if (!cpu.usesDescriptors) {
    transferReal(cpu, kind, selector, offset, size);
    return cpu.jumped();
  }
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  const target = readDescriptor(cpu, selector, VECTOR.GP);
  if (target.isCode) transferToCode(cpu, kind, target, offset, size);
  else if (target.isSystem) transferThroughSystem(cpu, kind, target);
  else throw selectorFault(VECTOR.GP, selector);
  return cpu.jumped();
}

function transferReal(cpu: Core, kind: Transfer, selector: number, offset: bigint, size: Width): void {
  if (kind === 'CALL') {
    const stack = currentStack(cpu);
    stack.push(BigInt(cpu.state.selector(SEGMENT.CS)), size);
    stack.push(cpu.nextRip(), size);
    stack.prove();
    checkRealOffset(cpu, offset);
    stack.write();
    cpu.setStackPointer(stack.pointer, stack.width);
  }
  checkRealOffset(cpu, offset);
  enterRealCode(cpu, selector, offset);
}

/** Pushes CS and the return address onto `stack` and proves it. */
function pushReturn(cpu: Core, stack: StackFrame, width: Width): void {
  stack.push(BigInt(cpu.state.selector(SEGMENT.CS)), width);
  stack.push(cpu.nextRip(), width);
  stack.prove();
}

function transferToCode(cpu: Core, kind: Transfer, code: Descriptor, offset: bigint, size: Width): void {
  checkDirectTarget(cpu, code);
  const stack = currentStack(cpu);
  if (kind === 'CALL') pushReturn(cpu, stack, size);
  checkOffset(cpu, code, offset);
  enterCode(cpu, code, offset, cpu.cpl);
  stack.write();
  cpu.setStackPointer(stack.pointer, stack.width);
  cpu.updateMode();
}

function transferThroughSystem(cpu: Core, kind: Transfer, target: Descriptor): void {
  const { selector, privilege, type } = target;
  const isTask = !cpu.isLong && (type === SYSTEM_TYPE.tss16 || type === SYSTEM_TYPE.tss32);
  const isTaskGate = !cpu.isLong && type === SYSTEM_TYPE.taskGate;
  const isCallGate = type === SYSTEM_TYPE.callGate32 || (!cpu.isLong && type === SYSTEM_TYPE.callGate16);
  const isAllowed = privilege >= cpu.cpl && privilege >= (selector & 3);
  if (!(isTask || isTaskGate || isCallGate) || !isAllowed) throw selectorFault(VECTOR.GP, selector);
  if (!target.isPresent) throw selectorFault(VECTOR.NP, selector);
  if (isCallGate) transferThroughGate(cpu, kind, target);
  else {
    const tss = isTask ? selector : target.gateSelector;
    switchByTransfer(cpu, kind, readTssDescriptor(cpu, tss, VECTOR.GP, false));
  }
}

function transferThroughGate(cpu: Core, kind: Transfer, gate: Descriptor): void {
  const { cpl } = cpu;
  let offset = BigInt(gate.type === SYSTEM_TYPE.callGate16 ? gate.gateOffset & 0xffff : gate.gateOffset);
  if (cpu.isLong) {
    const upper = readUpperHalf(cpu, gate);
    if (upper.high & 0x1f00) throw selectorFault(VECTOR.GP, gate.selector);
    offset |= upper.base;
  }
  const selector = gate.gateSelector;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  const code = readDescriptor(cpu, selector, VECTOR.GP);
  const isInner = kind === 'CALL' && !code.isConforming && code.privilege < cpl;
  const isAllowed = code.isCode && (code.isConforming || isInner ? code.privilege <= cpl : code.privilege === cpl);
  const isWrongSize = cpu.isLong && (!code.isLong || hasReservedSize(cpu, code));
  if (!isAllowed || isWrongSize) throw selectorFault(VECTOR.GP, selector);
  if (!code.isPresent) throw selectorFault(VECTOR.NP, selector);
  if (isInner) callInnerLevel(cpu, gate, code, offset);
  else transferSameLevel(cpu, kind, gate, code, offset);
}

function gateWidth(cpu: Core, gate: Descriptor): Width {
  if (cpu.isLong) return 64;
  return gate.type === SYSTEM_TYPE.callGate16 ? 16 : 32;
}

function transferSameLevel(cpu: Core, kind: Transfer, gate: Descriptor, code: Descriptor, offset: bigint): void {
  const stack = cpu.isLong ? new StackFrame(cpu, undefined, cpu.stackPointer, 64, CURRENT, 0) : currentStack(cpu);
  if (kind === 'CALL') pushReturn(cpu, stack, gateWidth(cpu, gate));
  checkOffset(cpu, code, offset);
  enterCode(cpu, code, offset, cpu.cpl);
  stack.write();
  cpu.setStackPointer(stack.pointer, stack.width);
  cpu.updateMode();
}

function callInnerLevel(cpu: Core, gate: Descriptor, code: Descriptor, offset: bigint): void {
  const { state } = cpu;
  const level = code.privilege;
  const width = gateWidth(cpu, gate);
  const inner = cpu.isLong ? undefined : stackOfLevel(cpu, level, 0);
  const stack = inner
    ? innerStack(cpu, inner.segment, inner.pointer, inner.segment.selector & 0xfffc)
    : new StackFrame(cpu, undefined, pointerOfLevel(cpu, level, 0), 64, SYSTEM, 0);
  const old = currentStack(cpu);
  stack.push(BigInt(state.selector(SEGMENT.SS)), width);
  stack.push(state.general(4), width);
  if (inner) {
    // The last parameter pushed lies lowest: copy from the highest down.
    for (let index = gate.gateParameters - 1; index >= 0; index--)
      stack.push(old.peek((index * width) / 8, width), width);
  }
  pushReturn(cpu, stack, width);
  if (inner) checkOffset(cpu, code, offset);
  else if (!isCanonical(offset)) throw new GuestFault(VECTOR.GP, 0);
  const segment = codeSegmentOf(cpu, code, level);
  stack.write();
  cpu.setSegment(SEGMENT.CS, segment);
  cpu.setSegment(SEGMENT.SS, inner ? inner.segment : nullSegment(level, level));
  cpu.setStackPointer(stack.pointer, stack.width);
  state.rip = offset;
  cpu.updateMode();
  cpu.memory.nextFetch();
}
