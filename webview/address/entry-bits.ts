/**
 * The bits of paging-structure entries, for people. Source: SDM Vol. 3A tables 4-14 to 4-20 (guest), Vol. 3C tables 29-1 to
 * 29-7 (EPT). Legacy 32-bit entries share the low bits.
 */

/** One field of an entry with its value. */
export interface EntryField {
  readonly name: string;
  readonly bits: string;
  readonly value: string;
  readonly meaning: string;
}

interface Bit {
  readonly bit: number;
  readonly name: string;
  readonly one: string;
  readonly zero: string;
}

const GUEST: readonly Bit[] = [
  { bit: 0, name: 'P', one: 'present', zero: 'not present: an access faults' },
  { bit: 1, name: 'R/W', one: 'writes allowed', zero: 'read-only' },
  { bit: 2, name: 'U/S', one: 'user mode may access', zero: 'supervisor only' },
  { bit: 3, name: 'PWT', one: 'write-through', zero: 'not write-through' },
  { bit: 4, name: 'PCD', one: 'cache disabled', zero: 'cacheable' },
  { bit: 5, name: 'A', one: 'accessed', zero: 'not accessed yet' },
  { bit: 6, name: 'D', one: 'written (of an entry that maps a page)', zero: 'not written yet' },
  { bit: 7, name: 'PS', one: 'maps a large page (PAT in a PTE)', zero: 'refers to a table (or maps 4 KiB)' },
  { bit: 8, name: 'G', one: 'global', zero: 'not global' },
];
const GUEST_HIGH: readonly Bit[] = [{ bit: 63, name: 'XD', one: 'no instruction fetches', zero: 'fetches allowed' }];
const EPT: readonly Bit[] = [
  { bit: 0, name: 'R', one: 'reads allowed', zero: 'reads exit' },
  { bit: 1, name: 'W', one: 'writes allowed', zero: 'writes exit' },
  { bit: 2, name: 'X', one: 'fetches allowed', zero: 'fetches exit' },
  { bit: 7, name: 'PS', one: 'maps a large page', zero: 'refers to a table (or maps 4 KiB)' },
  { bit: 8, name: 'A', one: 'accessed', zero: 'not accessed yet' },
  { bit: 9, name: 'D', one: 'written', zero: 'not written yet' },
];
const MEMORY_TYPES: Readonly<Record<number, string>> = {
  0: 'uncacheable',
  1: 'write combining',
  4: 'write-through',
  5: 'write-protected',
  6: 'write back',
};

/** Every field of an entry of `table` (`PDE`, `EPT PTE`), `bytes` wide. */
export function entryFields(table: string, entry: bigint, bytes: 4 | 8): readonly EntryField[] {
  const isEpt = table.startsWith('EPT ');
  const bits = isEpt ? EPT : bytes === 8 ? [...GUEST, ...GUEST_HIGH] : GUEST;
  const fields = bits.map(({ bit, name, one, zero }): EntryField => {
    const isSet = ((entry >> BigInt(bit)) & 1n) === 1n;
    return { name, bits: String(bit), value: isSet ? '1' : '0', meaning: isSet ? one : zero };
  });
  const address = entry & (bytes === 8 ? 0x000f_ffff_ffff_f000n : 0xffff_f000n);
  if (isEpt && (table === 'EPT PTE' || ((entry >> 7n) & 1n) === 1n)) {
    const type = Number((entry >> 3n) & 7n);
    fields.push({ name: 'memory type', bits: '5:3', value: String(type), meaning: MEMORY_TYPES[type] ?? 'reserved' });
  }
  fields.push({
    name: 'address',
    bits: bytes === 8 ? '51:12' : '31:12',
    value: `0x${address.toString(16)}`,
    meaning: isEpt ? 'physical' : 'guest-physical',
  });
  return fields;
}
