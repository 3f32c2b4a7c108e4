/**
 * Event delivery: VM exits first, then double and triple faults, CR2 and DR6, then the mode's own way to the handler.
 * Faults during delivery become the next event; all checks and proofs come before the state changes.
 *
 * Source: SDM Vol. 3A 6.10 to 6.15, table 6-5; Vol. 3B 17.2.3, 17.2.4 (DR6, DR7.GD); Vol. 3C 26.2, 28.2.4.
 */
import { VECTOR } from '../isa/semantics';
import type { Core } from './core';
import { recordDebugException } from './debug-registers';
import { deliverLong } from './delivery-long';
import { deliverProtected } from './delivery-protected';
import { deliverReal } from './delivery-real';
import { combine, DOUBLE_FAULT, eventOfFault, isSoftware } from './event';
import type { ProcessorEvent } from './event';
import { MODE, STATE } from './layout';
import { EXIT_SIGNAL, GuestFault, TaskFault } from './signals';
import type { Delivery } from './vmx-hooks';

/** Goes through the IDT for one event. Throws `GuestFault` or `EXIT_SIGNAL` with nothing changed. */
export function enterHandler(cpu: Core, event: ProcessorEvent): void {
  const { state } = cpu;
  const returnRip = isSoftware(event)
    ? BigInt.asUintN(cpu.codeWidth, state.rip + BigInt(event.instructionLength))
    : state.rip;
  const flags = state.rflags;
  if (!(cpu.mode & MODE.protected)) deliverReal(cpu, event, returnRip, flags);
  else if (cpu.isLong) deliverLong(cpu, event, returnRip, flags);
  else deliverProtected(cpu, event, returnRip, flags);
  cpu.interruptibility.sti = false;
  cpu.interruptibility.movSs = false;
  cpu.updateShadow();
  if (event.kind === 'nmi') cpu.interruptibility.nmi = true;
  cpu.activity = 'active';
  cpu.nmiUnblockedByIret = false;
}

/** What an exception does before its handler is looked up. */
function recordException(cpu: Core, event: ProcessorEvent): void {
  if (event.kind !== 'exception') return;
  if (event.vector === VECTOR.PF) cpu.state.setQuad(STATE.cr2, event.address ?? 0n);
  if (event.vector === VECTOR.DB) recordDebugException(cpu, event.debugStatus ?? 0);
}

/** True if a debugger wants the exception held back. */
function isHeld(cpu: Core, event: ProcessorEvent, previous: ProcessorEvent | undefined): boolean {
  if (event.kind !== 'exception' || !cpu.observer.raised?.(event)) return false;
  cpu.held = { event, previous, restarts: false };
  return true;
}

/**
 * Delivers `event` at an instruction boundary or as the fault of the instruction at hand. `injected` events (VM entry)
 * do not exit themselves; what happens during their delivery may.
 */
export function deliver(cpu: Core, event: ProcessorEvent, injected = false): Delivery {
  const previous = cpu.vectoring;
  cpu.vectoring = undefined;
  if (!injected && isHeld(cpu, event, previous)) return 'held';
  return carryOn(cpu, event, previous, !injected);
}

/** Goes on with the exception that was held back. */
export function deliverHeld(cpu: Core): Delivery {
  const { event, previous } = cpu.held!;
  cpu.held = undefined;
  return carryOn(cpu, event, previous, true);
}

/** Delivers `event`, which came up during the delivery of `before`, and what comes up on the way. */
function carryOn(cpu: Core, event: ProcessorEvent, before: ProcessorEvent | undefined, mayExit: boolean): Delivery {
  let current = event;
  let previous = before;
  let isInjected = !mayExit;
  for (;;) {
    if (!isInjected && cpu.vmx.eventExits(current, previous)) {
      cpu.vectoring = previous;
      return 'exit';
    }
    // An injected exception's address and debug status are the hypervisor's business.
    if (!isInjected) recordException(cpu, current);
    isInjected = false;
    const combined = previous ? combine(previous, current) : 'serial';
    if (combined === 'triple fault') {
      if (cpu.vmx.tripleFaultExits()) return 'exit';
      cpu.activity = 'shutdown';
      return 'shutdown';
    }
    if (combined === 'double fault') {
      current = DOUBLE_FAULT;
      if (isHeld(cpu, current, undefined)) return 'held';
      if (cpu.vmx.eventExits(current, undefined)) return 'exit';
    }
    try {
      enterHandler(cpu, current);
      if (!isSoftware(current)) cpu.observer.delivered?.(current);
      return 'delivered';
    } catch (signal) {
      if (signal === EXIT_SIGNAL) {
        cpu.vectoring = current;
        return 'exit';
      }
      const fault = signal instanceof TaskFault ? signal.fault : signal;
      if (!(fault instanceof GuestFault)) throw signal;
      previous = current;
      current = eventOfFault(fault);
      if (isHeld(cpu, current, previous)) return 'held';
    }
  }
}
