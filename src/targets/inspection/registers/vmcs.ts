/**
 * The current VMCS's fields as registers. Source: SDM Vol. 3C chapter 25, Vol. 3D appendix B; VMWRITE: Vol. 3C 31.3.
 *
 * Edits take the way of VMWRITE, and what they change counts before the guest's next instruction. While the guest runs
 * (VMX non-root operation) its state is in the processor: the guest-state area shows the last exit and is read-only then.
 */
import { PIN, PRIMARY, SECONDARY } from '../../../cpu/vmx/controls';
import type { FieldGroup } from '../../../cpu/vmx/fields';
import { F, VMCS_FIELDS } from '../../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { entryWouldFail, refusedValue } from '../errors';
import { GuestImage } from '../guest-image';
import { bitsOf } from '../vmcs-bits';
import type { RegisterCell } from './cell';

/** Controls that our hypervisor works by: without them it would lose its guest. */
const NEEDED = new Map<VmcsField, number>([
  [F.PIN_BASED_CONTROLS, PIN.EXTERNAL_INTERRUPT_EXITING | PIN.ACTIVATE_PREEMPTION_TIMER],
  [F.PRIMARY_CONTROLS, PRIMARY.ACTIVATE_SECONDARY_CONTROLS],
  [F.SECONDARY_CONTROLS, SECONDARY.ENABLE_EPT],
]);

/** Width of a field in bits. */
export function fieldBits({ width }: VmcsField): 16 | 32 | 64 {
  return width === 'natural' ? 64 : width;
}

function write(machine: Machine, field: VmcsField, value: bigint): void {
  const { vmx, hypervisor } = machine;
  const vmcs = vmx.current!;
  const { name } = field;
  const needed = hypervisor ? BigInt(NEEDED.get(field) ?? 0) : 0n;
  if ((value & needed) !== needed)
    throw refusedValue(name, value, `VMXray's hypervisor works by the controls 0x${needed.toString(16)} in it`);
  if (hypervisor && field === F.EPT_POINTER && value !== vmcs.get(field))
    throw refusedValue(name, value, "VMXray's hypervisor has one EPT: edit its entries in physical memory instead");
  const before = GuestImage.of(machine);
  const broken = before.with(new Map([[field, value]])).brokenSince(before, ['control', 'host', 'guest']);
  if (broken) throw entryWouldFail(name, value, broken);
  vmcs.write(field.encoding, value);
  vmx.controlsReplaced();
}

const READ_ONLY: Partial<Record<FieldGroup, string>> = {
  'exit-information': 'VMWRITE to a read-only field fails (SDM Vol. 3C 31.4, error 13)',
};
const STALE = 'the guest runs, so that this is its state at the last VM exit: write the register itself';

function cell(machine: Machine, field: VmcsField): RegisterCell {
  const readOnly =
    READ_ONLY[field.group] ?? (field.group === 'guest-state' && machine.vmx.isNonRoot ? STALE : undefined);
  return {
    name: field.name,
    bits: fieldBits(field),
    fields: bitsOf(machine.vmx.current!, field),
    read: ({ vmx }) => vmx.current?.get(field),
    ...(!readOnly && { write: (target: Machine, value: bigint) => write(target, field, value) }),
    readOnly,
  };
}

/** The group VMCS: every field that the processor has, by encoding. */
export function vmcsCells(machine: Machine): readonly RegisterCell[] {
  const vmcs = machine.vmx.current;
  return vmcs ? VMCS_FIELDS.filter((field) => vmcs.has(field)).map((field) => cell(machine, field)) : [];
}
