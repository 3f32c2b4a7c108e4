/**
 * What the processor tells a debugger that looks on: events that no memory access and no instruction address shows. What is
 * absent is not asked for; whoever listens changes nothing.
 *
 * Source: SDM Vol. 3A 6.3 to 6.5 (exceptions), 6.14 (delivery); Vol. 3C 27.2 (checks on VM entry).
 */
import type { ProcessorEvent } from './event';
import type { EntryRefusal } from './vmx-hooks';

/** A debugger's ear at the processor. */
export interface ProcessorObserver {
  /**
   * An exception was raised, software exceptions included; neither its delivery nor the VM exit that it may cause has begun.
   * True holds it back: a fault or trap waits in `Processor.held`, INT3, INTO and INT1 leave with `Outcome.Stop`.
   */
  raised?(event: ProcessorEvent): boolean;
  /** An event other than INT n, INT3, INTO and INT1 has reached its handler, at which RIP stands. */
  delivered?(event: ProcessorEvent): void;
  /** An IRET is about to complete: RIP, RSP and CS are those that it returned to. */
  returned?(): void;
  /** CR3 was loaded by MOV or a task switch, or MOV to CR0 switched paging on; the instruction is about to complete. */
  addressSpaceLoaded?(): void;
  /** VMLAUNCH or VMRESUME broke a rule of VM entry, or failed to load an MSR. */
  entryRefused?(refusal: EntryRefusal): void;
}
