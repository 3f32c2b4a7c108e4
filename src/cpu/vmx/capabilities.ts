/**
 * What our VMX unit implements, and the VMX capability MSRs that say so. Source: SDM Vol. 3D appendix A; fixed bits of
 * CR0 and CR4 from SDM Vol. 3C 24.8. The table `implemented` below is the only place that names a supported control:
 * MSRs, VM-entry checks, existing VMCS fields and possible exit reasons follow from it.
 *
 * NOT IMPLEMENTED: dual-monitor treatment of SMIs and SMM, VM functions (IA32_VMX_VMFUNC does not exist), tertiary
 * controls (IA32_VMX_PROCBASED_CTLS3 does not exist), the activity states shutdown and wait-for-SIPI.
 */
import { CR0, CR4, EFER } from '../mode';
import { controlsOf, entryControls, exitControls, pinControls, primaryControls, secondaryControls } from './controls';
import type { Control, ControlVector } from './controls';
import { VMCS_FIELDS, VMCS_REGION_SIZE } from './vmcs-layout';
import type { VmcsField } from './vmcs-layout';

/** What VMX must know of the rest of the processor. */
export interface ProcessorLimits {
  /** MAXPHYADDR: width of physical addresses in bits, 33 to 52 (CPUID.80000008H:EAX[7:0]). */
  readonly physicalAddressWidth: number;
  /** The bits of CR4 that software may set, CR4.VMXE (bit 13) included. */
  readonly cr4Bits: number;
  /** The bits of IA32_EFER that software may set. */
  readonly eferBits: number;
  /** The bits of IA32_DEBUGCTL that software may set. */
  readonly debugctlBits: number;
}

/** The allowed settings of one vector of controls, both unsigned 32 bits. */
export interface AllowedSettings {
  /** Bits that must be 1. */
  readonly mustBe1: number;
  /** Bits that may be 1. */
  readonly mayBe1: number;
}

/** The capabilities of a VMX unit. */
export interface Capabilities extends ProcessorLimits {
  readonly revisionIdentifier: number;
  readonly controls: Readonly<Record<ControlVector, AllowedSettings>>;
  /** Bits of CR0 that must be 1 in VMX operation (IA32_VMX_CR0_FIXED0). */
  readonly cr0MustBe1: number;
  /** Bits of CR0 that may be 1 in VMX operation (IA32_VMX_CR0_FIXED1). */
  readonly cr0MayBe1: number;
  readonly cr4MustBe1: number;
  readonly cr4MayBe1: number;
  /** Largest CR3-target count, at most 4. */
  readonly cr3Targets: number;
  /** The supported values of the activity-state field. */
  readonly activityStates: readonly number[];
  /** Injection of a software event with instruction length 0 is allowed. */
  readonly zeroLengthInjection: boolean;
  /** IA32_VMX_EPT_VPID_CAP bits 31:0. */
  readonly eptCapabilities: number;
  /** IA32_VMX_EPT_VPID_CAP bits 63:32. */
  readonly vpidCapabilities: number;
}

/** Bits of IA32_VMX_EPT_VPID_CAP 31:0 (SDM A.10). */
export const EPT_CAPABILITY = {
  EXECUTE_ONLY: 2 ** 0,
  PAGE_WALK_LENGTH_4: 2 ** 6,
  MEMORY_TYPE_UC: 2 ** 8,
  MEMORY_TYPE_WB: 2 ** 14,
  PAGES_2M: 2 ** 16,
  PAGES_1G: 2 ** 17,
  INVEPT: 2 ** 20,
  ACCESSED_AND_DIRTY: 2 ** 21,
  ADVANCED_EXIT_INFORMATION: 2 ** 22,
  INVEPT_SINGLE_CONTEXT: 2 ** 25,
  INVEPT_ALL_CONTEXT: 2 ** 26,
} as const;

/** Bits of IA32_VMX_EPT_VPID_CAP 63:32, counted from 0 (SDM A.10). */
export const VPID_CAPABILITY = {
  INVVPID: 2 ** 0,
  INDIVIDUAL_ADDRESS: 2 ** 8,
  SINGLE_CONTEXT: 2 ** 9,
  ALL_CONTEXT: 2 ** 10,
  SINGLE_CONTEXT_RETAINING_GLOBALS: 2 ** 11,
} as const;

const implemented: Readonly<Record<ControlVector, readonly Control[]>> = {
  pin: [
    pinControls.EXTERNAL_INTERRUPT_EXITING,
    pinControls.NMI_EXITING,
    pinControls.VIRTUAL_NMIS,
    pinControls.ACTIVATE_PREEMPTION_TIMER,
  ],
  primary: Object.values<Control>(primaryControls).filter((c) => c !== primaryControls.ACTIVATE_TERTIARY_CONTROLS),
  secondary: [
    secondaryControls.ENABLE_EPT,
    secondaryControls.DESCRIPTOR_TABLE_EXITING,
    secondaryControls.ENABLE_RDTSCP,
    secondaryControls.ENABLE_VPID,
    secondaryControls.WBINVD_EXITING,
    secondaryControls.UNRESTRICTED_GUEST,
    secondaryControls.RDRAND_EXITING,
    secondaryControls.ENABLE_INVPCID,
    secondaryControls.RDSEED_EXITING,
  ],
  exit: [
    exitControls.SAVE_DEBUG_CONTROLS,
    exitControls.HOST_ADDRESS_SPACE_SIZE,
    exitControls.ACKNOWLEDGE_INTERRUPT_ON_EXIT,
    exitControls.SAVE_PAT,
    exitControls.LOAD_PAT,
    exitControls.SAVE_EFER,
    exitControls.LOAD_EFER,
    exitControls.SAVE_PREEMPTION_TIMER,
  ],
  entry: [
    entryControls.LOAD_DEBUG_CONTROLS,
    entryControls.IA32E_MODE_GUEST,
    entryControls.LOAD_PAT,
    entryControls.LOAD_EFER,
  ],
};

/** The default1 classes (SDM A.2): bits that read 1 unless software knows of their 0-settings. */
const DEFAULT1: Readonly<Record<ControlVector, number>> = {
  pin: 0x0000_0016,
  primary: 0x0401_e172,
  secondary: 0,
  exit: 0x0003_6dff,
  entry: 0x0000_11ff,
};

/** Any value will do; this one is "VMX" in ASCII. */
const REVISION_IDENTIFIER = 0x0056_4d58;

function allowedSettings(vector: ControlVector): AllowedSettings {
  const supported = implemented[vector].reduce((mask, control) => mask + control.mask, 0);
  const mustBe1 = (DEFAULT1[vector] & ~supported) >>> 0;
  return { mustBe1, mayBe1: (mustBe1 | supported) >>> 0 };
}

/** The capabilities of our VMX unit in a processor with these limits. */
export function vmxCapabilities(limits: ProcessorLimits): Capabilities {
  return {
    ...limits,
    eferBits: limits.eferBits | EFER.LMA, // VM entry loads what WRMSR may not
    revisionIdentifier: REVISION_IDENTIFIER,
    controls: {
      pin: allowedSettings('pin'),
      primary: allowedSettings('primary'),
      secondary: allowedSettings('secondary'),
      exit: allowedSettings('exit'),
      entry: allowedSettings('entry'),
    },
    cr0MustBe1: CR0.PE + CR0.NE + CR0.PG,
    cr0MayBe1: 0xffff_ffff, // as real processors report: reserved bits are ignored or fault on their own account
    cr4MustBe1: CR4.VMXE,
    cr4MayBe1: limits.cr4Bits,
    cr3Targets: 4,
    activityStates: [0, 1],
    zeroLengthInjection: true,
    eptCapabilities:
      EPT_CAPABILITY.EXECUTE_ONLY +
      EPT_CAPABILITY.PAGE_WALK_LENGTH_4 +
      EPT_CAPABILITY.MEMORY_TYPE_UC +
      EPT_CAPABILITY.MEMORY_TYPE_WB +
      EPT_CAPABILITY.PAGES_2M +
      EPT_CAPABILITY.INVEPT +
      EPT_CAPABILITY.ACCESSED_AND_DIRTY +
      EPT_CAPABILITY.INVEPT_SINGLE_CONTEXT +
      EPT_CAPABILITY.INVEPT_ALL_CONTEXT,
    vpidCapabilities:
      VPID_CAPABILITY.INVVPID +
      VPID_CAPABILITY.INDIVIDUAL_ADDRESS +
      VPID_CAPABILITY.SINGLE_CONTEXT +
      VPID_CAPABILITY.ALL_CONTEXT +
      VPID_CAPABILITY.SINGLE_CONTEXT_RETAINING_GLOBALS,
  };
}

/** True if the 1-setting of `control` is supported. */
export function supportsControl(capabilities: Capabilities, control: Control): boolean {
  return (capabilities.controls[control.vector].mayBe1 & control.mask) !== 0;
}

/** The controls that are supported, with their settings, for the views. */
export function supportedControls(capabilities: Capabilities): Control[] {
  return Object.values(controlsOf).flatMap((list) => list.filter((control) => supportsControl(capabilities, control)));
}

/** True if the processor has `field` (SDM appendix B, notes to the tables). */
export function supportsField(capabilities: Capabilities, field: Pick<VmcsField, 'controls'>): boolean {
  return field.controls.length === 0 || field.controls.some((control) => supportsControl(capabilities, control));
}

const pair = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

function controlMsr(capabilities: Capabilities, vector: ControlVector, isTrue: boolean): bigint {
  const { mustBe1, mayBe1 } = capabilities.controls[vector];
  return pair(mayBe1, isTrue ? mustBe1 : (mustBe1 | DEFAULT1[vector]) >>> 0);
}

function basicMsr({ revisionIdentifier }: Capabilities): bigint {
  const WRITE_BACK = 6;
  const INS_OUTS_INFORMATION = 1 << 22;
  const TRUE_CONTROLS = 1 << 23;
  return pair(VMCS_REGION_SIZE | (WRITE_BACK << 18) | INS_OUTS_INFORMATION | TRUE_CONTROLS, revisionIdentifier);
}

function miscMsr({ activityStates, cr3Targets, zeroLengthInjection }: Capabilities): bigint {
  const TIMER_RATE = 0; // the preemption timer counts down by 1 per TSC count
  const STORES_LMA = 1 << 5; // VM exits store IA32_EFER.LMA into "IA-32e mode guest"
  const states = activityStates.filter((state) => state > 0).reduce((mask, state) => mask | (1 << (5 + state)), 0);
  return pair(0, TIMER_RATE | STORES_LMA | states | (cr3Targets << 16) | (zeroLengthInjection ? 1 << 30 : 0));
}

function vmcsEnumMsr(capabilities: Capabilities): bigint {
  const present = VMCS_FIELDS.filter((field) => supportsField(capabilities, field));
  return BigInt(Math.max(...present.map((field) => field.encoding & 0x3fe)));
}

/** The value of the VMX capability MSR `index` (0x480 to 0x491), or undefined if it does not exist (RDMSR: #GP(0)). */
export function capabilityMsr(capabilities: Capabilities, index: number): bigint | undefined {
  switch (index) {
    case 0x480:
      return basicMsr(capabilities);
    case 0x481:
      return controlMsr(capabilities, 'pin', false);
    case 0x482:
      return controlMsr(capabilities, 'primary', false);
    case 0x483:
      return controlMsr(capabilities, 'exit', false);
    case 0x484:
      return controlMsr(capabilities, 'entry', false);
    case 0x485:
      return miscMsr(capabilities);
    case 0x486:
      return pair(0, capabilities.cr0MustBe1);
    case 0x487:
      return pair(0, capabilities.cr0MayBe1);
    case 0x488:
      return pair(0, capabilities.cr4MustBe1);
    case 0x489:
      return pair(0, capabilities.cr4MayBe1);
    case 0x48a:
      return vmcsEnumMsr(capabilities);
    case 0x48b:
      return controlMsr(capabilities, 'secondary', true);
    case 0x48c:
      return pair(capabilities.vpidCapabilities, capabilities.eptCapabilities);
    case 0x48d:
      return controlMsr(capabilities, 'pin', true);
    case 0x48e:
      return controlMsr(capabilities, 'primary', true);
    case 0x48f:
      return controlMsr(capabilities, 'exit', true);
    case 0x490:
      return controlMsr(capabilities, 'entry', true);
    default:
      return undefined;
  }
}
