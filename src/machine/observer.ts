/**
 * What a machine tells a debugger while it runs, each thing at the moment when it is so, so that the debugger can look at
 * the state and decide. True makes the run end there, with `stop requested` (or the reason that `RunResult` has for it).
 * What is absent is not asked for and costs nothing.
 */
import type { ProcessorEvent } from '../cpu/event';
import type { EntryRefusal } from '../cpu/vmx-hooks';
import type { WatchedAccess } from '../engine/watches';

export interface MachineObserver {
  /** Before the instruction at a breakpoint's linear address; asked once for each time that the guest comes there. */
  breakpoint?(linear: bigint): boolean;
  /** Behind the instruction or event delivery that made these accesses to watched memory. */
  watched?(accesses: readonly WatchedAccess[]): boolean;
  /** An exception of the guest, before its delivery: see `ProcessorObserver.raised`. RIP is at its instruction. */
  raised?(event: ProcessorEvent): boolean;
  /** An interrupt or exception has reached its handler. */
  delivered?(event: ProcessorEvent): boolean;
  /** An IRET has returned. */
  returned?(): boolean;
  /** CR3 was loaded, or paging switched on. */
  addressSpaceLoaded?(): boolean;
  /** A VM entry of the guest's own was refused. */
  entryRefused?(refusal: EntryRefusal): boolean;
}
