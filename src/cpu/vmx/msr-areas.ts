/**
 * The VM-entry MSR-load area and the VM-exit MSR-store and MSR-load areas: format of an entry and the checks on it that
 * need no MSR. Source: SDM Vol. 3C 25.7.2, 27.4, 28.4 and 28.6.
 *
 * NOT IMPLEMENTED here: the check that WRMSR (RDMSR) of the entry's value would not fault at CPL 0, which is the MSRs'
 * own business.
 */

/** Bytes of one entry: MSR index (31:0), reserved (63:32), value (127:64). */
export const MSR_ENTRY_SIZE = 16;

/** Why an entry makes VM entry fail with reason 34 (or VM exit end in a VMX abort). */
export type MsrEntryFailure = 'reserved-bits' | 'fs-gs-base' | 'x2apic' | 'smm-only' | 'microcode-update';

const IA32_FS_BASE = 0xc000_0100;
const IA32_GS_BASE = 0xc000_0101;
const IA32_SMM_MONITOR_CTL = 0x9b;
const IA32_SMBASE = 0x9e;
const IA32_BIOS_UPDT_TRIG = 0x79;
const IA32_BIOS_SIGN_ID = 0x8b;

function commonFailure(index: number, reserved: number, isX2apic: boolean): MsrEntryFailure | undefined {
  if (reserved !== 0) return 'reserved-bits';
  if (isX2apic && index >>> 8 === 8) return 'x2apic';
  return undefined;
}

/**
 * The first rule that an entry of an MSR-load area breaks, or undefined. `reserved` is bits 63:32 of the entry;
 * `isX2apic` is true if the local APIC is in x2APIC mode.
 */
export function checkMsrLoad(index: number, reserved: number, isX2apic: boolean): MsrEntryFailure | undefined {
  if (index === IA32_FS_BASE || index === IA32_GS_BASE) return 'fs-gs-base';
  if (index === IA32_SMM_MONITOR_CTL) return 'smm-only';
  if (index === IA32_BIOS_UPDT_TRIG || index === IA32_BIOS_SIGN_ID) return 'microcode-update';
  return commonFailure(index, reserved, isX2apic);
}

/** The first rule that an entry of the VM-exit MSR-store area breaks, or undefined. */
export function checkMsrStore(index: number, reserved: number, isX2apic: boolean): MsrEntryFailure | undefined {
  if (index === IA32_SMBASE) return 'smm-only';
  return commonFailure(index, reserved, isX2apic);
}

/** VMX-abort indicators (SDM 28.7). */
export const VMX_ABORT = {
  SAVING_GUEST_MSRS: 1,
  INVALID_HOST_PDPTE: 2,
  CORRUPT_VMCS: 3,
  LOADING_HOST_MSRS: 4,
  MACHINE_CHECK: 5,
  HOST_64_BIT_GUEST_MODE: 6,
} as const;
