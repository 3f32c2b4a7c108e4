/** Numbers of the MSRs that VMX transitions and instructions touch by name (SDM Vol. 4, table 2-2). */
export const MSR = {
  FEATURE_CONTROL: 0x3a,
  APIC_BASE: 0x1b,
  SYSENTER_CS: 0x174,
  SYSENTER_ESP: 0x175,
  SYSENTER_EIP: 0x176,
  DEBUGCTL: 0x1d9,
  PAT: 0x277,
} as const;
