/** Valid VMCSs to break: a 64-bit, a 32-bit PAE, a real-mode (unrestricted) and a virtual-8086 guest. */
import { vmxCapabilities } from '../../../src/cpu/vmx/capabilities';
import type { Capabilities } from '../../../src/cpu/vmx/capabilities';
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../../../src/cpu/vmx/controls';
import type { EntryContext } from '../../../src/cpu/vmx/entry-checks/rule';
import type { FieldKey } from '../../../src/cpu/vmx/fields';
import { SEGMENT_REGISTERS } from '../../../src/cpu/vmx/fields';
import { FieldDirectory, Vmcs } from '../../../src/cpu/vmx/vmcs';
import { supportsField } from '../../../src/cpu/vmx/capabilities';
import { F } from '../../../src/cpu/vmx/vmcs-layout';

export const capabilities: Capabilities = vmxCapabilities({
  physicalAddressWidth: 40,
  cr4Bits: 0x37_27ff,
  eferBits: 0xd01,
  debugctlBits: 0x2,
});

export const CURRENT_VMCS = 0x1000;
export const VIRTUAL_APIC = 0x5000;
export const PDPT = 0x9000;
export const OTHER_VMCS = 0xb000;

/** Memory as the checks see it: words that are not listed read 0. */
export function context(
  words: Readonly<Record<number, number>> = {},
  changes: Partial<EntryContext> = {},
): EntryContext {
  const memory: Readonly<Record<number, number>> = {
    [VIRTUAL_APIC + 0x80]: 0x50,
    [OTHER_VMCS]: capabilities.revisionIdentifier,
    ...words,
  };
  return {
    capabilities,
    longMode: true,
    currentVmcs: CURRENT_VMCS,
    readPhysical32: (physical) => memory[physical] ?? 0,
    ...changes,
  };
}

export function emptyVmcs(of: Capabilities = capabilities): Vmcs {
  const directory = new FieldDirectory((field) => supportsField(of, field));
  return new Vmcs({ buffer: new ArrayBuffer(8192), byteOffset: 4096 }, directory);
}

type Values = Partial<Record<FieldKey, number | bigint>>;

const common: Values = {
  PIN_BASED_CONTROLS:
    0x16 + PIN.EXTERNAL_INTERRUPT_EXITING + PIN.NMI_EXITING + PIN.VIRTUAL_NMIS + PIN.ACTIVATE_PREEMPTION_TIMER,
  PRIMARY_CONTROLS:
    0x0400_6172 +
    PRIMARY.ACTIVATE_SECONDARY_CONTROLS +
    PRIMARY.USE_IO_BITMAPS +
    PRIMARY.USE_MSR_BITMAPS +
    PRIMARY.USE_TPR_SHADOW,
  SECONDARY_CONTROLS: SECONDARY.ENABLE_EPT + SECONDARY.ENABLE_VPID + SECONDARY.ENABLE_RDTSCP,
  EXIT_CONTROLS: 0x3_6dfb + EXIT.HOST_ADDRESS_SPACE_SIZE + EXIT.LOAD_PAT + EXIT.LOAD_EFER,
  ENTRY_CONTROLS: 0x11fb + ENTRY.LOAD_PAT + ENTRY.LOAD_EFER + ENTRY.LOAD_DEBUG_CONTROLS,
  VPID: 1,
  IO_BITMAP_A: 0x2000,
  IO_BITMAP_B: 0x3000,
  MSR_BITMAPS: 0x4000,
  VIRTUAL_APIC_ADDRESS: VIRTUAL_APIC,
  TPR_THRESHOLD: 5,
  EPT_POINTER: 0x6000 + 0x5e,
  EXIT_MSR_STORE_ADDRESS: 0x7000,
  EXIT_MSR_STORE_COUNT: 2,
  EXIT_MSR_LOAD_ADDRESS: 0x7100,
  EXIT_MSR_LOAD_COUNT: 2,
  ENTRY_MSR_LOAD_ADDRESS: 0x7200,
  ENTRY_MSR_LOAD_COUNT: 2,
  VMCS_LINK_POINTER: 0xffff_ffff_ffff_ffffn,
  HOST_CR0: 0x8005_0033,
  HOST_CR3: 0x8000,
  HOST_CR4: 0x2020,
  HOST_PAT: 0x0007_0406_0007_0406n,
  HOST_EFER: 0xd01,
  HOST_CS_SELECTOR: 0x8,
  HOST_SS_SELECTOR: 0x10,
  HOST_TR_SELECTOR: 0x18,
  HOST_RIP: 0xffff_8000_0000_1000n,
  GUEST_PAT: 0x0007_0406_0007_0406n,
  GUEST_DR7: 0x400,
  GUEST_RFLAGS: 0x202,
  GUEST_RIP: 0x1000,
  GUEST_GDTR_LIMIT: 0x7f,
  GUEST_IDTR_LIMIT: 0xfff,
  GUEST_TR_SELECTOR: 0x40,
  GUEST_TR_LIMIT: 0x67,
  GUEST_TR_ACCESS_RIGHTS: 0x8b,
  GUEST_LDTR_SELECTOR: 0x50,
  GUEST_LDTR_LIMIT: 0xf,
  GUEST_LDTR_ACCESS_RIGHTS: 0x82,
};

function segments(values: (register: string) => Values): Values {
  return Object.assign({}, ...SEGMENT_REGISTERS.slice(0, 6).map(values)) as Values;
}

const flat = segments((s) => ({
  [`GUEST_${s}_SELECTOR`]: s === 'CS' ? 0x8 : 0x10,
  [`GUEST_${s}_LIMIT`]: 0xffff_ffff,
  [`GUEST_${s}_ACCESS_RIGHTS`]: s === 'CS' ? 0xc09b : 0xc093,
}));

export const bases = {
  long: {
    ...common,
    ...flat,
    ENTRY_CONTROLS: Number(common.ENTRY_CONTROLS) + ENTRY.IA32E_MODE_GUEST,
    GUEST_CR0: 0x8005_0033,
    GUEST_CR4: 0x2020,
    GUEST_CR3: 0x1000,
    GUEST_EFER: 0xd01,
    GUEST_RIP: 0xffff_ffff_8100_0000n,
    GUEST_CS_ACCESS_RIGHTS: 0xa09b,
  },
  pae: {
    ...common,
    ...flat,
    GUEST_CR0: 0x8000_0031,
    GUEST_CR4: 0x2020,
    GUEST_CR3: PDPT,
    GUEST_PDPTE0: 0x1_0000_1001n,
    GUEST_PDPTE1: 0x2001,
    GUEST_PDPTE2: 0x1e6,
    GUEST_PDPTE3: 0x3001,
  },
  real: {
    ...common,
    ...segments((s) => ({
      [`GUEST_${s}_SELECTOR`]: 0x1001,
      [`GUEST_${s}_BASE`]: 0x1_0010,
      [`GUEST_${s}_LIMIT`]: 0xffff,
      [`GUEST_${s}_ACCESS_RIGHTS`]: 0x93,
    })),
    SECONDARY_CONTROLS: Number(common.SECONDARY_CONTROLS) + SECONDARY.UNRESTRICTED_GUEST,
    GUEST_CR0: 0x30,
    GUEST_CR4: 0x2000,
  },
  v86: {
    ...common,
    ...segments((s) => ({
      [`GUEST_${s}_SELECTOR`]: 0x2003,
      [`GUEST_${s}_BASE`]: 0x2_0030,
      [`GUEST_${s}_LIMIT`]: 0xffff,
      [`GUEST_${s}_ACCESS_RIGHTS`]: 0xf3,
    })),
    GUEST_CR0: 0x8000_0031,
    GUEST_CR4: 0x2000,
    GUEST_RFLAGS: 0x2_0202,
  },
} satisfies Record<string, Values>;

export type Base = keyof typeof bases;

/** A VMCS with the fields of `base` and `changes` over them. */
export function makeVmcs(base: Base, changes: Values = {}): Vmcs {
  const vmcs = emptyVmcs();
  const values: Values = { ...bases[base], ...changes };
  for (const [key, value] of Object.entries(values)) vmcs.set(F[key as FieldKey], BigInt(value));
  return vmcs;
}

/** The value of `key` in `base` with the bits of `mask` inverted. */
export function flipped(base: Base, key: FieldKey, mask: number | bigint): bigint {
  return BigInt((bases[base] as Values)[key] ?? 0) ^ BigInt(mask);
}
