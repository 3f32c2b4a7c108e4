/**
 * The VMX controls: every bit of the pin-based, primary and secondary processor-based VM-execution controls, the
 * VM-exit controls and the VM-entry controls, by the SDM's name. Source: SDM Vol. 3C 25.6.1, 25.6.2, 25.7.1, 25.8.1
 * (section numbers of all of `vmx/` are those of the editions since 2023: VMCS 25, non-root operation 26, VM entries
 * 27, VM exits 28, EPT and VPID 29, VMX instructions 31).
 *
 * NOT IMPLEMENTED: tertiary processor-based and secondary VM-exit controls; the bits that activate them read 0.
 */

/** The five 32-bit vectors of controls. */
export type ControlVector = 'pin' | 'primary' | 'secondary' | 'exit' | 'entry';

/** One control: its bit in its vector and its name in the SDM. */
export interface Control {
  readonly vector: ControlVector;
  /** Bit position, 0 to 31. */
  readonly bit: number;
  /** The bit as an unsigned 32-bit mask. */
  readonly mask: number;
  /** The SDM's name, as in its tables of definitions. */
  readonly name: string;
}

type Rows = Readonly<Record<string, readonly [bit: number, name: string]>>;
type Controls<T extends Rows> = { readonly [K in keyof T]: Control };
type Masks<T extends Rows> = { readonly [K in keyof T]: number };

function define<T extends Rows>(vector: ControlVector, rows: T): Controls<T> {
  const entries = Object.entries(rows).map(([key, [bit, name]]) => [key, { vector, bit, mask: 2 ** bit, name }]);
  return Object.fromEntries(entries) as Controls<T>;
}

function masks<T extends Rows>(controls: Controls<T>): Masks<T> {
  return Object.fromEntries(Object.entries<Control>(controls).map(([key, { mask }]) => [key, mask])) as Masks<T>;
}

/** Pin-based VM-execution controls (SDM Table 25-5). */
export const pinControls = define('pin', {
  EXTERNAL_INTERRUPT_EXITING: [0, 'External-interrupt exiting'],
  NMI_EXITING: [3, 'NMI exiting'],
  VIRTUAL_NMIS: [5, 'Virtual NMIs'],
  ACTIVATE_PREEMPTION_TIMER: [6, 'Activate VMX-preemption timer'],
  PROCESS_POSTED_INTERRUPTS: [7, 'Process posted interrupts'],
});

/** Primary processor-based VM-execution controls (SDM Table 25-6). */
export const primaryControls = define('primary', {
  INTERRUPT_WINDOW_EXITING: [2, 'Interrupt-window exiting'],
  USE_TSC_OFFSETTING: [3, 'Use TSC offsetting'],
  HLT_EXITING: [7, 'HLT exiting'],
  INVLPG_EXITING: [9, 'INVLPG exiting'],
  MWAIT_EXITING: [10, 'MWAIT exiting'],
  RDPMC_EXITING: [11, 'RDPMC exiting'],
  RDTSC_EXITING: [12, 'RDTSC exiting'],
  CR3_LOAD_EXITING: [15, 'CR3-load exiting'],
  CR3_STORE_EXITING: [16, 'CR3-store exiting'],
  ACTIVATE_TERTIARY_CONTROLS: [17, 'Activate tertiary controls'],
  CR8_LOAD_EXITING: [19, 'CR8-load exiting'],
  CR8_STORE_EXITING: [20, 'CR8-store exiting'],
  USE_TPR_SHADOW: [21, 'Use TPR shadow'],
  NMI_WINDOW_EXITING: [22, 'NMI-window exiting'],
  MOV_DR_EXITING: [23, 'MOV-DR exiting'],
  UNCONDITIONAL_IO_EXITING: [24, 'Unconditional I/O exiting'],
  USE_IO_BITMAPS: [25, 'Use I/O bitmaps'],
  MONITOR_TRAP_FLAG: [27, 'Monitor trap flag'],
  USE_MSR_BITMAPS: [28, 'Use MSR bitmaps'],
  MONITOR_EXITING: [29, 'MONITOR exiting'],
  PAUSE_EXITING: [30, 'PAUSE exiting'],
  ACTIVATE_SECONDARY_CONTROLS: [31, 'Activate secondary controls'],
});

/** Secondary processor-based VM-execution controls (SDM Table 25-7). */
export const secondaryControls = define('secondary', {
  VIRTUALIZE_APIC_ACCESSES: [0, 'Virtualize APIC accesses'],
  ENABLE_EPT: [1, 'Enable EPT'],
  DESCRIPTOR_TABLE_EXITING: [2, 'Descriptor-table exiting'],
  ENABLE_RDTSCP: [3, 'Enable RDTSCP'],
  VIRTUALIZE_X2APIC_MODE: [4, 'Virtualize x2APIC mode'],
  ENABLE_VPID: [5, 'Enable VPID'],
  WBINVD_EXITING: [6, 'WBINVD exiting'],
  UNRESTRICTED_GUEST: [7, 'Unrestricted guest'],
  APIC_REGISTER_VIRTUALIZATION: [8, 'APIC-register virtualization'],
  VIRTUAL_INTERRUPT_DELIVERY: [9, 'Virtual-interrupt delivery'],
  PAUSE_LOOP_EXITING: [10, 'PAUSE-loop exiting'],
  RDRAND_EXITING: [11, 'RDRAND exiting'],
  ENABLE_INVPCID: [12, 'Enable INVPCID'],
  ENABLE_VM_FUNCTIONS: [13, 'Enable VM functions'],
  VMCS_SHADOWING: [14, 'VMCS shadowing'],
  ENABLE_ENCLS_EXITING: [15, 'Enable ENCLS exiting'],
  RDSEED_EXITING: [16, 'RDSEED exiting'],
  ENABLE_PML: [17, 'Enable PML'],
  EPT_VIOLATION_VE: [18, 'EPT-violation #VE'],
  CONCEAL_VMX_FROM_PT: [19, 'Conceal VMX from PT'],
  ENABLE_XSAVES: [20, 'Enable XSAVES/XRSTORS'],
  PASID_TRANSLATION: [21, 'PASID translation'],
  MODE_BASED_EXECUTE_CONTROL: [22, 'Mode-based execute control for EPT'],
  SUB_PAGE_WRITE_PERMISSIONS: [23, 'Sub-page write permissions for EPT'],
  PT_USES_GUEST_PHYSICAL: [24, 'Intel PT uses guest physical addresses'],
  USE_TSC_SCALING: [25, 'Use TSC scaling'],
  ENABLE_USER_WAIT_AND_PAUSE: [26, 'Enable user wait and pause'],
  ENABLE_PCONFIG: [27, 'Enable PCONFIG'],
  ENABLE_ENCLV_EXITING: [28, 'Enable ENCLV exiting'],
  VMM_BUS_LOCK_DETECTION: [30, 'VMM bus-lock detection'],
  INSTRUCTION_TIMEOUT: [31, 'Instruction timeout'],
});

/** Primary VM-exit controls (SDM Table 25-13). */
export const exitControls = define('exit', {
  SAVE_DEBUG_CONTROLS: [2, 'Save debug controls'],
  HOST_ADDRESS_SPACE_SIZE: [9, 'Host address-space size'],
  LOAD_PERF_GLOBAL_CTRL: [12, 'Load IA32_PERF_GLOBAL_CTRL'],
  ACKNOWLEDGE_INTERRUPT_ON_EXIT: [15, 'Acknowledge interrupt on exit'],
  SAVE_PAT: [18, 'Save IA32_PAT'],
  LOAD_PAT: [19, 'Load IA32_PAT'],
  SAVE_EFER: [20, 'Save IA32_EFER'],
  LOAD_EFER: [21, 'Load IA32_EFER'],
  SAVE_PREEMPTION_TIMER: [22, 'Save VMX-preemption timer value'],
  CLEAR_BNDCFGS: [23, 'Clear IA32_BNDCFGS'],
  CONCEAL_VMX_FROM_PT: [24, 'Conceal VMX from PT'],
  CLEAR_RTIT_CTL: [25, 'Clear IA32_RTIT_CTL'],
  CLEAR_LBR_CTL: [26, 'Clear IA32_LBR_CTL'],
  CLEAR_UINV: [27, 'Clear UINV'],
  LOAD_CET_STATE: [28, 'Load CET state'],
  LOAD_PKRS: [29, 'Load PKRS'],
  SAVE_PERF_GLOBAL_CTRL: [30, 'Save IA32_PERF_GLOBAL_CTL'],
  ACTIVATE_SECONDARY_CONTROLS: [31, 'Activate secondary controls'],
});

/** VM-entry controls (SDM Table 25-16). */
export const entryControls = define('entry', {
  LOAD_DEBUG_CONTROLS: [2, 'Load debug controls'],
  IA32E_MODE_GUEST: [9, 'IA-32e mode guest'],
  ENTRY_TO_SMM: [10, 'Entry to SMM'],
  DEACTIVATE_DUAL_MONITOR: [11, 'Deactivate dual-monitor treatment'],
  LOAD_PERF_GLOBAL_CTRL: [13, 'Load IA32_PERF_GLOBAL_CTRL'],
  LOAD_PAT: [14, 'Load IA32_PAT'],
  LOAD_EFER: [15, 'Load IA32_EFER'],
  LOAD_BNDCFGS: [16, 'Load IA32_BNDCFGS'],
  CONCEAL_VMX_FROM_PT: [17, 'Conceal VMX from PT'],
  LOAD_RTIT_CTL: [18, 'Load IA32_RTIT_CTL'],
  LOAD_UINV: [19, 'Load UINV'],
  LOAD_CET_STATE: [20, 'Load CET state'],
  LOAD_LBR_CTL: [21, 'Load guest IA32_LBR_CTL'],
  LOAD_PKRS: [22, 'Load PKRS'],
});

/** Masks of the pin-based controls, for code that tests bits. */
export const PIN = masks(pinControls);
/** Masks of the primary processor-based controls. */
export const PRIMARY = masks(primaryControls);
/** Masks of the secondary processor-based controls. */
export const SECONDARY = masks(secondaryControls);
/** Masks of the VM-exit controls. */
export const EXIT = masks(exitControls);
/** Masks of the VM-entry controls. */
export const ENTRY = masks(entryControls);

/** All controls of one vector in ascending order of their bits. */
export const controlsOf: Readonly<Record<ControlVector, readonly Control[]>> = {
  pin: Object.values(pinControls),
  primary: Object.values(primaryControls),
  secondary: Object.values(secondaryControls),
  exit: Object.values(exitControls),
  entry: Object.values(entryControls),
};

/** The SDM's names of the bits that are 1 in `value` (unsigned 32 bits); a bit without a name is "bit N". */
export function controlNames(vector: ControlVector, value: number): string[] {
  const names = new Map(controlsOf[vector].map(({ bit, name }) => [bit, name]));
  return Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => (value >>> bit) & 1)
    .map((bit) => names.get(bit) ?? `bit ${bit}`);
}
