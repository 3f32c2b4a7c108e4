/**
 * VM-entry checks on the VMX controls. Source: SDM Vol. 3C 27.2.1.
 *
 * NOT IMPLEMENTED: the conditions on controls whose capability bits read 0 (APIC virtualization beyond the TPR shadow,
 * posted interrupts, VM functions, PML, VMCS shadowing, #VE, tertiary controls, SMM): setting such a control already
 * breaks the rule on reserved bits of its field.
 */
import { CR0 } from '../../mode';
import { EPT_CAPABILITY } from '../capabilities';
import { EXIT, PIN, PRIMARY, SECONDARY } from '../controls';
import type { ControlVector } from '../controls';
import { ERROR_CODE_BIT, ERROR_CODE_VECTORS, INTERRUPTION_TYPE, VALID_BIT } from '../interruption-information';
import type { VmcsView } from '../vmcs';
import { F } from '../vmcs-layout';
import type { VmcsField } from '../vmcs-layout';
import {
  has,
  hasSecondary,
  injectedType,
  injects,
  isUnrestricted,
  rulesOf,
  SECONDARY_FIELDS,
  withinPhysicalWidth,
} from './rule';
import type { EntryContext, EntryRule, RuleMaker } from './rule';

function reservedBits(view: VmcsView, field: VmcsField, vector: ControlVector, context: EntryContext): boolean {
  const { mustBe1, mayBe1 } = context.capabilities.controls[vector];
  const value = view.low(field);
  return (value & mustBe1) >>> 0 === mustBe1 && (value & ~mayBe1) === 0;
}

/** A 4 KiB-aligned physical address, checked while `active`. */
function pageAddress(
  make: RuleMaker,
  name: string,
  field: VmcsField,
  activeFields: readonly VmcsField[],
  active: (view: VmcsView) => boolean,
): EntryRule[] {
  const fields = [field, ...activeFields];
  return [
    make(`${name}.alignment`, fields, (v) => !active(v) || (v.low(field) & 0xfff) === 0),
    make(`${name}.width`, fields, (v, c) => !active(v) || withinPhysicalWidth(v, field, c)),
  ];
}

/** An MSR area: 16-byte entries, checked while the count is not 0. */
function msrArea(make: RuleMaker, name: string, address: VmcsField, count: VmcsField): EntryRule[] {
  const fields = [address, count];
  const isEmpty = (v: VmcsView): boolean => v.low(count) === 0;
  const lastByte = (v: VmcsView): number => v.high(address) * 2 ** 32 + v.low(address) + v.low(count) * 16 - 1;
  return [
    make(`${name}.alignment`, fields, (v) => isEmpty(v) || (v.low(address) & 0xf) === 0),
    make(`${name}.width`, fields, (v, c) => isEmpty(v) || withinPhysicalWidth(v, address, c)),
    make(
      `${name}.last-byte`,
      fields,
      (v, c) =>
        isEmpty(v) || !withinPhysicalWidth(v, address, c) || lastByte(v) < 2 ** c.capabilities.physicalAddressWidth,
    ),
  ];
}

const execution = rulesOf('control', '27.2.1.1');
const primary = (v: VmcsView, mask: number): boolean => has(v, F.PRIMARY_CONTROLS, mask);
const usesTprShadow = (v: VmcsView): boolean => primary(v, PRIMARY.USE_TPR_SHADOW);
const usesEpt = (v: VmcsView): boolean => hasSecondary(v, SECONDARY.ENABLE_EPT);
const EPTP_FIELDS = [F.EPT_POINTER, ...SECONDARY_FIELDS];

function virtualTpr(v: VmcsView, { readPhysical32 }: EntryContext): number {
  const page = v.high(F.VIRTUAL_APIC_ADDRESS) * 2 ** 32 + v.low(F.VIRTUAL_APIC_ADDRESS);
  return readPhysical32(page + 0x80) & 0xff;
}

function hasEptMemoryType(v: VmcsView, { capabilities }: EntryContext): boolean {
  const type = v.low(F.EPT_POINTER) & 7;
  const bit = type === 0 ? EPT_CAPABILITY.MEMORY_TYPE_UC : type === 6 ? EPT_CAPABILITY.MEMORY_TYPE_WB : 0;
  return (capabilities.eptCapabilities & bit) !== 0;
}

const executionRules: readonly EntryRule[] = [
  execution('pin-based-controls.reserved-bits', [F.PIN_BASED_CONTROLS], (v, c) =>
    reservedBits(v, F.PIN_BASED_CONTROLS, 'pin', c),
  ),
  execution('primary-controls.reserved-bits', [F.PRIMARY_CONTROLS], (v, c) =>
    reservedBits(v, F.PRIMARY_CONTROLS, 'primary', c),
  ),
  execution('secondary-controls.reserved-bits', [F.SECONDARY_CONTROLS, F.PRIMARY_CONTROLS], (v, c) => {
    return !primary(v, PRIMARY.ACTIVATE_SECONDARY_CONTROLS) || reservedBits(v, F.SECONDARY_CONTROLS, 'secondary', c);
  }),
  execution('cr3-target-count', [F.CR3_TARGET_COUNT], (v, c) => v.low(F.CR3_TARGET_COUNT) <= c.capabilities.cr3Targets),
  ...([F.IO_BITMAP_A, F.IO_BITMAP_B] as const).flatMap((field, i) =>
    pageAddress(execution, `io-bitmap-${'ab'[i]}`, field, [F.PRIMARY_CONTROLS], (v) =>
      primary(v, PRIMARY.USE_IO_BITMAPS),
    ),
  ),
  ...pageAddress(execution, 'msr-bitmaps', F.MSR_BITMAPS, [F.PRIMARY_CONTROLS], (v) =>
    primary(v, PRIMARY.USE_MSR_BITMAPS),
  ),
  ...pageAddress(execution, 'virtual-apic-address', F.VIRTUAL_APIC_ADDRESS, [F.PRIMARY_CONTROLS], usesTprShadow),
  execution(
    'tpr-threshold.reserved-bits',
    [F.TPR_THRESHOLD, F.PRIMARY_CONTROLS],
    (v) => !usesTprShadow(v) || v.low(F.TPR_THRESHOLD) < 16,
  ),
  execution(
    'tpr-threshold.above-vtpr',
    [F.TPR_THRESHOLD, F.VIRTUAL_APIC_ADDRESS, F.PRIMARY_CONTROLS],
    (v, c) =>
      !usesTprShadow(v) ||
      !withinPhysicalWidth(v, F.VIRTUAL_APIC_ADDRESS, c) ||
      (v.low(F.VIRTUAL_APIC_ADDRESS) & 0xfff) !== 0 ||
      (v.low(F.TPR_THRESHOLD) & 0xf) <= virtualTpr(v, c) >> 4,
    { volatile: usesTprShadow },
  ),
  execution(
    'virtual-nmis.needs-nmi-exiting',
    [F.PIN_BASED_CONTROLS],
    (v) => has(v, F.PIN_BASED_CONTROLS, PIN.NMI_EXITING) || !has(v, F.PIN_BASED_CONTROLS, PIN.VIRTUAL_NMIS),
  ),
  execution(
    'nmi-window-exiting.needs-virtual-nmis',
    [F.PRIMARY_CONTROLS, F.PIN_BASED_CONTROLS],
    (v) => has(v, F.PIN_BASED_CONTROLS, PIN.VIRTUAL_NMIS) || !primary(v, PRIMARY.NMI_WINDOW_EXITING),
  ),
  execution(
    'vpid.zero',
    [F.VPID, ...SECONDARY_FIELDS],
    (v) => !hasSecondary(v, SECONDARY.ENABLE_VPID) || v.low(F.VPID) !== 0,
  ),
  execution('eptp.memory-type', EPTP_FIELDS, (v, c) => !usesEpt(v) || hasEptMemoryType(v, c)),
  execution('eptp.page-walk-length', EPTP_FIELDS, (v) => !usesEpt(v) || ((v.low(F.EPT_POINTER) >> 3) & 7) === 3),
  execution('eptp.accessed-dirty', EPTP_FIELDS, (v, { capabilities }) => {
    const supported = (capabilities.eptCapabilities & EPT_CAPABILITY.ACCESSED_AND_DIRTY) !== 0;
    return !usesEpt(v) || supported || !has(v, F.EPT_POINTER, 0x40);
  }),
  execution('eptp.reserved-bits', EPTP_FIELDS, (v) => !usesEpt(v) || !has(v, F.EPT_POINTER, 0xf80)),
  execution('eptp.width', EPTP_FIELDS, (v, c) => !usesEpt(v) || withinPhysicalWidth(v, F.EPT_POINTER, c)),
  execution('unrestricted-guest.needs-ept', [...SECONDARY_FIELDS].reverse(), (v) => !isUnrestricted(v) || usesEpt(v)),
];

const exit = rulesOf('control', '27.2.1.2');

const exitRules: readonly EntryRule[] = [
  exit('exit-controls.reserved-bits', [F.EXIT_CONTROLS], (v, c) => reservedBits(v, F.EXIT_CONTROLS, 'exit', c)),
  exit(
    'save-preemption-timer.needs-timer',
    [F.EXIT_CONTROLS, F.PIN_BASED_CONTROLS],
    (v) =>
      has(v, F.PIN_BASED_CONTROLS, PIN.ACTIVATE_PREEMPTION_TIMER) ||
      !has(v, F.EXIT_CONTROLS, EXIT.SAVE_PREEMPTION_TIMER),
  ),
  ...msrArea(exit, 'exit-msr-store-address', F.EXIT_MSR_STORE_ADDRESS, F.EXIT_MSR_STORE_COUNT),
  ...msrArea(exit, 'exit-msr-load-address', F.EXIT_MSR_LOAD_ADDRESS, F.EXIT_MSR_LOAD_COUNT),
];

const entry = rulesOf('control', '27.2.1.3');
const INFORMATION = F.ENTRY_INTERRUPTION_INFORMATION;
const vector = (v: VmcsView): number => v.low(INFORMATION) & 0xff;

function mustDeliverErrorCode(v: VmcsView): boolean {
  const isProtected = !isUnrestricted(v) || has(v, F.GUEST_CR0, CR0.PE);
  return isProtected && injects(v, 'HARDWARE_EXCEPTION') && ERROR_CODE_VECTORS.has(vector(v));
}

function hasInstructionLength(v: VmcsView): boolean {
  return (
    injects(v, 'SOFTWARE_INTERRUPT') || injects(v, 'PRIVILEGED_SOFTWARE_EXCEPTION') || injects(v, 'SOFTWARE_EXCEPTION')
  );
}

const entryRules: readonly EntryRule[] = [
  entry('entry-controls.reserved-bits', [F.ENTRY_CONTROLS], (v, c) => reservedBits(v, F.ENTRY_CONTROLS, 'entry', c)),
  entry('entry-interruption.type', [INFORMATION], (v) => injectedType(v) !== INTERRUPTION_TYPE.RESERVED),
  entry('entry-interruption.nmi-vector', [INFORMATION], (v) => !injects(v, 'NMI') || vector(v) === 2),
  entry(
    'entry-interruption.exception-vector',
    [INFORMATION],
    (v) => !injects(v, 'HARDWARE_EXCEPTION') || vector(v) < 32,
  ),
  entry('entry-interruption.other-event-vector', [INFORMATION], (v) => !injects(v, 'OTHER_EVENT') || vector(v) === 0),
  entry(
    'entry-interruption.deliver-error-code',
    [INFORMATION, ...SECONDARY_FIELDS, F.GUEST_CR0],
    (v) => injectedType(v) < 0 || has(v, INFORMATION, ERROR_CODE_BIT) === mustDeliverErrorCode(v),
  ),
  entry(
    'entry-interruption.reserved-bits',
    [INFORMATION],
    (v) => injectedType(v) < 0 || !has(v, INFORMATION, 0x7fff_f000),
  ),
  entry(
    'entry-exception-error-code.reserved-bits',
    [F.ENTRY_EXCEPTION_ERROR_CODE, INFORMATION],
    (v) =>
      !has(v, INFORMATION, VALID_BIT) ||
      !has(v, INFORMATION, ERROR_CODE_BIT) ||
      v.low(F.ENTRY_EXCEPTION_ERROR_CODE) < 2 ** 16,
  ),
  entry('entry-instruction-length.range', [F.ENTRY_INSTRUCTION_LENGTH, INFORMATION], (v, { capabilities }) => {
    const length = v.low(F.ENTRY_INSTRUCTION_LENGTH);
    return !hasInstructionLength(v) || (length <= 15 && (length > 0 || capabilities.zeroLengthInjection));
  }),
  ...msrArea(entry, 'entry-msr-load-address', F.ENTRY_MSR_LOAD_ADDRESS, F.ENTRY_MSR_LOAD_COUNT),
];

/** The checks on VMX controls in the SDM's order. */
export const controlRules: readonly EntryRule[] = [...executionRules, ...exitRules, ...entryRules];
