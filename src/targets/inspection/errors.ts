/** What can be wrong with a question about a stopped machine or with an edit of it: every sentence said about them. */
import { UserError } from '../../common/errors';
import type { EntryRule } from '../../cpu/vmx/entry-checks/rule';

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const quoted = (text: string): string => `"${text.slice(0, 60)}"`;

/** No group of registers has this name. */
export const unknownGroup = (group: string, groups: readonly string[]): UserError =>
  new UserError(
    'register/unknown-group',
    `There is no group of registers ${quoted(group)}: it is one of ${groups.join(', ')}.`,
  );

/** The group has no such register. */
export const unknownRegister = (group: string, name: string): UserError =>
  new UserError('register/unknown', `There is no register ${quoted(name)} in the group ${group}.`);

/** The register cannot be written; `why` is a sentence without its full stop. */
export const readOnlyRegister = (name: string, why: string): UserError =>
  new UserError('register/read-only', `${name} cannot be written: ${why}.`);

/** The value has more bits than the register. */
export const tooWide = (name: string, value: bigint, bits: number): UserError =>
  new UserError('register/width', `${hex(value < 0n ? -value : value)} does not fit into the ${bits} bits of ${name}.`);

/** The register cannot hold the value; `why` names the rule and is a sentence without its full stop. */
export const refusedValue = (name: string, value: bigint, why: string): UserError =>
  new UserError('register/value', `${name} cannot be ${hex(value)}: ${why}.`);

/** The next VM entry would fail by `rule`. */
export const entryWouldFail = (name: string, value: bigint, { rule, section, fields }: EntryRule): UserError =>
  refusedValue(
    name,
    value,
    `VM entry would fail, the check of ${fields[0]!.name} for "${rule.replace(/^[^.]*\./, '').replaceAll('-', ' ')}" ` +
      `(SDM Vol. 3C ${section})`,
  );

/** The machine has no VMCS to show. */
export const noVmcs = (): UserError =>
  new UserError('vmcs/none', 'There is no current VMCS: a bare machine has one only while its guest uses VMX.');

/** The machine has no hypervisor of ours. */
export const noExits = (): UserError =>
  new UserError('exit/bare', 'A bare machine has no hypervisor of ours to exit to: launch without "bare".');

/** An address that is none. */
export const notAnAddress = (text: string): UserError =>
  new UserError('address/syntax', `${quoted(text)} is not an address: write 0x and at most 16 hexadecimal digits.`);

/** A number that is out of its range. */
export const outOfRange = (what: string, value: number, low: number, high: number): UserError =>
  new UserError('query/range', `The ${what} ${value} is out of range: give a whole number from ${low} to ${high}.`);

/** A device's register that is not there, or that a debugger cannot write. */
export const noDeviceRegister = (device: string, register: string): UserError =>
  new UserError(
    'device/register',
    `${quoted(device)} has no register ${quoted(register)} that can be written now: "devices" lists those that there are.`,
  );
