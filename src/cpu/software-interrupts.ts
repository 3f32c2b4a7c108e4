/**
 * INT n, INT3, INTO, INT1: events that an instruction delivers itself. A fault on the way is a fault of the instruction;
 * the event stays in `vectoring` for the VMX unit.
 *
 * Source: SDM Vol. 2A, INT n/INTO/INT3/INT1; Vol. 3B 20.3 (virtual-8086 mode).
 */
import { VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import type { Core } from './core';
import { enterHandler } from './delivery';
import type { EventKind, ProcessorEvent } from './event';
import { EXIT_SIGNAL, GuestFault, STOP_SIGNAL } from './signals';

function raise(cpu: Core, kind: EventKind, vector: number): Outcome {
  const event: ProcessorEvent = { kind, vector, instructionLength: cpu.environment.instruction.length() };
  if (kind !== 'software interrupt' && cpu.observer.raised?.(event)) throw STOP_SIGNAL;
  if (kind !== 'software interrupt' && cpu.vmx.eventExits(event, undefined)) throw EXIT_SIGNAL;
  try {
    enterHandler(cpu, event);
  } catch (signal) {
    cpu.vectoring = event;
    throw signal;
  }
  cpu.suppressesSingleStep = true;
  return cpu.jumped();
}

/** INT n. In virtual-8086 mode it needs IOPL 3; INT3 and INTO do not. */
export function softwareInterrupt(cpu: Core, vector: number): Outcome {
  if (cpu.isVirtual8086 && cpu.ioPrivilege < 3) throw new GuestFault(VECTOR.GP, 0);
  return raise(cpu, 'software interrupt', vector & 0xff);
}

export function breakpoint(cpu: Core): Outcome {
  return raise(cpu, 'software exception', VECTOR.BP);
}

export function overflow(cpu: Core): Outcome {
  return raise(cpu, 'software exception', VECTOR.OF);
}

export function debugTrap(cpu: Core): Outcome {
  return raise(cpu, 'privileged software exception', VECTOR.DB);
}
