/** What the guest's page tables or the EPT map, for the wire. The work of one answer is bounded; `next` tells where to go on. */
import { STATE } from '../../cpu/layout';
import { scanEpt, scanPageTables } from '../../cpu/paging/mappings';
import type { Mapping, MappingScan, TableReader } from '../../cpu/paging/mappings';
import type { ProcessorState } from '../../cpu/state';
import type { Machine } from '../../machine/machine';
import type { AddressSpace, Hex } from '../../protocol/address';
import type { MappedRange, MappingsAnswer, MappingsQuery } from '../../protocol/mappings';
import { notAnAddress, outOfRange } from './errors';

const DEFAULT_COUNT = 1000;
const MAX_COUNT = 10_000;
/** Entries that one answer looks at: about 2000 tables. */
const MAX_ENTRIES = 1 << 20;
const FOUR_GIB = 1n << 32n;

const hex = (value: bigint): Hex => `0x${value.toString(16)}`;

/** Whose tables are listed. */
export interface MappedGuest {
  readonly state: ProcessorState;
  /** Bytes of guest-physical memory. */
  readonly memoryBytes: number;
  /** Up to `length` bytes. */
  read(space: AddressSpace, address: bigint, length: number): Uint8Array;
}

/** Lists ranges from `start` on. Throws UserErrors: not an address, a count out of range. */
export function mappingsAnswer(machine: Machine, query: MappingsQuery): MappingsAnswer {
  return machine.asGuest(() =>
    mappingsOf(
      {
        state: machine.state,
        memoryBytes: machine.memory.size,
        read: (space, address, length) => machine.readMemory(space, address, length),
      },
      query,
    ),
  );
}

/** The same of any guest, whose state shows it. */
export function mappingsOf(guest: MappedGuest, { space, start = '0x0', count }: MappingsQuery): MappingsAnswer {
  const first = addressOf(start);
  const ranges = count ?? DEFAULT_COUNT;
  if (!Number.isInteger(ranges) || ranges < 1 || ranges > MAX_COUNT) throw outOfRange('count', ranges, 1, MAX_COUNT);
  const limits = { ranges, entries: MAX_ENTRIES };
  const { state, memoryBytes } = guest;
  if (space === 'linear') {
    const found = scanPageTables(state, reader(guest, 'guestPhysical'), first, limits);
    const note = 'Paging is off: linear addresses are guest-physical addresses.';
    return found ? answer(found) : identity(first, FOUR_GIB, note, true);
  }
  const root = state.word(STATE.eptRoot);
  if (root !== 0) return answer(scanEpt(root, reader(guest, 'physical'), first, limits));
  const note = "There is no EPT: guest-physical addresses are the machine's own.";
  return identity(first, BigInt(memoryBytes), note, undefined);
}

function addressOf(text: string): bigint {
  if (!/^0x[0-9a-f]{1,16}$/i.test(text)) throw notAnAddress(text);
  return BigInt(text);
}

function reader(guest: MappedGuest, space: AddressSpace): TableReader {
  return (address, bytes) => {
    const found = guest.read(space, BigInt(address), bytes);
    return found.length === bytes ? new DataView(found.buffer, found.byteOffset, bytes) : undefined;
  };
}

function answer({ mappings, next }: MappingScan): MappingsAnswer {
  return { ranges: mappings.map(range), ...(next !== undefined && { next: hex(next) }) };
}

function range({ start, end, target, user, global, ...rest }: Mapping): MappedRange {
  return {
    start: hex(start),
    end: hex(end),
    target: hex(target),
    ...rest,
    ...(user !== undefined && { user }),
    ...(global !== undefined && { global }),
  };
}

/** Everything below `end` is mapped to itself. */
function identity(first: bigint, end: bigint, note: string, user: boolean | undefined): MappingsAnswer {
  if (first >= end) return { ranges: [], note };
  const whole = { start: 0n, end, target: 0n, pageBytes: Number(end), read: true, write: true, execute: true };
  return { ranges: [range({ ...whole, user, global: undefined })], note };
}
