/**
 * The registers of the guest's processor, by group, wherever the machine stands: read without side effects, and edited so
 * that everything derived from them follows. A register's own file has its rules and sources.
 */
import type { Machine } from '../../machine/machine';
import type { Register } from '../target';
import { readOnlyRegister, tooWide, unknownGroup, unknownRegister } from './errors';
import type { RegisterCell } from './registers/cell';
import { cellsOf, groupNames } from './registers/groups';

/** The groups of registers in the order in which they are shown; `VMCS` only under our hypervisor. */
export function registerGroups(machine: Machine): string[] {
  return groupNames(machine);
}

function requireGroup(machine: Machine, group: string): readonly RegisterCell[] {
  const cells = cellsOf(machine, group);
  if (!cells) throw unknownGroup(group, groupNames(machine));
  return cells;
}

/** The registers of a group that exist at the moment, with their values. Throws a UserError for an unknown group. */
export function registersOf(machine: Machine, group: string): Register[] {
  const cells = requireGroup(machine, group);
  return machine.asGuest(() =>
    cells.flatMap(({ name, bits, fields, read, write }) => {
      const value = read(machine);
      if (value === undefined) return [];
      return [{ group, name, value, bits, ...(fields && { fields }), ...(!write && { readOnly: true }) }];
    }),
  );
}

/**
 * Writes a register and gives what it holds then. `value` is unsigned, or negative as a two's complement of the width.
 * Throws UserErrors: no such group or register, read-only, too wide, or a value that the SDM forbids.
 */
export function writeRegisterOf(machine: Machine, group: string, name: string, value: bigint): bigint {
  const cell = requireGroup(machine, group).find((one) => one.name === name);
  const before = cell && machine.asGuest(() => cell.read(machine));
  if (!cell || before === undefined) throw unknownRegister(group, name);
  if (!cell.write) throw readOnlyRegister(name, cell.readOnly ?? 'it is read-only');
  const { bits } = cell;
  if (value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1))) throw tooWide(name, value, bits);
  cell.write(machine, BigInt.asUintN(bits, value));
  return machine.asGuest(() => cell.read(machine)) ?? 0n;
}
