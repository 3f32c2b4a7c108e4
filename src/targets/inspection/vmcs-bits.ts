/**
 * The fields of the VMCS that are made of bits: which bits have which names. Source: SDM Vol. 3C 25.4 to 25.9, 29.3.2
 * (EPTP).
 */
import { controlsOf } from '../../cpu/vmx/controls';
import type { ControlVector } from '../../cpu/vmx/controls';
import * as qualifications from '../../cpu/vmx/exit-qualification';
import { EXIT_REASON, EXIT_REASONS } from '../../cpu/vmx/exit-reasons';
import { VM_INSTRUCTION_ERROR_TEXTS } from '../../cpu/vmx/instruction-errors';
import { EXCEPTION_NAMES, INTERRUPTION_TYPE_NAMES } from '../../cpu/vmx/interruption-information';
import type { BitPositions } from '../../cpu/vmx/bit-layout';
import { F, VMCS_FIELDS } from '../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../cpu/vmx/vmcs-layout';
import type { Vmcs } from '../../cpu/vmx/vmcs';
import type { RegisterField } from '../target';
import * as registers from './registers/fields';
import { bit, range } from './registers/fields';

const controls = (vector: ControlVector): RegisterField[] =>
  controlsOf[vector].map(({ bit: at, name }) => bit(at, name));

const exceptionBitmap = Array.from({ length: 32 }, (_, vector) => {
  const name = EXCEPTION_NAMES[vector] ?? (vector === 2 ? 'NMI' : `vector ${vector}`);
  return bit(vector, name);
}).filter(({ name }) => name !== 'NMI');

const interruption = (bit12: RegisterField[], errorCode: string): RegisterField[] => [
  range(7, 0, 'vector'),
  range(10, 8, 'type', undefined, INTERRUPTION_TYPE_NAMES),
  bit(11, errorCode),
  ...bit12,
  bit(31, 'valid'),
];
const nmiUnblocking = [bit(12, 'NMI unblocking due to IRET')];

const exitReason: RegisterField[] = [
  {
    name: 'basic exit reason',
    high: 15,
    low: 0,
    values: Object.fromEntries(EXIT_REASONS.map(({ number, name }) => [number, name])),
  },
  bit(27, 'enclave interruption'),
  bit(28, 'pending MTF VM exit'),
  bit(29, 'VM exit from VMX root operation'),
  bit(31, 'VM-entry failure'),
];

const pageFaultErrorCode = [
  bit(0, 'P', 'page-level protection violation'),
  bit(1, 'W/R', 'write'),
  bit(2, 'U/S', 'user-mode access'),
  bit(3, 'RSVD', 'reserved bit'),
  bit(4, 'I/D', 'instruction fetch'),
];

const eptPointer = [
  range(2, 0, 'memory type', undefined, ['UC', '', '', '', '', '', 'WB']),
  range(5, 3, 'page-walk length minus 1'),
  bit(6, 'accessed and dirty flags'),
  range(51, 12, 'EPT PML4 table', 'page number'),
];

const interruptibility = [
  bit(0, 'blocking by STI'),
  bit(1, 'blocking by MOV SS'),
  bit(2, 'blocking by SMI'),
  bit(3, 'blocking by NMI'),
  bit(4, 'enclave interruption'),
];

const pendingDebug = [
  ...[0, 1, 2, 3].map((n) => bit(n, `B${n}`)),
  bit(12, 'enabled breakpoint'),
  bit(14, 'BS', 'single step'),
];

const STATIC = new Map<VmcsField, readonly RegisterField[]>([
  [F.PIN_BASED_CONTROLS, controls('pin')],
  [F.PRIMARY_CONTROLS, controls('primary')],
  [F.SECONDARY_CONTROLS, controls('secondary')],
  [F.EXIT_CONTROLS, controls('exit')],
  [F.ENTRY_CONTROLS, controls('entry')],
  [F.EXCEPTION_BITMAP, exceptionBitmap],
  [F.PAGE_FAULT_ERROR_CODE_MASK, pageFaultErrorCode],
  [F.PAGE_FAULT_ERROR_CODE_MATCH, pageFaultErrorCode],
  [F.ENTRY_INTERRUPTION_INFORMATION, interruption([], 'deliver error code')],
  [F.EXIT_INTERRUPTION_INFORMATION, interruption(nmiUnblocking, 'error code valid')],
  [F.IDT_VECTORING_INFORMATION, interruption([], 'error code valid')],
  [F.EPT_POINTER, eptPointer],
  [F.EXIT_REASON, exitReason],
  [F.VM_INSTRUCTION_ERROR, [{ name: 'error', high: 31, low: 0, values: VM_INSTRUCTION_ERROR_TEXTS }]],
  [F.GUEST_INTERRUPTIBILITY_STATE, interruptibility],
  [F.GUEST_ACTIVITY_STATE, [range(31, 0, 'state', undefined, ['active', 'HLT', 'shutdown', 'wait-for-SIPI'])]],
  [F.GUEST_PENDING_DEBUG_EXCEPTIONS, pendingDebug],
  [F.GUEST_RFLAGS, registers.RFLAGS_FIELDS],
  [F.GUEST_DR7, registers.DR7_FIELDS],
]);

/** By the end of the field's identifier. */
const BY_NAME: readonly (readonly [pattern: RegExp, fields: readonly RegisterField[]])[] = [
  [/_ACCESS_RIGHTS$/, registers.ACCESS_RIGHTS_FIELDS],
  [/_SELECTOR$/, registers.SELECTOR_FIELDS],
  [/^(GUEST_CR0|HOST_CR0|CR0_.*)$/, registers.CR0_FIELDS],
  [/^(GUEST_CR3|HOST_CR3)$/, registers.CR3_FIELDS],
  [/^(GUEST_CR4|HOST_CR4|CR4_.*)$/, registers.CR4_FIELDS],
  [/_EFER$/, registers.EFER_FIELDS],
  [/_PDPTE[0-3]$/, registers.PDPTE_FIELDS],
];

const BITS: ReadonlyMap<VmcsField, readonly RegisterField[]> = new Map(
  VMCS_FIELDS.flatMap((field): [VmcsField, readonly RegisterField[]][] => {
    const fields = STATIC.get(field) ?? BY_NAME.find(([pattern]) => pattern.test(field.key))?.[1];
    return fields ? [[field, fields]] : [];
  }),
);

const ofLayout = ({ positions }: { readonly positions: BitPositions }): RegisterField[] =>
  Object.entries(positions).map(([name, [high, low]]) => range(high, low, name));

/** Formats of the exit qualification, by basic exit reason. */
const QUALIFICATIONS: ReadonlyMap<number, readonly RegisterField[]> = new Map([
  [EXIT_REASON.TASK_SWITCH, ofLayout(qualifications.taskSwitchQualification)],
  [EXIT_REASON.CONTROL_REGISTER_ACCESS, ofLayout(qualifications.controlRegisterQualification)],
  [EXIT_REASON.MOV_DR, ofLayout(qualifications.movDrQualification)],
  [EXIT_REASON.IO_INSTRUCTION, ofLayout(qualifications.ioQualification)],
  [EXIT_REASON.EPT_VIOLATION, ofLayout(qualifications.eptViolationQualification)],
  [EXIT_REASON.MWAIT, ofLayout(qualifications.mwaitQualification)],
]);

/** The named bits of `field` in `vmcs`; undefined for a field that is one value. */
export function bitsOf(vmcs: Vmcs, field: VmcsField): readonly RegisterField[] | undefined {
  return field === F.EXIT_QUALIFICATION ? QUALIFICATIONS.get(vmcs.low(F.EXIT_REASON) & 0xffff) : BITS.get(field);
}
