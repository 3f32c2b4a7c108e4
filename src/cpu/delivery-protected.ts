/**
 * Delivery of one event in protected and virtual-8086 mode: interrupt, trap and task gates, 16- and 32-bit.
 *
 * Source: SDM Vol. 3A 6.12; Vol. 3B 20.3 (from virtual-8086 mode); Vol. 2A, INT n.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import type { Core } from './core';
import { idtError } from './delivery-long';
import {
  codeSegmentOf,
  Descriptor,
  isNull,
  nullSegment,
  readDescriptor,
  selectorFault,
  SYSTEM_TYPE,
} from './descriptors';
import { externalBit, setsResumeFlag } from './event';
import type { ProcessorEvent } from './event';
import { STATE } from './layout';
import { SYSTEM } from './linear-memory';
import { EFLAGS } from './mode';
import { GuestFault } from './signals';
import { currentStack, innerStack } from './stack-frame';
import type { StackFrame } from './stack-frame';
import type { Segment } from './state';
import { stackOfLevel } from './task-state';
import { switchByGate } from './task-switch';

const GATE_TYPES: ReadonlySet<number> = new Set([
  SYSTEM_TYPE.taskGate,
  SYSTEM_TYPE.interruptGate16,
  SYSTEM_TYPE.trapGate16,
  SYSTEM_TYPE.interruptGate32,
  SYSTEM_TYPE.trapGate32,
]);

function readGate(cpu: Core, event: ProcessorEvent, external: 0 | 1): Descriptor {
  const { state } = cpu;
  const { vector } = event;
  const error = idtError(vector, external);
  if (vector * 8 + 7 > state.word(STATE.idtr + 8)) throw new GuestFault(VECTOR.GP, error);
  const address = BigInt.asUintN(32, state.quad(STATE.idtr) + BigInt(vector * 8));
  const raw = cpu.memory.read64(address, SYSTEM);
  const gate = new Descriptor(0, address, Number(raw & 0xffffffffn), Number(raw >> 32n));
  if (!gate.isSystem || !GATE_TYPES.has(gate.type)) throw new GuestFault(VECTOR.GP, error);
  const needsPrivilege = event.kind === 'software interrupt' || event.kind === 'software exception';
  if (needsPrivilege && gate.privilege < cpu.cpl) throw new GuestFault(VECTOR.GP, error);
  if (!gate.isPresent) throw new GuestFault(VECTOR.NP, error);
  return gate;
}

/** The handler's code segment, checked. From virtual-8086 mode it must be nonconforming and of level 0. */
function readHandler(cpu: Core, selector: number, external: 0 | 1): Descriptor {
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, external);
  const code = readDescriptor(cpu, selector, VECTOR.GP, external);
  if (!code.isCode || code.privilege > cpu.cpl) throw selectorFault(VECTOR.GP, selector, external);
  if (!code.isPresent) throw selectorFault(VECTOR.NP, selector, external);
  const isBadForVirtual = code.isConforming || code.privilege !== 0;
  if (cpu.isVirtual8086 && isBadForVirtual) throw selectorFault(VECTOR.GP, selector, external);
  return code;
}

/** What virtual-8086 mode leaves on the stack above SS, pushed in this order. */
const VIRTUAL_SEGMENTS = [SEGMENT.GS, SEGMENT.FS, SEGMENT.DS, SEGMENT.ES] as const;

/** Delivers `event`; `returnRip` and `flags` are the images to push. Throws with nothing changed. */
export function deliverProtected(cpu: Core, event: ProcessorEvent, returnRip: bigint, flags: number): void {
  const { state, cpl } = cpu;
  const external = externalBit(event);
  const gate = readGate(cpu, event, external);
  if (gate.type === SYSTEM_TYPE.taskGate) {
    switchByGate(cpu, event, gate.gateSelector, returnRip);
    return;
  }
  const code = readHandler(cpu, gate.gateSelector, external);
  const newCpl = code.isConforming ? cpl : code.privilege;
  const is32 = (gate.type & 8) !== 0;
  const width = is32 ? 32 : 16;
  const offset = is32 ? gate.gateOffset : gate.gateOffset & 0xffff;

  let stack: StackFrame;
  let newStack: Segment | undefined;
  if (newCpl < cpl) {
    const inner = stackOfLevel(cpu, newCpl, external);
    newStack = inner.segment;
    stack = innerStack(cpu, newStack, inner.pointer, (newStack.selector & 0xfffc) | external);
    if (cpu.isVirtual8086) for (const number of VIRTUAL_SEGMENTS) stack.push(BigInt(state.selector(number)), width);
    stack.push(BigInt(state.selector(SEGMENT.SS)), width);
    stack.push(state.general(4), width);
  } else {
    stack = currentStack(cpu, external);
  }
  stack.push(BigInt(setsResumeFlag(event) ? flags | EFLAGS.RF : flags), width);
  stack.push(BigInt(state.selector(SEGMENT.CS)), width);
  stack.push(returnRip, width);
  if (event.errorCode !== undefined) stack.push(BigInt(event.errorCode), width);
  stack.prove();
  if (offset > code.limit) throw new GuestFault(VECTOR.GP, external);
  const segment = codeSegmentOf(cpu, code, newCpl);
  stack.write();

  if (cpu.isVirtual8086) for (const number of VIRTUAL_SEGMENTS) cpu.setSegment(number, nullSegment(0));
  if (newStack) cpu.setSegment(SEGMENT.SS, newStack);
  cpu.setSegment(SEGMENT.CS, segment);
  cpu.setStackPointer(stack.pointer, stack.width);
  state.rip = BigInt(offset);
  const clears = EFLAGS.TF | EFLAGS.NT | EFLAGS.RF | EFLAGS.VM;
  const isInterruptGate = (gate.type & 7) === SYSTEM_TYPE.interruptGate16;
  cpu.setFlags(flags & ~(clears | (isInterruptGate ? EFLAGS.IF : 0)));
  cpu.memory.nextFetch();
}
