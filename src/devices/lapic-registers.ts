/**
 * The local APIC's registers: numbers, masks, fields. A register's number is its MMIO offset / 16 and its MSR - 0x800.
 * Source: SDM Vol. 3A, table 11-1 (xAPIC) and table 11-6 (x2APIC), figures 11-8 to 11-12.
 */
import type { BitField } from './device';
import { bit, field } from './describe';

/** Register numbers. */
export const enum LapicRegister {
  ID = 0x02,
  VERSION = 0x03,
  TPR = 0x08,
  APR = 0x09,
  PPR = 0x0a,
  EOI = 0x0b,
  RRD = 0x0c,
  LDR = 0x0d,
  DFR = 0x0e,
  SVR = 0x0f,
  ISR = 0x10,
  TMR = 0x18,
  IRR = 0x20,
  ESR = 0x28,
  ICR_LOW = 0x30,
  ICR_HIGH = 0x31,
  LVT_TIMER = 0x32,
  LVT_THERMAL = 0x33,
  LVT_PERFORMANCE = 0x34,
  LVT_LINT0 = 0x35,
  LVT_LINT1 = 0x36,
  LVT_ERROR = 0x37,
  INITIAL_COUNT = 0x38,
  CURRENT_COUNT = 0x39,
  DIVIDE = 0x3e,
  SELF_IPI = 0x3f,
}

/** Delivery modes of interrupt messages, LVT entries and I/O APIC entries. */
export const enum DeliveryMode {
  FIXED = 0,
  LOWEST_PRIORITY = 1,
  SMI = 2,
  NMI = 4,
  INIT = 5,
  STARTUP = 6,
  EXTINT = 7,
}

/** Bits of an LVT entry. */
export const enum Lvt {
  VECTOR = 0xff,
  ACTIVE_LOW = 0x2000,
  REMOTE_IRR = 0x4000,
  LEVEL = 0x8000,
  MASKED = 0x10000,
}

/** Bits of the spurious-interrupt vector register. */
export const enum Svr {
  ENABLED = 0x100,
  SUPPRESS_EOI_BROADCAST = 0x1000,
}

/** Bits of the error status register. */
export const enum ApicError {
  SEND_ILLEGAL_VECTOR = 0x20,
  RECEIVE_ILLEGAL_VECTOR = 0x40,
  ILLEGAL_REGISTER = 0x80,
}

/** Version 0x14, six LVT entries, EOI broadcasts can be suppressed. */
export const LAPIC_VERSION = 0x01050014;
/** The number of LVT entries, from `LVT_TIMER` on. */
export const LVT_COUNT = 6;
/** Writable bits of the LVT entries in their order from `LVT_TIMER`. */
export const LVT_WRITABLE = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff] as const;
/** Read-only bits of an LVT entry (delivery status, remote IRR): writes to them are ignored. */
export const LVT_READ_ONLY = 0x5000;
/** Writable bits of SVR. */
export const SVR_WRITABLE = 0x13ff;
/** Writable bits of ICR's low half; bit 12 is the read-only delivery status. */
export const ICR_WRITABLE = 0xccfff;
/** Writable bits of the divide configuration register. */
export const DIVIDE_WRITABLE = 0x0b;

/** True for a register that exists in xAPIC mode. */
export function isXapicRegister(register: number): boolean {
  if (register >= LapicRegister.TPR && register <= LapicRegister.ESR) return true;
  if (register >= LapicRegister.ICR_LOW && register <= LapicRegister.CURRENT_COUNT) return true;
  return register === LapicRegister.ID || register === LapicRegister.VERSION || register === LapicRegister.DIVIDE;
}

/** True for a register that RDMSR reads in x2APIC mode. */
export function isX2apicReadable(register: number): boolean {
  switch (register) {
    case LapicRegister.APR:
    case LapicRegister.EOI:
    case LapicRegister.RRD:
    case LapicRegister.DFR:
    case LapicRegister.ICR_HIGH:
      return false;
    default:
      return isXapicRegister(register);
  }
}

/** The bits that WRMSR may set in a register in x2APIC mode (32 bits; ICR has its own rule); -1 when it is not writable. */
export function x2apicWritable(register: number): number {
  switch (register) {
    case LapicRegister.TPR:
    case LapicRegister.SELF_IPI:
      return 0xff;
    case LapicRegister.EOI:
    case LapicRegister.ESR:
      return 0;
    case LapicRegister.SVR:
      return SVR_WRITABLE;
    case LapicRegister.INITIAL_COUNT:
      return 0xffffffff;
    case LapicRegister.DIVIDE:
      return DIVIDE_WRITABLE;
    default: {
      const mask = LVT_WRITABLE[register - LapicRegister.LVT_TIMER];
      return mask === undefined ? -1 : mask | LVT_READ_ONLY;
    }
  }
}

const DELIVERY_MODES = ['fixed', 'lowest priority', 'SMI', '', 'NMI', 'INIT', 'start-up', 'ExtINT'];
const mode = field(10, 8, 'delivery mode', undefined, DELIVERY_MODES);
const vector = field(7, 0, 'vector');
const masked = bit(16, 'masked');

/** Fields of SVR. */
export const FIELDS_SVR: readonly BitField[] = [
  field(7, 0, 'spurious vector'),
  bit(8, 'APIC software enable'),
  bit(9, 'focus processor checking'),
  bit(12, 'EOI-broadcast suppression'),
];
/** Fields of TPR and PPR. */
export const FIELDS_PRIORITY: readonly BitField[] = [field(7, 4, 'priority class'), field(3, 0, 'sub-class')];
/** Fields of ESR. */
export const FIELDS_ESR: readonly BitField[] = [
  bit(5, 'send illegal vector'),
  bit(6, 'receive illegal vector'),
  bit(7, 'illegal register address'),
];
/** Fields of ICR (64 bits, x2APIC form). */
export const FIELDS_ICR: readonly BitField[] = [
  vector,
  mode,
  bit(11, 'logical destination'),
  bit(14, 'level: assert'),
  bit(15, 'level-triggered'),
  field(19, 18, 'shorthand', undefined, ['none', 'self', 'all including self', 'all excluding self']),
  field(63, 32, 'destination'),
];
const lint = [vector, mode, bit(13, 'active low'), bit(14, 'remote IRR'), bit(15, 'level-triggered'), masked];
/** Fields of the LVT entries in their order from `LVT_TIMER`. */
export const FIELDS_LVT: readonly (readonly BitField[])[] = [
  [vector, masked, field(18, 17, 'timer mode', undefined, ['one-shot', 'periodic', 'TSC-deadline'])],
  [vector, mode, masked],
  [vector, mode, masked],
  lint,
  lint,
  [vector, masked],
];
/** Names of the LVT entries. */
export const LVT_NAMES = ['timer', 'thermal monitor', 'performance counter', 'LINT0', 'LINT1', 'error'] as const;
/** Fields of IA32_APIC_BASE. */
export const FIELDS_APIC_BASE: readonly BitField[] = [
  bit(8, 'BSP', 'bootstrap processor'),
  bit(10, 'EXTD', 'x2APIC mode'),
  bit(11, 'EN', 'APIC global enable'),
  field(51, 12, 'APIC base', 'page number of the registers'),
];
