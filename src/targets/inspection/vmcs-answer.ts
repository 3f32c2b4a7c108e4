/** The current VMCS for the wire: every field that the processor has, packed ones decoded. SDM Vol. 3D appendix B. */
import type { FieldGroup } from '../../cpu/vmx/fields';
import { VMCS_FIELDS } from '../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../machine/machine';
import type { Hex } from '../../protocol/address';
import type { VmcsAnswer, VmcsFieldBits } from '../../protocol/vmcs';
import type { RegisterField } from '../target';
import { noVmcs } from './errors';
import { fieldBits } from './registers/vmcs';
import { bitsOf } from './vmcs-bits';

const GROUPS: Readonly<Record<FieldGroup, string>> = {
  control: 'control',
  'exit-information': 'read-only data',
  'guest-state': 'guest state',
  'host-state': 'host state',
};

const hex = (value: bigint): Hex => `0x${value.toString(16)}`;

/** Bits of `value` by `field`, with what they mean now. */
export function describeBits(value: bigint, { name, high, low, meaning, values }: RegisterField): VmcsFieldBits {
  const part = BigInt.asUintN(high - low + 1, value >> BigInt(low));
  const text = values?.[Number(part)] ?? meaning;
  return { name, high, low, value: hex(part), ...(text !== undefined && { meaning: text }) };
}

/**
 * The fields of the current VMCS: our hypervisor's, or on a bare machine that of the guest's own. Throws a UserError if
 * there is none.
 */
export function vmcsAnswer({ vmx, exits }: Machine): VmcsAnswer {
  const vmcs = vmx.current;
  if (!vmcs) throw noVmcs();
  const last = exits && exits.count > 0 ? String(exits.count - 1) : undefined;
  return {
    ...(last !== undefined && { exit: last }),
    fields: VMCS_FIELDS.filter((field) => vmcs.has(field)).map((field) => {
      const value = vmcs.get(field);
      const bits = bitsOf(vmcs, field);
      return {
        name: field.name,
        encoding: hex(BigInt(field.encoding)),
        group: GROUPS[field.group],
        bits: fieldBits(field),
        value: hex(value),
        ...(bits && { fields: bits.map((part) => describeBits(value, part)) }),
      };
    }),
  };
}
