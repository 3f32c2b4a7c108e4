/**
 * The fields of the VMCS: names, encodings, widths, groups, and which control makes each exist. Source: SDM Vol. 3D
 * appendix B; the structure of an encoding is SDM Vol. 3C 25.11.2 (Table 25-21).
 *
 * NOT IMPLEMENTED: a field whose controls the processor lacks is listed here for the views, but VMREAD and VMWRITE
 * treat it as unsupported (`capabilities.ts` decides).
 */
import { entryControls, exitControls, pinControls, primaryControls, secondaryControls } from './controls';
import type { Control } from './controls';

/** Width of a field in bits; `natural` is 64 on our processor. */
export type FieldWidth = 16 | 32 | 64 | 'natural';

/** Bits 11:10 of an encoding. `exit-information` fields are read-only. */
export type FieldGroup = 'control' | 'exit-information' | 'guest-state' | 'host-state';

/** One component of the VMCS. */
export interface FieldDefinition {
  /** The SDM's name, without "(full)". */
  readonly name: string;
  /** The encoding for full access: an even number below 0x8000. */
  readonly encoding: number;
  readonly width: FieldWidth;
  readonly group: FieldGroup;
  /** The field exists if the processor supports one of these controls; always when the list is empty. */
  readonly controls: readonly Control[];
}

const WIDTHS = [16, 64, 32, 'natural'] as const;
const GROUPS = ['control', 'exit-information', 'guest-state', 'host-state'] as const;

function field(encoding: number, name: string, ...controls: Control[]): FieldDefinition {
  return { name, encoding, width: WIDTHS[(encoding >> 13) & 3]!, group: GROUPS[(encoding >> 10) & 3]!, controls };
}

/** Every field of the SDM's appendix B, in its order. */
export const fieldDefinitions = {
  // 16-bit control fields (Table B-1)
  VPID: field(0x0000, 'Virtual-processor identifier (VPID)', secondaryControls.ENABLE_VPID),
  POSTED_INTERRUPT_NOTIFICATION_VECTOR: field(
    0x0002,
    'Posted-interrupt notification vector',
    pinControls.PROCESS_POSTED_INTERRUPTS,
  ),
  EPTP_INDEX: field(0x0004, 'EPTP index', secondaryControls.EPT_VIOLATION_VE),
  HLAT_PREFIX_SIZE: field(0x0006, 'HLAT prefix size', primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  LAST_PID_POINTER_INDEX: field(0x0008, 'Last PID-pointer index', primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  // 16-bit guest-state fields (Table B-2)
  GUEST_ES_SELECTOR: field(0x0800, 'Guest ES selector'),
  GUEST_CS_SELECTOR: field(0x0802, 'Guest CS selector'),
  GUEST_SS_SELECTOR: field(0x0804, 'Guest SS selector'),
  GUEST_DS_SELECTOR: field(0x0806, 'Guest DS selector'),
  GUEST_FS_SELECTOR: field(0x0808, 'Guest FS selector'),
  GUEST_GS_SELECTOR: field(0x080a, 'Guest GS selector'),
  GUEST_LDTR_SELECTOR: field(0x080c, 'Guest LDTR selector'),
  GUEST_TR_SELECTOR: field(0x080e, 'Guest TR selector'),
  GUEST_INTERRUPT_STATUS: field(0x0810, 'Guest interrupt status', secondaryControls.VIRTUAL_INTERRUPT_DELIVERY),
  PML_INDEX: field(0x0812, 'PML index', secondaryControls.ENABLE_PML),
  GUEST_UINV: field(0x0814, 'Guest UINV', entryControls.LOAD_UINV, exitControls.CLEAR_UINV),
  // 16-bit host-state fields (Table B-3)
  HOST_ES_SELECTOR: field(0x0c00, 'Host ES selector'),
  HOST_CS_SELECTOR: field(0x0c02, 'Host CS selector'),
  HOST_SS_SELECTOR: field(0x0c04, 'Host SS selector'),
  HOST_DS_SELECTOR: field(0x0c06, 'Host DS selector'),
  HOST_FS_SELECTOR: field(0x0c08, 'Host FS selector'),
  HOST_GS_SELECTOR: field(0x0c0a, 'Host GS selector'),
  HOST_TR_SELECTOR: field(0x0c0c, 'Host TR selector'),
  // 64-bit control fields (Table B-4)
  IO_BITMAP_A: field(0x2000, 'Address of I/O bitmap A'),
  IO_BITMAP_B: field(0x2002, 'Address of I/O bitmap B'),
  MSR_BITMAPS: field(0x2004, 'Address of MSR bitmaps', primaryControls.USE_MSR_BITMAPS),
  EXIT_MSR_STORE_ADDRESS: field(0x2006, 'VM-exit MSR-store address'),
  EXIT_MSR_LOAD_ADDRESS: field(0x2008, 'VM-exit MSR-load address'),
  ENTRY_MSR_LOAD_ADDRESS: field(0x200a, 'VM-entry MSR-load address'),
  EXECUTIVE_VMCS_POINTER: field(0x200c, 'Executive-VMCS pointer'),
  PML_ADDRESS: field(0x200e, 'PML address', secondaryControls.ENABLE_PML),
  TSC_OFFSET: field(0x2010, 'TSC offset'),
  VIRTUAL_APIC_ADDRESS: field(0x2012, 'Virtual-APIC address', primaryControls.USE_TPR_SHADOW),
  APIC_ACCESS_ADDRESS: field(0x2014, 'APIC-access address', secondaryControls.VIRTUALIZE_APIC_ACCESSES),
  POSTED_INTERRUPT_DESCRIPTOR_ADDRESS: field(
    0x2016,
    'Posted-interrupt descriptor address',
    pinControls.PROCESS_POSTED_INTERRUPTS,
  ),
  VM_FUNCTION_CONTROLS: field(0x2018, 'VM-function controls', secondaryControls.ENABLE_VM_FUNCTIONS),
  EPT_POINTER: field(0x201a, 'EPT pointer (EPTP)', secondaryControls.ENABLE_EPT),
  EOI_EXIT_BITMAP_0: field(0x201c, 'EOI-exit bitmap 0', secondaryControls.VIRTUAL_INTERRUPT_DELIVERY),
  EOI_EXIT_BITMAP_1: field(0x201e, 'EOI-exit bitmap 1', secondaryControls.VIRTUAL_INTERRUPT_DELIVERY),
  EOI_EXIT_BITMAP_2: field(0x2020, 'EOI-exit bitmap 2', secondaryControls.VIRTUAL_INTERRUPT_DELIVERY),
  EOI_EXIT_BITMAP_3: field(0x2022, 'EOI-exit bitmap 3', secondaryControls.VIRTUAL_INTERRUPT_DELIVERY),
  EPTP_LIST_ADDRESS: field(0x2024, 'EPTP-list address', secondaryControls.ENABLE_VM_FUNCTIONS),
  VMREAD_BITMAP_ADDRESS: field(0x2026, 'VMREAD-bitmap address', secondaryControls.VMCS_SHADOWING),
  VMWRITE_BITMAP_ADDRESS: field(0x2028, 'VMWRITE-bitmap address', secondaryControls.VMCS_SHADOWING),
  VIRTUALIZATION_EXCEPTION_ADDRESS: field(
    0x202a,
    'Virtualization-exception information address',
    secondaryControls.EPT_VIOLATION_VE,
  ),
  XSS_EXITING_BITMAP: field(0x202c, 'XSS-exiting bitmap', secondaryControls.ENABLE_XSAVES),
  ENCLS_EXITING_BITMAP: field(0x202e, 'ENCLS-exiting bitmap', secondaryControls.ENABLE_ENCLS_EXITING),
  SUB_PAGE_PERMISSION_TABLE_POINTER: field(
    0x2030,
    'Sub-page-permission-table pointer',
    secondaryControls.SUB_PAGE_WRITE_PERMISSIONS,
  ),
  TSC_MULTIPLIER: field(0x2032, 'TSC multiplier', secondaryControls.USE_TSC_SCALING),
  TERTIARY_CONTROLS: field(
    0x2034,
    'Tertiary processor-based VM-execution controls',
    primaryControls.ACTIVATE_TERTIARY_CONTROLS,
  ),
  ENCLV_EXITING_BITMAP: field(0x2036, 'ENCLV-exiting bitmap', secondaryControls.ENABLE_ENCLV_EXITING),
  LOW_PASID_DIRECTORY_ADDRESS: field(0x2038, 'Low PASID directory address', secondaryControls.PASID_TRANSLATION),
  HIGH_PASID_DIRECTORY_ADDRESS: field(0x203a, 'High PASID directory address', secondaryControls.PASID_TRANSLATION),
  PCONFIG_EXITING_BITMAP: field(0x203e, 'PCONFIG-exiting bitmap', secondaryControls.ENABLE_PCONFIG),
  HLAT_POINTER: field(
    0x2040,
    'Hypervisor-managed linear-address translation pointer',
    primaryControls.ACTIVATE_TERTIARY_CONTROLS,
  ),
  PID_POINTER_TABLE_ADDRESS: field(0x2042, 'PID-pointer table address', primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  SECONDARY_EXIT_CONTROLS: field(0x2044, 'Secondary VM-exit controls', exitControls.ACTIVATE_SECONDARY_CONTROLS),
  SPEC_CTRL_MASK: field(0x204a, 'IA32_SPEC_CTRL mask', primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  SPEC_CTRL_SHADOW: field(0x204c, 'IA32_SPEC_CTRL shadow', primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  // 64-bit read-only data field (Table B-5)
  GUEST_PHYSICAL_ADDRESS: field(0x2400, 'Guest-physical address', secondaryControls.ENABLE_EPT),
  // 64-bit guest-state fields (Table B-6)
  VMCS_LINK_POINTER: field(0x2800, 'VMCS link pointer'),
  GUEST_DEBUGCTL: field(0x2802, 'Guest IA32_DEBUGCTL'),
  GUEST_PAT: field(0x2804, 'Guest IA32_PAT', entryControls.LOAD_PAT, exitControls.SAVE_PAT),
  GUEST_EFER: field(0x2806, 'Guest IA32_EFER', entryControls.LOAD_EFER, exitControls.SAVE_EFER),
  GUEST_PERF_GLOBAL_CTRL: field(
    0x2808,
    'Guest IA32_PERF_GLOBAL_CTRL',
    entryControls.LOAD_PERF_GLOBAL_CTRL,
    exitControls.SAVE_PERF_GLOBAL_CTRL,
  ),
  GUEST_PDPTE0: field(0x280a, 'Guest PDPTE0', secondaryControls.ENABLE_EPT),
  GUEST_PDPTE1: field(0x280c, 'Guest PDPTE1', secondaryControls.ENABLE_EPT),
  GUEST_PDPTE2: field(0x280e, 'Guest PDPTE2', secondaryControls.ENABLE_EPT),
  GUEST_PDPTE3: field(0x2810, 'Guest PDPTE3', secondaryControls.ENABLE_EPT),
  GUEST_BNDCFGS: field(0x2812, 'Guest IA32_BNDCFGS', entryControls.LOAD_BNDCFGS, exitControls.CLEAR_BNDCFGS),
  GUEST_RTIT_CTL: field(0x2814, 'Guest IA32_RTIT_CTL', entryControls.LOAD_RTIT_CTL, exitControls.CLEAR_RTIT_CTL),
  GUEST_LBR_CTL: field(0x2816, 'Guest IA32_LBR_CTL', entryControls.LOAD_LBR_CTL, exitControls.CLEAR_LBR_CTL),
  GUEST_PKRS: field(0x2818, 'Guest IA32_PKRS', entryControls.LOAD_PKRS),
  // 64-bit host-state fields (Table B-7)
  HOST_PAT: field(0x2c00, 'Host IA32_PAT', exitControls.LOAD_PAT),
  HOST_EFER: field(0x2c02, 'Host IA32_EFER', exitControls.LOAD_EFER),
  HOST_PERF_GLOBAL_CTRL: field(0x2c04, 'Host IA32_PERF_GLOBAL_CTRL', exitControls.LOAD_PERF_GLOBAL_CTRL),
  HOST_PKRS: field(0x2c06, 'Host IA32_PKRS', exitControls.LOAD_PKRS),
  // 32-bit control fields (Table B-8)
  PIN_BASED_CONTROLS: field(0x4000, 'Pin-based VM-execution controls'),
  PRIMARY_CONTROLS: field(0x4002, 'Primary processor-based VM-execution controls'),
  EXCEPTION_BITMAP: field(0x4004, 'Exception bitmap'),
  PAGE_FAULT_ERROR_CODE_MASK: field(0x4006, 'Page-fault error-code mask'),
  PAGE_FAULT_ERROR_CODE_MATCH: field(0x4008, 'Page-fault error-code match'),
  CR3_TARGET_COUNT: field(0x400a, 'CR3-target count'),
  EXIT_CONTROLS: field(0x400c, 'Primary VM-exit controls'),
  EXIT_MSR_STORE_COUNT: field(0x400e, 'VM-exit MSR-store count'),
  EXIT_MSR_LOAD_COUNT: field(0x4010, 'VM-exit MSR-load count'),
  ENTRY_CONTROLS: field(0x4012, 'VM-entry controls'),
  ENTRY_MSR_LOAD_COUNT: field(0x4014, 'VM-entry MSR-load count'),
  ENTRY_INTERRUPTION_INFORMATION: field(0x4016, 'VM-entry interruption-information field'),
  ENTRY_EXCEPTION_ERROR_CODE: field(0x4018, 'VM-entry exception error code'),
  ENTRY_INSTRUCTION_LENGTH: field(0x401a, 'VM-entry instruction length'),
  TPR_THRESHOLD: field(0x401c, 'TPR threshold', primaryControls.USE_TPR_SHADOW),
  SECONDARY_CONTROLS: field(
    0x401e,
    'Secondary processor-based VM-execution controls',
    primaryControls.ACTIVATE_SECONDARY_CONTROLS,
  ),
  PLE_GAP: field(0x4020, 'PLE_Gap', secondaryControls.PAUSE_LOOP_EXITING),
  PLE_WINDOW: field(0x4022, 'PLE_Window', secondaryControls.PAUSE_LOOP_EXITING),
  INSTRUCTION_TIMEOUT_CONTROL: field(0x4024, 'Instruction-timeout control', secondaryControls.INSTRUCTION_TIMEOUT),
  // 32-bit read-only data fields (Table B-9)
  VM_INSTRUCTION_ERROR: field(0x4400, 'VM-instruction error'),
  EXIT_REASON: field(0x4402, 'Exit reason'),
  EXIT_INTERRUPTION_INFORMATION: field(0x4404, 'VM-exit interruption information'),
  EXIT_INTERRUPTION_ERROR_CODE: field(0x4406, 'VM-exit interruption error code'),
  IDT_VECTORING_INFORMATION: field(0x4408, 'IDT-vectoring information field'),
  IDT_VECTORING_ERROR_CODE: field(0x440a, 'IDT-vectoring error code'),
  EXIT_INSTRUCTION_LENGTH: field(0x440c, 'VM-exit instruction length'),
  EXIT_INSTRUCTION_INFORMATION: field(0x440e, 'VM-exit instruction information'),
  // 32-bit guest-state fields (Table B-10)
  GUEST_ES_LIMIT: field(0x4800, 'Guest ES limit'),
  GUEST_CS_LIMIT: field(0x4802, 'Guest CS limit'),
  GUEST_SS_LIMIT: field(0x4804, 'Guest SS limit'),
  GUEST_DS_LIMIT: field(0x4806, 'Guest DS limit'),
  GUEST_FS_LIMIT: field(0x4808, 'Guest FS limit'),
  GUEST_GS_LIMIT: field(0x480a, 'Guest GS limit'),
  GUEST_LDTR_LIMIT: field(0x480c, 'Guest LDTR limit'),
  GUEST_TR_LIMIT: field(0x480e, 'Guest TR limit'),
  GUEST_GDTR_LIMIT: field(0x4810, 'Guest GDTR limit'),
  GUEST_IDTR_LIMIT: field(0x4812, 'Guest IDTR limit'),
  GUEST_ES_ACCESS_RIGHTS: field(0x4814, 'Guest ES access rights'),
  GUEST_CS_ACCESS_RIGHTS: field(0x4816, 'Guest CS access rights'),
  GUEST_SS_ACCESS_RIGHTS: field(0x4818, 'Guest SS access rights'),
  GUEST_DS_ACCESS_RIGHTS: field(0x481a, 'Guest DS access rights'),
  GUEST_FS_ACCESS_RIGHTS: field(0x481c, 'Guest FS access rights'),
  GUEST_GS_ACCESS_RIGHTS: field(0x481e, 'Guest GS access rights'),
  GUEST_LDTR_ACCESS_RIGHTS: field(0x4820, 'Guest LDTR access rights'),
  GUEST_TR_ACCESS_RIGHTS: field(0x4822, 'Guest TR access rights'),
  GUEST_INTERRUPTIBILITY_STATE: field(0x4824, 'Guest interruptibility state'),
  GUEST_ACTIVITY_STATE: field(0x4826, 'Guest activity state'),
  GUEST_SMBASE: field(0x4828, 'Guest SMBASE'),
  GUEST_SYSENTER_CS: field(0x482a, 'Guest IA32_SYSENTER_CS'),
  PREEMPTION_TIMER_VALUE: field(0x482e, 'VMX-preemption timer value', pinControls.ACTIVATE_PREEMPTION_TIMER),
  // 32-bit host-state field (Table B-11)
  HOST_SYSENTER_CS: field(0x4c00, 'Host IA32_SYSENTER_CS'),
  // Natural-width control fields (Table B-12)
  CR0_GUEST_HOST_MASK: field(0x6000, 'CR0 guest/host mask'),
  CR4_GUEST_HOST_MASK: field(0x6002, 'CR4 guest/host mask'),
  CR0_READ_SHADOW: field(0x6004, 'CR0 read shadow'),
  CR4_READ_SHADOW: field(0x6006, 'CR4 read shadow'),
  CR3_TARGET_VALUE_0: field(0x6008, 'CR3-target value 0'),
  CR3_TARGET_VALUE_1: field(0x600a, 'CR3-target value 1'),
  CR3_TARGET_VALUE_2: field(0x600c, 'CR3-target value 2'),
  CR3_TARGET_VALUE_3: field(0x600e, 'CR3-target value 3'),
  // Natural-width read-only data fields (Table B-13)
  EXIT_QUALIFICATION: field(0x6400, 'Exit qualification'),
  IO_RCX: field(0x6402, 'I/O RCX'),
  IO_RSI: field(0x6404, 'I/O RSI'),
  IO_RDI: field(0x6406, 'I/O RDI'),
  IO_RIP: field(0x6408, 'I/O RIP'),
  GUEST_LINEAR_ADDRESS: field(0x640a, 'Guest-linear address'),
  // Natural-width guest-state fields (Table B-14)
  GUEST_CR0: field(0x6800, 'Guest CR0'),
  GUEST_CR3: field(0x6802, 'Guest CR3'),
  GUEST_CR4: field(0x6804, 'Guest CR4'),
  GUEST_ES_BASE: field(0x6806, 'Guest ES base'),
  GUEST_CS_BASE: field(0x6808, 'Guest CS base'),
  GUEST_SS_BASE: field(0x680a, 'Guest SS base'),
  GUEST_DS_BASE: field(0x680c, 'Guest DS base'),
  GUEST_FS_BASE: field(0x680e, 'Guest FS base'),
  GUEST_GS_BASE: field(0x6810, 'Guest GS base'),
  GUEST_LDTR_BASE: field(0x6812, 'Guest LDTR base'),
  GUEST_TR_BASE: field(0x6814, 'Guest TR base'),
  GUEST_GDTR_BASE: field(0x6816, 'Guest GDTR base'),
  GUEST_IDTR_BASE: field(0x6818, 'Guest IDTR base'),
  GUEST_DR7: field(0x681a, 'Guest DR7'),
  GUEST_RSP: field(0x681c, 'Guest RSP'),
  GUEST_RIP: field(0x681e, 'Guest RIP'),
  GUEST_RFLAGS: field(0x6820, 'Guest RFLAGS'),
  GUEST_PENDING_DEBUG_EXCEPTIONS: field(0x6822, 'Guest pending debug exceptions'),
  GUEST_SYSENTER_ESP: field(0x6824, 'Guest IA32_SYSENTER_ESP'),
  GUEST_SYSENTER_EIP: field(0x6826, 'Guest IA32_SYSENTER_EIP'),
  GUEST_S_CET: field(0x6828, 'Guest IA32_S_CET', entryControls.LOAD_CET_STATE),
  GUEST_SSP: field(0x682a, 'Guest SSP', entryControls.LOAD_CET_STATE),
  GUEST_INTERRUPT_SSP_TABLE: field(0x682c, 'Guest IA32_INTERRUPT_SSP_TABLE_ADDR', entryControls.LOAD_CET_STATE),
  // Natural-width host-state fields (Table B-15)
  HOST_CR0: field(0x6c00, 'Host CR0'),
  HOST_CR3: field(0x6c02, 'Host CR3'),
  HOST_CR4: field(0x6c04, 'Host CR4'),
  HOST_FS_BASE: field(0x6c06, 'Host FS base'),
  HOST_GS_BASE: field(0x6c08, 'Host GS base'),
  HOST_TR_BASE: field(0x6c0a, 'Host TR base'),
  HOST_GDTR_BASE: field(0x6c0c, 'Host GDTR base'),
  HOST_IDTR_BASE: field(0x6c0e, 'Host IDTR base'),
  HOST_SYSENTER_ESP: field(0x6c10, 'Host IA32_SYSENTER_ESP'),
  HOST_SYSENTER_EIP: field(0x6c12, 'Host IA32_SYSENTER_EIP'),
  HOST_RSP: field(0x6c14, 'Host RSP'),
  HOST_RIP: field(0x6c16, 'Host RIP'),
  HOST_S_CET: field(0x6c18, 'Host IA32_S_CET', exitControls.LOAD_CET_STATE),
  HOST_SSP: field(0x6c1a, 'Host SSP', exitControls.LOAD_CET_STATE),
  HOST_INTERRUPT_SSP_TABLE: field(0x6c1c, 'Host IA32_INTERRUPT_SSP_TABLE_ADDR', exitControls.LOAD_CET_STATE),
} satisfies Readonly<Record<string, FieldDefinition>>;

/** Our identifier of a field: its SDM name in capitals. */
export type FieldKey = keyof typeof fieldDefinitions;

/** The segment registers in the order of their VMCS indices. */
export const SEGMENT_REGISTERS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;

/** A segment register with fields in the guest-state area. */
export type SegmentRegister = (typeof SEGMENT_REGISTERS)[number];
