/**
 * The basic exit reasons 0 to 68: the SDM's name, and whether our processor can give it. Source: SDM Vol. 3D appendix C;
 * format of the exit-reason field: SDM Vol. 3C 25.9.1.
 *
 * NOT IMPLEMENTED: each row with `absent` says why its reason cannot occur: a control that the capability MSRs do not
 * offer, or a feature of the processor that does not exist.
 */
import { pinControls, primaryControls, secondaryControls } from './controls';
import type { Control } from './controls';

/** Why an exit reason cannot occur. */
export type Absent = { readonly control: Control } | { readonly because: string };

/** One basic exit reason. */
export interface ExitReason {
  readonly number: number;
  /** The SDM's name. */
  readonly name: string;
  /** The control without which the exit cannot happen, if there is one; its capability bit can be 1 here. */
  readonly control?: Control;
  readonly absent?: Absent;
}

type Row = Omit<ExitReason, 'number'>;

const NO_SMM = { because: 'IA32_VMX_BASIC[49] = 0: no dual-monitor treatment of SMIs' };
const UNUSED = { because: 'the SDM does not use this number' };

const rows: Readonly<Record<number, Row>> = {
  0: { name: 'Exception or non-maskable interrupt (NMI)' },
  1: { name: 'External interrupt', control: pinControls.EXTERNAL_INTERRUPT_EXITING },
  2: { name: 'Triple fault' },
  3: { name: 'INIT signal', absent: { because: 'one processor, and no part of the board sends INIT' } },
  4: { name: 'Start-up IPI (SIPI)', absent: { because: 'IA32_VMX_MISC[8] = 0: no wait-for-SIPI activity state' } },
  5: { name: 'I/O system-management interrupt (SMI)', absent: NO_SMM },
  6: { name: 'Other SMI', absent: NO_SMM },
  7: { name: 'Interrupt window', control: primaryControls.INTERRUPT_WINDOW_EXITING },
  8: { name: 'NMI window', control: primaryControls.NMI_WINDOW_EXITING },
  9: { name: 'Task switch' },
  10: { name: 'CPUID' },
  11: { name: 'GETSEC', absent: { because: 'CPUID.01H:ECX.SMX[6] = 0: GETSEC raises #UD' } },
  12: { name: 'HLT', control: primaryControls.HLT_EXITING },
  13: { name: 'INVD' },
  14: { name: 'INVLPG', control: primaryControls.INVLPG_EXITING },
  15: { name: 'RDPMC', control: primaryControls.RDPMC_EXITING },
  16: { name: 'RDTSC', control: primaryControls.RDTSC_EXITING },
  17: { name: 'RSM', absent: { because: 'no SMM: RSM raises #UD' } },
  18: { name: 'VMCALL' },
  19: { name: 'VMCLEAR' },
  20: { name: 'VMLAUNCH' },
  21: { name: 'VMPTRLD' },
  22: { name: 'VMPTRST' },
  23: { name: 'VMREAD' },
  24: { name: 'VMRESUME' },
  25: { name: 'VMWRITE' },
  26: { name: 'VMXOFF' },
  27: { name: 'VMXON' },
  28: { name: 'Control-register accesses' },
  29: { name: 'MOV DR', control: primaryControls.MOV_DR_EXITING },
  30: { name: 'I/O instruction' },
  31: { name: 'RDMSR' },
  32: { name: 'WRMSR' },
  33: { name: 'VM-entry failure due to invalid guest state' },
  34: { name: 'VM-entry failure due to MSR loading' },
  35: { name: 'Reserved (35)', absent: UNUSED },
  36: { name: 'MWAIT', control: primaryControls.MWAIT_EXITING },
  37: { name: 'Monitor trap flag' },
  38: { name: 'Reserved (38)', absent: UNUSED },
  39: { name: 'MONITOR', control: primaryControls.MONITOR_EXITING },
  40: { name: 'PAUSE' },
  41: { name: 'VM-entry failure due to machine-check event', absent: { because: 'the machine has no machine checks' } },
  42: { name: 'Reserved (42)', absent: UNUSED },
  43: { name: 'TPR below threshold', control: primaryControls.USE_TPR_SHADOW },
  44: { name: 'APIC access', absent: { control: secondaryControls.VIRTUALIZE_APIC_ACCESSES } },
  45: { name: 'Virtualized EOI', absent: { control: secondaryControls.VIRTUAL_INTERRUPT_DELIVERY } },
  46: { name: 'Access to GDTR or IDTR', control: secondaryControls.DESCRIPTOR_TABLE_EXITING },
  47: { name: 'Access to LDTR or TR', control: secondaryControls.DESCRIPTOR_TABLE_EXITING },
  48: { name: 'EPT violation', control: secondaryControls.ENABLE_EPT },
  49: { name: 'EPT misconfiguration', control: secondaryControls.ENABLE_EPT },
  50: { name: 'INVEPT' },
  51: { name: 'RDTSCP', control: secondaryControls.ENABLE_RDTSCP },
  52: { name: 'VMX-preemption timer expired', control: pinControls.ACTIVATE_PREEMPTION_TIMER },
  53: { name: 'INVVPID' },
  54: { name: 'WBINVD or WBNOINVD', control: secondaryControls.WBINVD_EXITING },
  55: { name: 'XSETBV' },
  56: { name: 'APIC write', absent: { control: secondaryControls.APIC_REGISTER_VIRTUALIZATION } },
  57: { name: 'RDRAND', control: secondaryControls.RDRAND_EXITING },
  58: { name: 'INVPCID', control: secondaryControls.ENABLE_INVPCID },
  59: { name: 'VMFUNC', absent: { control: secondaryControls.ENABLE_VM_FUNCTIONS } },
  60: { name: 'ENCLS', absent: { control: secondaryControls.ENABLE_ENCLS_EXITING } },
  61: { name: 'RDSEED', control: secondaryControls.RDSEED_EXITING },
  62: { name: 'Page-modification log full', absent: { control: secondaryControls.ENABLE_PML } },
  63: { name: 'XSAVES', absent: { control: secondaryControls.ENABLE_XSAVES } },
  64: { name: 'XRSTORS', absent: { control: secondaryControls.ENABLE_XSAVES } },
  65: { name: 'PCONFIG', absent: { control: secondaryControls.ENABLE_PCONFIG } },
  66: { name: 'SPP-related event', absent: { control: secondaryControls.SUB_PAGE_WRITE_PERMISSIONS } },
  67: { name: 'UMWAIT', absent: { control: secondaryControls.ENABLE_USER_WAIT_AND_PAUSE } },
  68: { name: 'TPAUSE', absent: { control: secondaryControls.ENABLE_USER_WAIT_AND_PAUSE } },
};

/** All basic exit reasons, by number. */
export const EXIT_REASONS: readonly ExitReason[] = Object.entries(rows).map(([number, row]) => ({
  number: Number(number),
  ...row,
}));

/** Bit 31 of the exit-reason field: the exit is a VM-entry failure. */
export const ENTRY_FAILURE_BIT = 0x8000_0000;

/** The numbers of the reasons that our processor gives. */
export const EXIT_REASON = {
  EXCEPTION_OR_NMI: 0,
  EXTERNAL_INTERRUPT: 1,
  TRIPLE_FAULT: 2,
  INTERRUPT_WINDOW: 7,
  NMI_WINDOW: 8,
  TASK_SWITCH: 9,
  CPUID: 10,
  HLT: 12,
  INVD: 13,
  INVLPG: 14,
  RDPMC: 15,
  RDTSC: 16,
  VMCALL: 18,
  VMCLEAR: 19,
  VMLAUNCH: 20,
  VMPTRLD: 21,
  VMPTRST: 22,
  VMREAD: 23,
  VMRESUME: 24,
  VMWRITE: 25,
  VMXOFF: 26,
  VMXON: 27,
  CONTROL_REGISTER_ACCESS: 28,
  MOV_DR: 29,
  IO_INSTRUCTION: 30,
  RDMSR: 31,
  WRMSR: 32,
  ENTRY_FAILURE_GUEST_STATE: 33,
  ENTRY_FAILURE_MSR_LOADING: 34,
  MWAIT: 36,
  MONITOR_TRAP_FLAG: 37,
  MONITOR: 39,
  PAUSE: 40,
  TPR_BELOW_THRESHOLD: 43,
  GDTR_IDTR_ACCESS: 46,
  LDTR_TR_ACCESS: 47,
  EPT_VIOLATION: 48,
  EPT_MISCONFIGURATION: 49,
  INVEPT: 50,
  RDTSCP: 51,
  PREEMPTION_TIMER_EXPIRED: 52,
  INVVPID: 53,
  WBINVD: 54,
  XSETBV: 55,
  RDRAND: 57,
  INVPCID: 58,
  RDSEED: 61,
} as const;

/** The SDM's name of the basic exit reason in bits 15:0 of an exit-reason field. */
export function exitReasonName(exitReason: number): string {
  const number = exitReason & 0xffff;
  return EXIT_REASONS[number]?.name ?? `Unknown (${number})`;
}
