/**
 * The formats of interruption information: the VM-entry interruption-information field (SDM Vol. 3C 25.8.3), the
 * VM-exit interruption information (25.9.2) and the IDT-vectoring information (25.9.3), which share one layout.
 */

/** Interruption types, bits 10:8. */
export const INTERRUPTION_TYPE = {
  EXTERNAL_INTERRUPT: 0,
  RESERVED: 1,
  NMI: 2,
  HARDWARE_EXCEPTION: 3,
  SOFTWARE_INTERRUPT: 4,
  PRIVILEGED_SOFTWARE_EXCEPTION: 5,
  SOFTWARE_EXCEPTION: 6,
  OTHER_EVENT: 7,
} as const;

/** The SDM's names of the interruption types, by value. */
export const INTERRUPTION_TYPE_NAMES = [
  'external interrupt',
  'reserved',
  'non-maskable interrupt (NMI)',
  'hardware exception',
  'software interrupt',
  'privileged software exception',
  'software exception',
  'other event',
] as const;

/** Bit 11: deliver error code (entry), error code valid (exit, IDT-vectoring). */
export const ERROR_CODE_BIT = 0x800;
/** Bit 12 of the VM-exit interruption information: NMI unblocking due to IRET. */
export const NMI_UNBLOCKING_BIT = 0x1000;
/** Bit 31: valid. */
export const VALID_BIT = 0x8000_0000;

/** One event, unpacked. */
export interface Interruption {
  /** 0 to 255. */
  readonly vector: number;
  /** A value of `INTERRUPTION_TYPE`. */
  readonly type: number;
  readonly hasErrorCode: boolean;
  readonly nmiUnblocking: boolean;
}

/** Packs a valid event into an unsigned 32-bit word. */
export function encodeInterruption(
  vector: number,
  type: number,
  options: { hasErrorCode?: boolean; nmiUnblocking?: boolean } = {},
): number {
  const bits = (options.hasErrorCode ? ERROR_CODE_BIT : 0) + (options.nmiUnblocking ? NMI_UNBLOCKING_BIT : 0);
  return vector + type * 0x100 + bits + VALID_BIT;
}

/** Unpacks a 32-bit word, or gives undefined if its valid bit is 0. */
export function decodeInterruption(word: number): Interruption | undefined {
  if ((word & VALID_BIT) === 0) return undefined;
  return {
    vector: word & 0xff,
    type: (word >>> 8) & 7,
    hasErrorCode: (word & ERROR_CODE_BIT) !== 0,
    nmiUnblocking: (word & NMI_UNBLOCKING_BIT) !== 0,
  };
}

/** Exceptions that push an error code when they are delivered in protected mode (SDM 27.2.1.3). */
export const ERROR_CODE_VECTORS: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);

/** Names of the exceptions by vector. */
export const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  3: '#BP',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
  20: '#VE',
  21: '#CP',
};

/** A sentence fragment for people: `#PF (hardware exception, error code)`, `external interrupt 0x30`. */
export function describeInterruption(word: number): string {
  const event = decodeInterruption(word);
  if (!event) return 'none';
  const { vector, type } = event;
  const typeName = INTERRUPTION_TYPE_NAMES[type]!;
  const exception = EXCEPTION_NAMES[vector];
  const isException = type === 3 || type === 5 || type === 6;
  if (type === INTERRUPTION_TYPE.NMI) return 'NMI';
  if (!isException || !exception) return `${typeName} 0x${vector.toString(16).padStart(2, '0')}`;
  return `${exception} (${typeName}${event.hasErrorCode ? ', error code' : ''})`;
}
