/** The local APIC's register table for the views. */
import type { DeviceDescription, RegisterDescription } from './device';
import { field, register } from './describe';
import type { Lapic } from './lapic';
import * as registers from './lapic-registers';
import { LapicRegister } from './lapic-registers';

/** Describes `lapic`: every register of the present mode, read without side effects. */
export function describeLapic(lapic: Lapic): DeviceDescription {
  const one = (name: string, number: number, fields?: RegisterDescription['fields']): RegisterDescription =>
    register(name, 32, place(number), lapic.readRegister(number) >>> 0, fields);
  const icr =
    (BigInt(lapic.readRegister(LapicRegister.ICR_HIGH)) << 32n) | BigInt(lapic.readRegister(LapicRegister.ICR_LOW));
  const version = [field(7, 0, 'version'), field(23, 16, 'max LVT entry'), field(24, 24, 'EOI suppression')];
  return {
    name: 'lapic',
    title: 'Local APIC (SDM Vol. 3A, chapter 11)',
    registers: [
      register('IA32_APIC_BASE', 64, 'MSR 0x1b', lapic.base, registers.FIELDS_APIC_BASE),
      one('ID', LapicRegister.ID),
      one('version', LapicRegister.VERSION, version),
      one('TPR', LapicRegister.TPR, registers.FIELDS_PRIORITY),
      one('PPR', LapicRegister.PPR, registers.FIELDS_PRIORITY),
      one('LDR', LapicRegister.LDR),
      one('DFR', LapicRegister.DFR),
      one('SVR', LapicRegister.SVR, registers.FIELDS_SVR),
      vectors(lapic, 'ISR', LapicRegister.ISR, 'in service'),
      vectors(lapic, 'TMR', LapicRegister.TMR, 'level-triggered'),
      vectors(lapic, 'IRR', LapicRegister.IRR, 'requested'),
      one('ESR', LapicRegister.ESR, registers.FIELDS_ESR),
      register('ICR', 64, place(LapicRegister.ICR_LOW), icr, registers.FIELDS_ICR),
      ...registers.LVT_NAMES.map((name, i) => one(`LVT ${name}`, LapicRegister.LVT_TIMER + i, registers.FIELDS_LVT[i])),
      one('initial count', LapicRegister.INITIAL_COUNT),
      one('current count', LapicRegister.CURRENT_COUNT),
      one('divide configuration', LapicRegister.DIVIDE),
      register('IA32_TSC_DEADLINE', 64, 'MSR 0x6e0', lapic.readMsr(0x6e0) || 0n),
    ],
  };
}

function place(number: number): string {
  return `MSR 0x${(0x800 + number).toString(16)}, offset 0x${(number << 4).toString(16)}`;
}

function vectors(lapic: Lapic, name: string, first: number, meaning: string): RegisterDescription {
  let value = 0n;
  for (let i = 7; i >= 0; i--) value = (value << 32n) | BigInt(lapic.readRegister(first + i));
  return register(name, 256, place(first), value, undefined, `bit n: vector n is ${meaning}`);
}
