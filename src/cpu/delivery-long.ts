/**
 * Delivery of one event in IA-32e mode: 16-byte gates, interrupt stack table, always a 64-bit handler.
 *
 * Source: SDM Vol. 3A 6.14; Vol. 2A, INT n (64-bit operation).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { isCanonical } from './core';
import type { Core } from './core';
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
import { CURRENT, SYSTEM } from './linear-memory';
import { EFLAGS } from './mode';
import { GuestFault } from './signals';
import { StackFrame } from './stack-frame';
import { interruptStack, pointerOfLevel } from './task-state';

/** Error code that names IDT entry `vector` (SDM Vol. 3A, 6.13). */
export function idtError(vector: number, external: 0 | 1): number {
  return vector * 8 + 2 + external;
}

interface LongGate {
  readonly gate: Descriptor;
  readonly offset: bigint;
}

function readGate(cpu: Core, event: ProcessorEvent, external: 0 | 1): LongGate {
  const { state, memory } = cpu;
  const { vector } = event;
  const error = idtError(vector, external);
  if (vector * 16 + 15 > state.word(STATE.idtr + 8)) throw new GuestFault(VECTOR.GP, error);
  const address = BigInt.asUintN(64, state.quad(STATE.idtr) + BigInt(vector * 16));
  const raw = memory.read64(address, SYSTEM);
  const upper = memory.read64(address + 8n, SYSTEM) & 0xffffffffn;
  const gate = new Descriptor(0, address, Number(raw & 0xffffffffn), Number(raw >> 32n));
  const { type } = gate;
  const isGate = gate.isSystem && (type === SYSTEM_TYPE.interruptGate32 || type === SYSTEM_TYPE.trapGate32);
  if (!isGate) throw new GuestFault(VECTOR.GP, error);
  const needsPrivilege = event.kind === 'software interrupt' || event.kind === 'software exception';
  if (needsPrivilege && gate.privilege < cpu.cpl) throw new GuestFault(VECTOR.GP, error);
  if (!gate.isPresent) throw new GuestFault(VECTOR.NP, error);
  return { gate, offset: (upper << 32n) | BigInt(gate.gateOffset) };
}

/** The handler's code segment, checked. */
function readHandler(cpu: Core, selector: number, external: 0 | 1): Descriptor {
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, external);
  const code = readDescriptor(cpu, selector, VECTOR.GP, external);
  const isLegal = code.isCode && code.privilege <= cpu.cpl && code.isLong && !code.isBig;
  if (!isLegal) throw selectorFault(VECTOR.GP, selector, external);
  if (!code.isPresent) throw selectorFault(VECTOR.NP, selector, external);
  return code;
}

/** Delivers `event`; `returnRip` and `flags` are the images to push. Throws with nothing changed. */
export function deliverLong(cpu: Core, event: ProcessorEvent, returnRip: bigint, flags: number): void {
  const { state, cpl } = cpu;
  const external = externalBit(event);
  const { gate, offset } = readGate(cpu, event, external);
  const code = readHandler(cpu, gate.gateSelector, external);
  const newCpl = code.isConforming ? cpl : code.privilege;
  const ist = gate.gateParameters & 7;
  let pointer = state.general(4);
  if (ist) pointer = interruptStack(cpu, ist, external);
  else if (newCpl < cpl) pointer = pointerOfLevel(cpu, newCpl, external);
  if (!isCanonical(offset)) throw new GuestFault(VECTOR.GP, external);

  const kind = newCpl < cpl ? SYSTEM : CURRENT;
  const stack = new StackFrame(cpu, undefined, pointer & ~0xfn, 64, kind, external);
  stack.push(BigInt(state.selector(SEGMENT.SS)), 64);
  stack.push(state.general(4), 64);
  stack.push(BigInt(setsResumeFlag(event) ? flags | EFLAGS.RF : flags), 64);
  stack.push(BigInt(state.selector(SEGMENT.CS)), 64);
  stack.push(returnRip, 64);
  if (event.errorCode !== undefined) stack.push(BigInt(event.errorCode), 64);
  stack.prove();
  const segment = codeSegmentOf(cpu, code, newCpl);
  stack.write();

  cpu.setSegment(SEGMENT.CS, segment);
  if (newCpl < cpl) cpu.setSegment(SEGMENT.SS, nullSegment(newCpl, newCpl));
  state.setGeneral(4, stack.pointer);
  state.rip = offset;
  const clears = EFLAGS.TF | EFLAGS.NT | EFLAGS.RF | EFLAGS.VM;
  const isInterruptGate = gate.type === SYSTEM_TYPE.interruptGate32;
  cpu.setFlags(flags & ~(clears | (isInterruptGate ? EFLAGS.IF : 0)));
}
