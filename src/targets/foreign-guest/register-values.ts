/**
 * The registers of a guest that is not ours, as far as its engine tells them: by the groups, names and fields that our own
 * machine's have, so that everything above reads them alike. Sources: as the files of `inspection/registers`.
 */
import { readOnlyRegister, tooWide, unknownGroup, unknownRegister } from '../inspection/errors';
import { registerPlace } from '../inspection/register-names';
import { STATIC_GROUPS } from '../inspection/registers/groups';
import type { Register } from '../target';

/** Values by `GROUP.NAME`, unsigned. */
export type RegisterValues = ReadonlyMap<string, bigint>;

/** The key of a register in `RegisterValues`. */
export const keyOf = (group: string, name: string): string => `${group}.${name}`;

/** The groups of which there are values, in the usual order. */
export const groupsIn = (values: RegisterValues): string[] =>
  Object.entries(STATIC_GROUPS).flatMap(([group, cells]) =>
    cells.some(({ name }) => values.has(keyOf(group, name))) ? [group] : [],
  );

/** The registers of a group; `canWrite` tells by key which ones can be written. Throws a UserError for an unknown group. */
export function registersIn(values: RegisterValues, group: string, canWrite: (key: string) => boolean): Register[] {
  const groups = groupsIn(values);
  if (!groups.includes(group)) throw unknownGroup(group, groups);
  return STATIC_GROUPS[group]!.flatMap(({ name, bits, fields }): Register[] => {
    const key = keyOf(group, name);
    const value = values.get(key);
    if (value === undefined) return [];
    return [
      {
        group,
        name,
        value: BigInt.asUintN(bits, value),
        bits,
        ...(fields && { fields }),
        ...(!canWrite(key) && { readOnly: true }),
      },
    ];
  });
}

/** What is to be written to a register: `value`, or its two's complement. Throws UserErrors where it cannot be. */
export function valueToWrite(
  registers: readonly Register[],
  group: string,
  name: string,
  value: bigint,
  why: string,
): bigint {
  const register = registers.find((one) => one.name === name);
  if (!register) throw unknownRegister(group, name);
  if (register.readOnly) throw readOnlyRegister(name, why);
  const { bits } = register;
  if (value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1))) throw tooWide(name, value, bits);
  return BigInt.asUintN(bits, value);
}

/** A register, or a part of one, by the name that expressions use; undefined if its value is not known. */
export function registerNamed(
  values: RegisterValues,
  name: string,
): { readonly value: bigint; readonly bits: number } | undefined {
  const place = registerPlace(name);
  const value = place && values.get(keyOf(place.group, place.register));
  return value === undefined
    ? undefined
    : { value: BigInt.asUintN(place!.bits, value >> BigInt(place!.low)), bits: place!.bits };
}
