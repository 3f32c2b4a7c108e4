/**
 * Task switches by JMP, CALL, IRET and task gates, between 16- and 32-bit TSSs.
 *
 * Before the commit point everything is checked and proved, and a fault leaves the old task as it was; after it, faults
 * belong to the new task, whose first instruction is then `STATE.rip`.
 *
 * Source: SDM Vol. 3A 7.3 (table 7-1), 7.4 (back link, NT, busy); 17.3.1.5 (T flag).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { ATTENTION } from './attention';
import type { Core } from './core';
import { loadCr3ForTask } from './control-registers';
import { descriptorAddress, descriptorAt, setBusy, selectorFault, SYSTEM_TYPE } from './descriptors';
import type { Descriptor } from './descriptors';
import { externalBit, setsResumeFlag } from './event';
import type { ProcessorEvent } from './event';
import { STATE } from './layout';
import { SYSTEM } from './linear-memory';
import { CR0, EFLAGS } from './mode';
import { EXIT_SIGNAL, GuestFault, TaskFault } from './signals';
import { currentStack } from './stack-frame';
import { readTaskImage, savedFields, TSS16, TSS32 } from './task-image';
import type { TaskImage } from './task-image';
import { loadTaskSegments, proveTaskDescriptors } from './task-segments';
import type { TaskSwitchRequest } from './vmx-hooks';

/** A task switch in the making. */
interface Switch extends TaskSwitchRequest {
  readonly descriptor: Descriptor;
  /** EIP that the old task resumes at. */
  readonly returnRip: bigint;
}

/** DR7's local breakpoint enables and LE, which a task switch clears. */
const DR7_LOCAL = 0x155n;
/** DR6.BT. */
const TASK_TRAP = 0x8000;

function isBusy(descriptor: Descriptor): boolean {
  return (descriptor.type & 2) !== 0;
}

function isTss(descriptor: Descriptor): boolean {
  return descriptor.isSystem && (descriptor.type & 5) === SYSTEM_TYPE.tss16;
}

/** Reads and checks the TSS descriptor `selector`: `vector` unless it is a TSS in the GDT, busy or not as wanted. */
export function readTssDescriptor(
  cpu: Core,
  selector: number,
  vector: number,
  busy: boolean,
  external: 0 | 1 = 0,
): Descriptor {
  const address = selector & 4 ? undefined : descriptorAddress(cpu, selector, 8);
  if (address === undefined) throw selectorFault(vector, selector, external);
  const descriptor = descriptorAt(cpu, selector, address);
  if (!isTss(descriptor) || isBusy(descriptor) !== busy) throw selectorFault(vector, selector, external);
  if (!descriptor.isPresent) throw selectorFault(VECTOR.NP, selector, external);
  return descriptor;
}

/** Delivers an event through a task gate in the IDT. */
export function switchByGate(cpu: Core, event: ProcessorEvent, selector: number, returnRip: bigint): void {
  const external = externalBit(event);
  const descriptor = readTssDescriptor(cpu, selector, VECTOR.TS, false, external);
  switchTask(cpu, { selector, descriptor, source: 'task gate', event, returnRip });
}

/** JMP or CALL to an available TSS whose descriptor and access rights were checked by the caller. */
export function switchByTransfer(cpu: Core, source: 'JMP' | 'CALL', descriptor: Descriptor): void {
  switchTask(cpu, { selector: descriptor.selector, descriptor, source, returnRip: cpu.nextRip() });
}

/** IRET with NT set: back to the task that the current TSS links to. */
export function switchByReturn(cpu: Core): void {
  const selector = cpu.memory.read16(cpu.state.segmentBase(SEGMENT.TR), SYSTEM);
  const descriptor = readTssDescriptor(cpu, selector, VECTOR.TS, true);
  switchTask(cpu, { selector, descriptor, source: 'IRET', returnRip: cpu.nextRip() });
}

function switchTask(cpu: Core, request: Switch): void {
  const { state, memory } = cpu;
  const { descriptor, event, source } = request;
  const external = event ? externalBit(event) : 0;
  const is32 = (descriptor.type & 8) !== 0;
  const minimum = is32 ? TSS32.limit : TSS16.limit;
  if (descriptor.limit < minimum) throw selectorFault(VECTOR.TS, request.selector, external);
  if (cpu.vmx.taskSwitchExits(request)) throw EXIT_SIGNAL;

  const base = BigInt(descriptor.base);
  const task = readTaskImage(memory.readBytes(base, minimum + 1, SYSTEM), is32);
  const nests = source === 'CALL' || source === 'task gate';
  if (nests) memory.prove(base, 2, true, SYSTEM);
  proveTaskDescriptors(cpu, task);
  saveTask(cpu, request);
  const oldSelector = state.selector(SEGMENT.TR);
  // The old TSS was in the GDT when TR was loaded; a GDT that has moved since makes this the guest's own mess.
  const oldAddress = descriptorAddress(cpu, oldSelector, 8);
  if (!nests && oldAddress !== undefined) setBusy(cpu, descriptorAt(cpu, oldSelector, oldAddress), false);
  if (nests) memory.write16(base, oldSelector, SYSTEM);
  const taken = source === 'IRET' ? descriptor : setBusy(cpu, descriptor, true);

  cpu.setSegment(SEGMENT.TR, {
    selector: request.selector,
    base,
    limit: descriptor.limit,
    rights: taken.rights | 2,
  });
  state.setQuad(STATE.cr0, state.quad(STATE.cr0) | BigInt(CR0.TS));
  try {
    enterTask(cpu, task, nests, external);
    if (event?.errorCode !== undefined) pushErrorCode(cpu, event.errorCode, is32);
    if (task.eip > BigInt(state.segmentLimit(SEGMENT.CS))) throw new GuestFault(VECTOR.GP, external);
  } catch (signal) {
    throw signal instanceof GuestFault ? new TaskFault(signal) : signal;
  }
  if (task.trap) {
    cpu.pendingDebug |= TASK_TRAP;
    cpu.attend(ATTENTION.trap);
  }
}

/** Saves the running task in its TSS, proved first. */
function saveTask(cpu: Core, { returnRip, source, event }: Switch): void {
  const { state, memory } = cpu;
  const is32 = (state.segmentRights(SEGMENT.TR) & 8) !== 0;
  const base = state.segmentBase(SEGMENT.TR);
  const flags = state.rflags & (source === 'IRET' ? ~EFLAGS.NT : ~0);
  const fields = savedFields(is32, {
    eip: returnRip,
    eflags: event && setsResumeFlag(event) ? flags | EFLAGS.RF : flags,
    general: [0, 1, 2, 3, 4, 5, 6, 7].map((number) => state.general32(number)),
    segments: [0, 1, 2, 3, 4, 5].map((number) => state.selector(number)),
  });
  const first = fields[0]!;
  const last = fields[fields.length - 1]!;
  const bytes = last.offset + last.bytes - first.offset;
  if (first.offset + bytes - 1 > state.segmentLimit(SEGMENT.TR)) {
    throw selectorFault(VECTOR.TS, state.selector(SEGMENT.TR));
  }
  memory.prove(base + BigInt(first.offset), bytes, true, SYSTEM);
  for (const field of fields) {
    const at = BigInt.asUintN(32, base + BigInt(field.offset));
    if (field.bytes === 2) memory.write16(at, field.value & 0xffff, SYSTEM);
    else memory.write32(at, field.value >>> 0, SYSTEM);
  }
}

/** Loads the new task: past this point there is no way back. */
function enterTask(cpu: Core, task: TaskImage, nests: boolean, external: 0 | 1): void {
  const { state } = cpu;
  state.rip = task.eip;
  task.general.forEach((value, number) => state.setGeneral32(number, value));
  state.setQuad(STATE.dr7, state.quad(STATE.dr7) & ~DR7_LOCAL);
  if (task.cr3 !== undefined) loadCr3ForTask(cpu, task.cr3);
  state.rflags = task.eflags | (nests ? EFLAGS.NT : 0);
  cpu.memory.nextFetch();
  try {
    loadTaskSegments(cpu, task, external);
  } finally {
    cpu.updateMode();
  }
}

function pushErrorCode(cpu: Core, errorCode: number, is32: boolean): void {
  const stack = currentStack(cpu);
  stack.push(BigInt(errorCode), is32 ? 32 : 16);
  stack.prove();
  stack.write();
  cpu.setStackPointer(stack.pointer, stack.width);
}
