/**
 * The processor's events in the format of interruption information, and back. Source: SDM Vol. 3C 25.8.3, 25.9.2,
 * 25.9.3.
 */
import type { EventKind, ProcessorEvent } from '../event';
import { encodeInterruption, ERROR_CODE_BIT, INTERRUPTION_TYPE } from './interruption-information';

const TYPES: Readonly<Record<EventKind, number>> = {
  external: INTERRUPTION_TYPE.EXTERNAL_INTERRUPT,
  nmi: INTERRUPTION_TYPE.NMI,
  exception: INTERRUPTION_TYPE.HARDWARE_EXCEPTION,
  'software interrupt': INTERRUPTION_TYPE.SOFTWARE_INTERRUPT,
  'privileged software exception': INTERRUPTION_TYPE.PRIVILEGED_SOFTWARE_EXCEPTION,
  'software exception': INTERRUPTION_TYPE.SOFTWARE_EXCEPTION,
};
const KINDS: Readonly<Record<number, EventKind>> = Object.fromEntries(
  Object.entries(TYPES).map(([kind, type]) => [type, kind as EventKind]),
);

/** The event as a valid word of interruption information; in real-address mode exceptions have no error codes. */
export function encodeEvent(event: ProcessorEvent, isProtected: boolean): number {
  const hasErrorCode = isProtected && event.errorCode !== undefined;
  return encodeInterruption(event.vector, TYPES[event.kind], { hasErrorCode });
}

/** The event of a valid VM-entry interruption-information word whose type is not "other event". */
export function decodeEvent(word: number, errorCode: number, instructionLength: number): ProcessorEvent {
  const kind = KINDS[(word >>> 8) & 7]!;
  const isSoftware = kind.includes('software');
  return {
    kind,
    vector: word & 0xff,
    errorCode: word & ERROR_CODE_BIT ? errorCode : undefined,
    instructionLength: isSoftware ? instructionLength : 0,
  };
}
