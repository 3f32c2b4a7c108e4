/** Names of the MSRs that come in ranges: VMX capabilities and x2APIC registers (SDM Vol. 4, table 2-2). */
import { MSR } from './msr-numbers';

/** The VMX capability MSRs from 480H to 491H, in order. */
export const VMX_MSR_NAMES: readonly string[] = [
  ...['BASIC', 'PINBASED_CTLS', 'PROCBASED_CTLS', 'EXIT_CTLS', 'ENTRY_CTLS', 'MISC'],
  ...['CR0_FIXED0', 'CR0_FIXED1', 'CR4_FIXED0', 'CR4_FIXED1', 'VMCS_ENUM', 'PROCBASED_CTLS2', 'EPT_VPID_CAP'],
  ...['TRUE_PINBASED_CTLS', 'TRUE_PROCBASED_CTLS', 'TRUE_EXIT_CTLS', 'TRUE_ENTRY_CTLS', 'VMFUNC'],
].map((name) => `IA32_VMX_${name}`);

const X2APIC: Readonly<Record<number, string>> = {
  0x02: 'APICID',
  0x03: 'VERSION',
  0x08: 'TPR',
  0x0a: 'PPR',
  0x0b: 'EOI',
  0x0d: 'LDR',
  0x0f: 'SIVR',
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [0x10 + i, `ISR${i}`])),
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [0x18 + i, `TMR${i}`])),
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [0x20 + i, `IRR${i}`])),
  0x28: 'ESR',
  0x2f: 'LVT_CMCI',
  0x30: 'ICR',
  0x32: 'LVT_TIMER',
  0x33: 'LVT_THERMAL',
  0x34: 'LVT_PMI',
  0x35: 'LVT_LINT0',
  0x36: 'LVT_LINT1',
  0x37: 'LVT_ERROR',
  0x38: 'INIT_COUNT',
  0x39: 'CUR_COUNT',
  0x3e: 'DIV_CONF',
  0x3f: 'SELF_IPI',
};

/** The name of an MSR from 800H to 8FFH; those that the SDM reserves are called by their number. */
export function x2apicMsrName(index: number): string {
  const name = X2APIC[index - MSR.X2APIC_FIRST];
  return name === undefined ? `x2APIC ${index.toString(16).toUpperCase()}H (reserved)` : `IA32_X2APIC_${name}`;
}
