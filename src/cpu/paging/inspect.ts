/**
 * Address translation to look at: the walk that the processor would make, level by level, without its side effects (no
 * accessed or dirty flags, no faults, no exits). The emitted walker is the processor's; this one is the debugger's, and
 * a test holds the two against each other.
 *
 * Source: SDM Vol. 3A 4.3 to 4.7, Vol. 3C 28.3.
 */
import { PAGING, STATE } from '../layout';
import type { ProcessorState } from '../state';
import { PHYSICAL_BITS } from './ept-walker';

const ADDRESS = 0x000ffffffffff000n;
const RESERVED = ((1n << 52n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);

/** What the access would be. */
export interface InspectedAccess {
  readonly write: boolean;
  readonly execute: boolean;
  readonly user: boolean;
  /** Only the translation is wanted: what protects user pages from the supervisor does not stop it. */
  readonly unchecked?: boolean;
}

/** One table entry on the way. Addresses and entries are unsigned. */
export interface InspectedLevel {
  /** `PML4E`, `PDPTE`, `PDE`, `PTE`, or the same behind `EPT `. */
  readonly table: string;
  /** Where the entry is: the guest's tables are guest-physical, the EPT's physical. */
  readonly space: 'guestPhysical' | 'physical';
  readonly index: number;
  /** Address of the entry in `space`. */
  readonly entryAddress: bigint;
  /** Physical address of the entry; undefined where guest-physical memory is not mapped there. */
  readonly entryPhysical: bigint | undefined;
  readonly entry: bigint;
  /** Bytes of an entry: 4 with 32-bit paging, else 8. */
  readonly entryBytes: 4 | 8;
  /** Bytes that the entry maps when it maps a page; undefined for an entry that points to a table. */
  readonly pageBytes: number | undefined;
}

/** Why a walk ends without an address. */
export interface InspectedFault {
  readonly kind: 'page fault' | 'EPT violation' | 'EPT misconfiguration' | 'not canonical';
  /** Index into `levels` of the entry to blame; -1 when none. */
  readonly level: number;
  /** The bit or rule: `P`, `R/W`, `U/S`, `XD`, `reserved`, `SMEP`, `SMAP`, `read`, `write`, `execute`. */
  readonly cause: string;
}

export interface InspectedPermission {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** User-mode accesses allowed; undefined for a guest-physical walk. */
  readonly user: boolean | undefined;
}

export interface InspectedWalk {
  readonly levels: readonly InspectedLevel[];
  readonly permission: InspectedPermission;
  readonly guestPhysical: bigint | undefined;
  readonly physical: bigint | undefined;
  readonly fault: InspectedFault | undefined;
}

/** Reads 8 bytes of machine memory; undefined where there is none. */
export type PhysicalReader = (physical: bigint) => bigint | undefined;

interface Progress {
  /** Root of the EPT; 0 when guest-physical addresses are read as they are. */
  readonly eptRoot: number;
  readonly levels: InspectedLevel[];
  fault: InspectedFault | undefined;
  permission: { read: boolean; write: boolean; execute: boolean };
}

const LEVEL_NAMES = ['PTE', 'PDE', 'PDPTE', 'PML4E'];

function eptWalk(read: PhysicalReader, address: bigint, access: InspectedAccess, into: Progress): bigint | undefined {
  const root = into.eptRoot;
  if (root === 0) return address;
  let table = BigInt(root);
  for (let level = 3; level >= 0; level--) {
    const shift = BigInt(12 + 9 * level);
    const index = Number((address >> shift) & 511n);
    const entryAddress = table + BigInt(index * 8);
    const entry = read(entryAddress) ?? 0n;
    const isPage = level === 0 || (level === 1 && (entry & 0x80n) !== 0n);
    into.levels.push({
      table: `EPT ${LEVEL_NAMES[level]}`,
      space: 'physical',
      index,
      entryAddress,
      entryPhysical: entryAddress,
      entry,
      entryBytes: 8,
      pageBytes: isPage ? 2 ** (12 + 9 * level) : undefined,
    });
    const at = into.levels.length - 1;
    const fail = (kind: InspectedFault['kind'], cause: string): undefined => {
      into.fault ??= { kind, level: at, cause };
      return undefined;
    };
    if ((entry & 7n) === 0n) return fail('EPT violation', 'not present');
    if (isEptEntryMisconfigured(entry, level)) return fail('EPT misconfiguration', 'reserved');
    into.permission.read &&= (entry & 1n) !== 0n;
    into.permission.write &&= (entry & 2n) !== 0n;
    into.permission.execute &&= (entry & 4n) !== 0n;
    if (!access.execute && !(entry & 1n)) return fail('EPT violation', 'read');
    if (access.write && !(entry & 2n)) return fail('EPT violation', 'write');
    if (access.execute && !(entry & 4n)) return fail('EPT violation', 'execute');
    if (isPage) {
      const mask = (1n << shift) - 1n;
      return (entry & ADDRESS & ~mask) | (address & mask);
    }
    table = entry & ADDRESS;
  }
  return undefined;
}

/** Walks a guest-physical address through the EPT. */
export function inspectGuestPhysical(
  state: ProcessorState,
  read: PhysicalReader,
  address: bigint,
  access: InspectedAccess,
): InspectedWalk {
  const into = begin(state.word(STATE.eptRoot));
  const physical = eptWalk(read, address, access, into);
  return {
    levels: into.levels,
    permission: { ...into.permission, user: undefined },
    guestPhysical: address,
    physical,
    fault: into.fault,
  };
}

function begin(eptRoot: number): Progress {
  return { eptRoot, levels: [], fault: undefined, permission: { read: true, write: true, execute: true } };
}

/**
 * Walks a linear address through the guest's tables and the EPT. With `eptRoot` 0 it stays in guest-physical memory, and
 * `read` takes guest-physical addresses: that finds memory for which the EPT has no entry yet.
 */
export function inspectLinear(
  state: ProcessorState,
  read: PhysicalReader,
  linear: bigint,
  access: InspectedAccess,
  eptRoot = state.word(STATE.eptRoot),
): InspectedWalk {
  const into = begin(eptRoot);
  let user = true;
  const done = (guestPhysical: bigint | undefined, physical: bigint | undefined): InspectedWalk => ({
    levels: into.levels,
    permission: { ...into.permission, user },
    guestPhysical,
    physical,
    fault: into.fault,
  });
  const paging = state.word(STATE.paging);
  const mode = paging & PAGING.modeMask;
  if (mode === 0) return done(linear, eptWalk(read, linear, access, into));
  if (mode === 3 && BigInt.asUintN(64, BigInt.asIntN(48, linear)) !== linear) {
    into.fault = { kind: 'not canonical', level: -1, cause: 'bits 63-47' };
    return done(undefined, undefined);
  }
  const entryBytes = mode === 1 ? 4 : 8;
  const indexBits = mode === 1 ? 10n : 9n;
  const cr3 = state.quad(STATE.cr3);
  let table = mode === 1 ? cr3 & 0xfffff000n : mode === 2 ? cr3 & 0xffffffe0n : cr3 & ADDRESS;
  const top = mode === 3 ? 3 : mode === 2 ? 2 : 1;
  for (let level = top; level >= 0; level--) {
    const shift = 12n + indexBits * BigInt(level);
    const isPdpteRegister = mode === 2 && level === 2;
    const index = Number((linear >> shift) & (isPdpteRegister ? 3n : (1n << indexBits) - 1n));
    const entryAddress = table + BigInt(index * entryBytes);
    // The PAE registers were loaded with CR3: what they hold counts, not what memory says now.
    const entryPhysical = isPdpteRegister
      ? undefined
      : eptWalk(read, entryAddress, { write: false, execute: false, user: false }, into);
    const raw = isPdpteRegister
      ? state.quad(STATE.pdpte + index * 8)
      : entryPhysical === undefined
        ? undefined
        : readEntry(read, entryPhysical, entryBytes);
    if (raw === undefined) return done(undefined, undefined);
    const canBeLarge = level === 1 ? mode !== 1 || (paging & PAGING.largePages) !== 0 : level === 2 && mode === 3;
    const isPage = level === 0 || (canBeLarge && (raw & 0x80n) !== 0n);
    into.levels.push({
      table: LEVEL_NAMES[level]!,
      space: 'guestPhysical',
      index,
      entryAddress,
      entryPhysical,
      entry: raw,
      entryBytes,
      pageBytes: isPage ? 2 ** Number(shift) : undefined,
    });
    const at = into.levels.length - 1;
    const fail = (cause: string): InspectedWalk => {
      into.fault ??= { kind: 'page fault', level: at, cause };
      return done(undefined, undefined);
    };
    if (!(raw & 1n)) return fail('P');
    if (guestEntryIsReserved(raw, paging, level, isPage)) return fail('reserved');
    if (!isPdpteRegister) {
      into.permission.write &&= (raw & 2n) !== 0n || (!access.user && !(paging & PAGING.writeProtect));
      user &&= (raw & 4n) !== 0n;
      if (mode !== 1 && raw >> 63n && paging & PAGING.noExecute) into.permission.execute = false;
      if (access.user && !(raw & 4n)) return fail('U/S');
      if (access.write && !(raw & 2n) && (access.user || paging & PAGING.writeProtect)) return fail('R/W');
      if (access.execute && mode !== 1 && raw >> 63n && paging & PAGING.noExecute) return fail('XD');
    }
    if (!isPage) {
      table = entryTarget(raw, mode, -1);
      continue;
    }
    if (user && !access.user && access.execute && paging & PAGING.smep) return fail('SMEP');
    if (
      user &&
      !access.user &&
      !access.unchecked &&
      !access.execute &&
      paging & PAGING.smap &&
      !(state.word(STATE.eflags) & 0x40000)
    )
      return fail('SMAP');
    const mask = (1n << shift) - 1n;
    const guestPhysical = entryTarget(raw, mode, level) | (linear & mask);
    return done(guestPhysical, eptWalk(read, guestPhysical, access, into));
  }
  return done(undefined, undefined);
}

function readEntry(read: PhysicalReader, physical: bigint, bytes: 4 | 8): bigint | undefined {
  const quad = read(physical & ~7n);
  if (quad === undefined || bytes === 8) return quad;
  return physical & 4n ? quad >> 32n : quad & 0xffffffffn;
}

/** True for a present EPT entry of `level` (0 the lowest) whose use is an EPT misconfiguration. SDM Vol. 3C 29.3.3.1. */
export function isEptEntryMisconfigured(entry: bigint, level: number): boolean {
  return (entry & 3n) === 2n || (entry & RESERVED) !== 0n || (level > 1 && (entry & 0x80n) !== 0n);
}

/**
 * Where an entry of the guest's tables points in paging mode `mode` (`PAGING.modeMask`): the next table with `level` -1,
 * else the page that an entry of that level (0 the lowest) maps. Guest-physical. SDM Vol. 3A tables 4-4 to 4-20.
 */
export function entryTarget(entry: bigint, mode: number, level: number): bigint {
  if (mode === 1) return level === 1 ? (entry & 0xffc00000n) | (((entry >> 13n) & 0x7fn) << 32n) : entry & 0xfffff000n;
  const offset = level < 0 ? 0n : (1n << (12n + 9n * BigInt(level))) - 1n;
  return entry & ADDRESS & ~offset;
}

/** True for a present entry of the guest's tables that has a reserved bit set under the paging word `paging`. */
export function guestEntryIsReserved(entry: bigint, paging: number, level: number, isPage: boolean): boolean {
  const mode = paging & PAGING.modeMask;
  if (mode === 1) return isPage && level === 1 && (entry & 0x200000n) !== 0n;
  if (mode === 2 && level === 2) return false; // checked when CR3 was loaded
  let reserved = RESERVED | (mode === 2 ? 0x7ffn << 52n : 0n);
  if (!(paging & PAGING.noExecute)) reserved |= 1n << 63n;
  if (isPage && level > 0) reserved |= ((1n << (12n + 9n * BigInt(level))) - 1n) & ~0x1fffn;
  if (level === 3) reserved |= 0x80n;
  return (entry & reserved) !== 0n;
}
