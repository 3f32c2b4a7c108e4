/** A walk of the machine's as the protocol has it. Names of bits: SDM Vol. 3A 4.5 (tables 4-15 to 4-20), Vol. 3C 29.3.2. */
import type { InspectedLevel, InspectedWalk } from '../../cpu/paging/inspect';
import type { Hex } from '../../protocol/address';
import type { WalkAnswer, WalkLevel } from '../../protocol/walk';

const hex = (value: bigint): Hex => `0x${value.toString(16)}`;

/** Bit numbers of an entry of the guest's paging structures. */
const GUEST_BITS: Readonly<Record<string, number>> = { P: 0, 'R/W': 1, 'U/S': 2, PWT: 3, PCD: 4, A: 5, XD: 63 };
/** Those that only an entry that maps a page has. */
const GUEST_PAGE_BITS: Readonly<Record<string, number>> = { D: 6, G: 8 };
/** The same of an EPT entry. */
const EPT_BITS: Readonly<Record<string, number>> = { R: 0, W: 1, X: 2, A: 8 };
const EPT_PAGE_BITS: Readonly<Record<string, number>> = { 'ignore PAT': 6, D: 9 };
const PAGE_SIZE_BIT = 7;
const SMALL_PAGE = 4096;

/** The walk for the wire. */
export function walkAnswer({ levels, permission, guestPhysical, physical, fault }: InspectedWalk): WalkAnswer {
  const { read, write, execute, user } = permission;
  return {
    levels: levels.map(walkLevel),
    ...(!fault && { permission: { read, write, execute, ...(user !== undefined && { user }) } }),
    ...(guestPhysical !== undefined && { guestPhysical: hex(guestPhysical) }),
    ...(physical !== undefined && { physical: hex(physical) }),
    ...(fault && {
      fault: {
        kind: fault.kind,
        ...(fault.level >= 0 && { level: fault.level }),
        bit: fault.cause,
        text: `${fault.kind}: ${levels[fault.level]?.table ?? 'the address'}, ${fault.cause}`,
      },
    }),
  };
}

function walkLevel(level: InspectedLevel): WalkLevel {
  const { table, index, entryAddress, entryPhysical, entry, entryBytes, pageBytes, space } = level;
  return {
    table,
    space: 'physical',
    index,
    ...(entryPhysical !== undefined && { entryAddress: hex(entryPhysical) }),
    ...(space === 'guestPhysical' && { guestEntryAddress: hex(entryAddress) }),
    entry: hex(entry),
    entryBytes,
    ...(pageBytes !== undefined && { pageBytes }),
    bits: setBits(level),
  };
}

function setBits({ table, entry, pageBytes }: InspectedLevel): string[] {
  const isEpt = table.startsWith('EPT ');
  const names = {
    ...(isEpt ? EPT_BITS : GUEST_BITS),
    ...(pageBytes !== undefined && (isEpt ? EPT_PAGE_BITS : GUEST_PAGE_BITS)),
    ...(pageBytes !== undefined && pageBytes > SMALL_PAGE && { PS: PAGE_SIZE_BIT }),
  };
  return Object.entries(names)
    .filter(([, bit]) => ((entry >> BigInt(bit)) & 1n) !== 0n)
    .map(([name]) => name);
}
