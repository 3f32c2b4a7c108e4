/**
 * The MC146818's register numbers, bits and formats: BCD or binary, 24 or 12 hours.
 * Source: Motorola MC146818A data sheet, "Memory" and "Registers".
 */
import type { BitField } from './device';
import { bit, field } from './describe';

/** Addresses of the clock's bytes; `CENTURY` is where the ACPI FADT says it is (CENTURY field). */
export const enum RtcAddress {
  SECONDS = 0,
  SECONDS_ALARM = 1,
  MINUTES = 2,
  MINUTES_ALARM = 3,
  HOURS = 4,
  HOURS_ALARM = 5,
  DAY_OF_WEEK = 6,
  DATE_OF_MONTH = 7,
  MONTH = 8,
  YEAR = 9,
  A = 10,
  B = 11,
  C = 12,
  D = 13,
  CENTURY = 0x32,
}

/** Bits of register B. */
export const enum RtcB {
  HOURS_24 = 0x02,
  BINARY = 0x04,
  SQWE = 0x08,
  UIE = 0x10,
  AIE = 0x20,
  PIE = 0x40,
  SET = 0x80,
}

/** The flags of register C; each lies at the place of its enable bit in register B. */
export const enum RtcC {
  UF = 0x10,
  AF = 0x20,
  PF = 0x40,
  IRQF = 0x80,
}

/** `value` (0..99) as a byte of the clock, in the data mode of register B. */
export function encodeByte(value: number, b: number): number {
  return b & RtcB.BINARY ? value : (Math.floor(value / 10) << 4) | (value % 10);
}

/** The number that a byte of the clock stands for; digits past 9 count on, as in the chip's adder. */
export function decodeByte(raw: number, b: number): number {
  return b & RtcB.BINARY ? raw : (raw >> 4) * 10 + (raw & 15);
}

/** `hour` (0..23) as the byte of the clock: in 12-hour mode bit 7 is PM and midnight is 12 AM. */
export function encodeHour(hour: number, b: number): number {
  if (b & RtcB.HOURS_24) return encodeByte(hour, b);
  return encodeByte(((hour + 11) % 12) + 1, b) | (hour >= 12 ? 0x80 : 0);
}

/** The hour that the byte stands for. */
export function decodeHour(raw: number, b: number): number {
  if (b & RtcB.HOURS_24) return decodeByte(raw, b);
  return (decodeByte(raw & 0x7f, b) % 12) + (raw & 0x80 ? 12 : 0);
}

/** Cycles of the 32,768 Hz crystal between periodic interrupts for rate select `rs` (0..15); 0 is off. */
export function periodicCycles(rs: number): number {
  if (rs === 0) return 0;
  return rs < 3 ? 64 << rs : 1 << (rs - 1);
}

/** Fields of register A. */
export const FIELDS_A: readonly BitField[] = [
  bit(7, 'UIP', 'update in progress'),
  field(6, 4, 'DV', 'divider', ['4.194304 MHz', '1.048576 MHz', '32.768 kHz', '', '', '', 'reset', 'reset']),
  field(3, 0, 'RS', 'rate of periodic interrupt and square wave'),
];
/** Fields of register B. */
export const FIELDS_B: readonly BitField[] = [
  bit(7, 'SET', 'updates are inhibited'),
  bit(6, 'PIE', 'periodic interrupt enable'),
  bit(5, 'AIE', 'alarm interrupt enable'),
  bit(4, 'UIE', 'update-ended interrupt enable'),
  bit(3, 'SQWE', 'square-wave enable'),
  bit(2, 'DM', 'binary data mode'),
  bit(1, '24/12', '24-hour mode'),
  bit(0, 'DSE', 'daylight savings enable'),
];
/** Fields of register C. */
export const FIELDS_C: readonly BitField[] = [
  bit(7, 'IRQF', 'interrupt request'),
  bit(6, 'PF', 'periodic interrupt flag'),
  bit(5, 'AF', 'alarm flag'),
  bit(4, 'UF', 'update-ended flag'),
];
/** Fields of register D. */
export const FIELDS_D: readonly BitField[] = [bit(7, 'VRT', 'valid RAM and time: the battery is good')];
