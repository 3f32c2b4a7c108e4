/**
 * Events that are delivered through the IDT (or the interrupt-vector table): exceptions, interrupts, NMIs and software
 * interrupts, and how two of them in a row combine.
 *
 * Source: SDM Vol. 3A 6.3 to 6.5, 6.13 and table 6-5 (double-fault conditions), 17.3.1.1 (RF). The kinds are those of
 * VM-entry interruption information (SDM Vol. 3C 25.8.3).
 * NOT IMPLEMENTED: #VE and #CP, which need features that are not offered.
 */
import { VECTOR } from '../isa/semantics';
import { ACCESS_DETECTED } from './debug-registers';
import type { GuestFault } from './signals';

/** What an event is: INT n is a software interrupt, INT1 a privileged software exception, INT3 and INTO software exceptions. */
export type EventKind =
  'external' | 'nmi' | 'exception' | 'software interrupt' | 'privileged software exception' | 'software exception';

/** One event to deliver. The state's RIP is that of the instruction at hand (or of the next one, for traps and interrupts). */
export interface ProcessorEvent {
  readonly kind: EventKind;
  /** 0 to 255. */
  readonly vector: number;
  /** Error code, where the vector pushes one; undefined else. */
  readonly errorCode?: number;
  /** Faulting linear address of a #PF, which goes to CR2. */
  readonly address?: bigint;
  /** Bits that a #DB sets in DR6 (B0-B3, BD, BS); a #DB is a trap unless `isFault`. */
  readonly debugStatus?: number;
  /** For a #DB: RF is set in the pushed image (general detect), or the interrupt came between two REP iterations. */
  readonly setsResumeFlag?: boolean;
  /** Bytes of the instruction; software events return behind it. 0 for the others. */
  readonly instructionLength: number;
}

/** True for events of the instruction stream: they return behind their instruction. */
export function isSoftware(event: ProcessorEvent): boolean {
  return event.kind.startsWith('software') || event.kind === 'privileged software exception';
}

/** EXT, bit 0 of error codes: the event at hand came from outside the program (SDM Vol. 3A, 6.13). */
export function externalBit(event: ProcessorEvent): 0 | 1 {
  return event.kind === 'software interrupt' || event.kind === 'software exception' ? 0 : 1;
}

/** The event for a fault that an instruction raises. */
export function eventOfFault(fault: GuestFault): ProcessorEvent {
  const { vector, errorCode, address, debugStatus } = fault;
  // General detect is a fault like others; the fault of an instruction breakpoint alone pushes RF as it is (17.3.1.1).
  const setsResumeFlag = ((debugStatus ?? 0) & ACCESS_DETECTED) !== 0;
  return { kind: 'exception', vector, errorCode, address, debugStatus, setsResumeFlag, instructionLength: 0 };
}

const FAULT_CLASS: ReadonlySet<number> = new Set([0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19]);

/** True when the EFLAGS image on the handler's stack has RF set whatever RF is (SDM Vol. 3B, 17.3.1.1). */
export function setsResumeFlag(event: ProcessorEvent): boolean {
  return event.setsResumeFlag === true || (event.kind === 'exception' && FAULT_CLASS.has(event.vector));
}

type DoubleFaultClass = 'benign' | 'contributory' | 'page fault' | 'double fault';

const CONTRIBUTORY: ReadonlySet<number> = new Set([VECTOR.DE, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP]);

function doubleFaultClass(event: ProcessorEvent): DoubleFaultClass {
  if (event.kind !== 'exception') return 'benign';
  if (event.vector === VECTOR.DF) return 'double fault';
  if (event.vector === VECTOR.PF) return 'page fault';
  return CONTRIBUTORY.has(event.vector) ? 'contributory' : 'benign';
}

/** What becomes of exception `second` during the delivery of `first` (SDM Vol. 3A, table 6-5). */
export function combine(first: ProcessorEvent, second: ProcessorEvent): 'serial' | 'double fault' | 'triple fault' {
  const [a, b] = [doubleFaultClass(first), doubleFaultClass(second)];
  if (b === 'benign' || b === 'double fault' || a === 'benign') return 'serial';
  if (a === 'double fault') return 'triple fault';
  return a === 'contributory' && b === 'page fault' ? 'serial' : 'double fault';
}

/** The double fault: error code 0. */
export const DOUBLE_FAULT: ProcessorEvent = {
  kind: 'exception',
  vector: VECTOR.DF,
  errorCode: 0,
  instructionLength: 0,
};
