/**
 * Registers by the names that expressions use: lower case, parts of registers included (`eax`, `ah`, `zf`, `cr0.pg`,
 * `vmcs.guest_rip`). Source of the parts' names: SDM Vol. 1 3.4.1.1, Vol. 2A 2.2.1.2.
 */
import { F } from '../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../machine/machine';
import type { RegisterCell } from './registers/cell';
import { STATIC_GROUPS, VMCS_GROUP } from './registers/groups';
import { fieldBits } from './registers/vmcs';

/** Bits `low` to `low + bits - 1` of a register. */
interface Part {
  readonly group: string;
  readonly cell: Pick<RegisterCell, 'name' | 'read' | 'bits'>;
  readonly low: number;
  readonly bits: number;
}

const PARTS = new Map<string, Part>();

/** The first meaning of a name stays. */
function add(name: string, part: Part): void {
  if (!PARTS.has(name)) PARTS.set(name, part);
}

const cells = Object.entries(STATIC_GROUPS).flatMap(([group, members]) => members.map((cell) => ({ group, cell })));
for (const { group, cell } of cells) {
  const names = cell.names ?? [cell.name.toLowerCase()];
  for (const name of names) add(name, { group, cell, low: 0, bits: cell.bits });
}

function aliases(of: string, names: readonly (readonly [name: string, low: number, bits: number])[]): void {
  const { group, cell } = PARTS.get(of)!;
  for (const [name, low, bits] of names) add(name, { group, cell, low, bits });
}

for (const letter of ['a', 'c', 'd', 'b'])
  aliases(`r${letter}x`, [
    [`e${letter}x`, 0, 32],
    [`${letter}x`, 0, 16],
    [`${letter}l`, 0, 8],
    [`${letter}h`, 8, 8],
  ]);
for (const name of ['sp', 'bp', 'si', 'di'])
  aliases(`r${name}`, [
    [`e${name}`, 0, 32],
    [name, 0, 16],
    [`${name}l`, 0, 8],
  ]);
for (let number = 8; number < 16; number++)
  aliases(`r${number}`, [
    [`r${number}d`, 0, 32],
    [`r${number}w`, 0, 16],
    [`r${number}b`, 0, 8],
    [`r${number}l`, 0, 8],
  ]);
aliases('rip', [
  ['eip', 0, 32],
  ['ip', 0, 16],
]);
aliases('rflags', [
  ['eflags', 0, 32],
  ['flags', 0, 16],
]);

/** `RPL` of `CS` is `cs.rpl`; the flags have names of their own. */
const partName = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
for (const { group, cell } of cells) {
  for (const { name, high, low } of cell.fields ?? []) {
    const part = { group, cell, low, bits: high - low + 1 };
    for (const register of cell.names ?? [cell.name.toLowerCase()]) add(`${register}.${partName(name)}`, part);
    if (cell.name === 'RFLAGS') add(partName(name), part);
  }
}

for (const [key, field] of Object.entries<VmcsField>(F)) {
  const bits = fieldBits(field);
  const { name } = field;
  const cell = {
    name,
    bits,
    read: ({ vmx }: Machine) => (vmx.current?.has(field) ? vmx.current.get(field) : undefined),
  };
  add(`vmcs.${key.toLowerCase()}`, { group: VMCS_GROUP, cell, low: 0, bits });
}

/** Every name, for completion. */
export const REGISTER_NAMES: readonly string[] = [...PARTS.keys()];

/** True if `name`, in lower case, is a register or a part of one on some machine. */
export function isRegisterName(name: string): boolean {
  return PARTS.has(name);
}

/** The register that a name in lower case is, or is bits `low` to `low + bits - 1` of; undefined for no register. */
export function registerPlace(
  name: string,
): { group: string; register: string; low: number; bits: number } | undefined {
  const part = PARTS.get(name);
  return part && { group: part.group, register: part.cell.name, low: part.low, bits: part.bits };
}

/**
 * The value of a register, unsigned, and its width in bits; undefined if there is no such register now. `name` is in
 * lower case.
 */
export function evaluationRegister(
  machine: Machine,
  name: string,
): { readonly value: bigint; readonly bits: number } | undefined {
  const part = PARTS.get(name);
  if (!part) return undefined;
  const { cell, low, bits } = part;
  const value = machine.asGuest(() => cell.read(machine));
  return value === undefined ? undefined : { value: BigInt.asUintN(bits, value >> BigInt(low)), bits };
}
