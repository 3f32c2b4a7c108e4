/**
 * The hypervisor's choice of VMX controls: an unrestricted guest under EPT and VPID, EFER and PAT switched, CR0.NE and
 * CR4.VMXE behind masks, external interrupts, HLT, CR8 and all I/O exiting, the MSRs of the local APIC intercepted.
 * Source: SDM Vol. 3C 25.6 to 25.8 (meaning), 32.5 (adjusting to the capability MSRs).
 */
import { assert } from '../common/assert';
import { CR0, CR4 } from '../cpu/mode';
import type { Capabilities } from '../cpu/vmx/capabilities';
import { MSR_BITMAP_OFFSET } from '../cpu/vmx/bitmaps';
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../cpu/vmx/controls';
import type { ControlVector } from '../cpu/vmx/controls';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../cpu/vmx/vmcs-layout';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';

/** What each vector of controls sets, besides what the processor insists on. */
const WANTED: Readonly<Record<ControlVector, number>> = {
  pin: PIN.EXTERNAL_INTERRUPT_EXITING | PIN.NMI_EXITING | PIN.VIRTUAL_NMIS | PIN.ACTIVATE_PREEMPTION_TIMER,
  primary:
    PRIMARY.HLT_EXITING |
    PRIMARY.MWAIT_EXITING |
    PRIMARY.MONITOR_EXITING |
    PRIMARY.CR8_LOAD_EXITING |
    PRIMARY.CR8_STORE_EXITING |
    PRIMARY.UNCONDITIONAL_IO_EXITING |
    PRIMARY.USE_MSR_BITMAPS |
    PRIMARY.ACTIVATE_SECONDARY_CONTROLS,
  secondary:
    SECONDARY.ENABLE_EPT |
    SECONDARY.ENABLE_VPID |
    SECONDARY.UNRESTRICTED_GUEST |
    SECONDARY.ENABLE_RDTSCP |
    SECONDARY.ENABLE_INVPCID,
  exit:
    EXIT.SAVE_DEBUG_CONTROLS |
    EXIT.HOST_ADDRESS_SPACE_SIZE |
    EXIT.SAVE_PAT |
    EXIT.LOAD_PAT |
    EXIT.SAVE_EFER |
    EXIT.LOAD_EFER,
  entry: ENTRY.LOAD_DEBUG_CONTROLS | ENTRY.LOAD_PAT | ENTRY.LOAD_EFER,
};

const FIELDS: Readonly<Record<ControlVector, VmcsField>> = {
  pin: F.PIN_BASED_CONTROLS,
  primary: F.PRIMARY_CONTROLS,
  secondary: F.SECONDARY_CONTROLS,
  exit: F.EXIT_CONTROLS,
  entry: F.ENTRY_CONTROLS,
};

/** Bits to set and to clear in the hypervisor's choice, for experiments and tests. */
export type ControlChanges = Partial<Record<ControlVector, { readonly set?: number; readonly clear?: number }>>;

/** MSRs [first, last] whose reads and writes exit although bitmaps are in use. */
export const INTERCEPTED_MSRS: readonly (readonly [first: number, last: number])[] = [
  [0x1b, 0x1b], // IA32_APIC_BASE
  [0x3a, 0x3a], // IA32_FEATURE_CONTROL
  [0x480, 0x491], // VMX capabilities
  [0x6e0, 0x6e0], // IA32_TSC_DEADLINE
  [0x800, 0x8ff], // x2APIC
];

/** Pages that the controls point to; physical addresses. */
export interface ControlPages {
  readonly ioBitmapA: number;
  readonly ioBitmapB: number;
  readonly msrBitmaps: number;
}

function write(vmcs: Vmcs, field: VmcsField, value: number): void {
  vmcs.writeField(field, value % 2 ** 32, Math.floor(value / 2 ** 32));
}

/** Fills the bitmaps: every port exits, and `INTERCEPTED_MSRS`. */
export function fillBitmaps(memory: PhysicalMemory, pages: ControlPages): void {
  const ones = new Uint8Array(PAGE).fill(0xff);
  memory.write(pages.ioBitmapA, ones);
  memory.write(pages.ioBitmapB, ones);
  const bitmap = new Uint8Array(PAGE);
  for (const [first, last] of INTERCEPTED_MSRS) {
    for (let msr = first; msr <= last; msr++) {
      bitmap[MSR_BITMAP_OFFSET.READ_LOW + (msr >> 3)]! |= 1 << (msr & 7);
      bitmap[MSR_BITMAP_OFFSET.WRITE_LOW + (msr >> 3)]! |= 1 << (msr & 7);
    }
  }
  memory.write(pages.msrBitmaps, bitmap);
}

/** Writes all control fields; `eptPointer` is the EPTP. A control that the processor lacks is a bug of ours. */
export function writeControls(
  vmcs: Vmcs,
  capabilities: Capabilities,
  pages: ControlPages,
  eptPointer: number,
  changes: ControlChanges = {},
): void {
  for (const vector of Object.keys(FIELDS) as ControlVector[]) {
    const { mustBe1, mayBe1 } = capabilities.controls[vector];
    const { set = 0, clear = 0 } = changes[vector] ?? {};
    const value = (((WANTED[vector] | set) & ~clear) | mustBe1) >>> 0;
    assert((value & ~mayBe1) === 0, `the processor has the ${vector} controls that the hypervisor wants`);
    vmcs.writeField(FIELDS[vector], value);
  }
  write(vmcs, F.EPT_POINTER, eptPointer);
  write(vmcs, F.VPID, 1);
  write(vmcs, F.IO_BITMAP_A, pages.ioBitmapA);
  write(vmcs, F.IO_BITMAP_B, pages.ioBitmapB);
  write(vmcs, F.MSR_BITMAPS, pages.msrBitmaps);
  write(vmcs, F.CR0_GUEST_HOST_MASK, CR0.NE);
  write(vmcs, F.CR4_GUEST_HOST_MASK, CR4.VMXE);
  write(vmcs, F.EXCEPTION_BITMAP, 0);
  write(vmcs, F.TSC_OFFSET, 0);
  vmcs.writeField(F.VMCS_LINK_POINTER, 0xffff_ffff, 0xffff_ffff);
}
