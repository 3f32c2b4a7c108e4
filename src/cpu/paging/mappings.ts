/**
 * What paging structures map, as ranges in ascending order: neighbouring pages with equal permissions whose targets follow
 * one another are one range. The work of one call is bounded whatever the tables hold (they may point to themselves);
 * nothing is changed, no accessed or dirty flag set.
 *
 * Source: SDM Vol. 3A 4.3 (32-bit paging), 4.4 (PAE), 4.5 (4-level), Vol. 3C 29.3.2 (EPT).
 */
import { PAGING, STATE } from '../layout';
import type { ProcessorState } from '../state';
import { entryTarget, guestEntryIsReserved, isEptEntryMisconfigured } from './inspect';

/** One range. Addresses are unsigned; linear ones of 4-level paging are sign-extended. */
export interface Mapping {
  readonly start: bigint;
  /** First address behind the range; 2^64 for one that reaches the top. */
  readonly end: bigint;
  /** Where `start` is mapped to. */
  readonly target: bigint;
  readonly pageBytes: number;
  readonly read: boolean;
  /** Of page tables: by the supervisor, CR0.WP considered, as in `inspectLinear`. */
  readonly write: boolean;
  readonly execute: boolean;
  /** Undefined for the EPT. */
  readonly user: boolean | undefined;
  readonly global: boolean | undefined;
}

/** Ranges, and the address to go on from if there may be more. */
export interface MappingScan {
  readonly mappings: readonly Mapping[];
  readonly next: bigint | undefined;
}

/** Reads a table of up to 4096 bytes in the space that its entries are in; undefined where there is no memory. */
export type TableReader = (address: number, bytes: number) => DataView | undefined;

/** How far one call may go. */
export interface ScanLimits {
  /** Most ranges. */
  readonly ranges: number;
  /** Most entries to look at. */
  readonly entries: number;
}

/** What all levels down to an entry allow. */
interface Rights {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  readonly user: boolean | undefined;
}

/** One kind of paging structure. Level 0 is the lowest. */
interface Structure {
  readonly top: number;
  readonly entryBytes: 4 | 8;
  readonly indexBits: 9 | 10;
  /** Entries of the table at the top level. */
  readonly topEntries: number;
  readonly isPresent: (low: number) => boolean;
  /** True for an entry that the processor would fault on. */
  readonly isBad: (entry: bigint, level: number, isPage: boolean) => boolean;
  readonly canMap: (level: number) => boolean;
  readonly rights: (entry: bigint, level: number) => Rights;
  readonly isGlobal: (entry: bigint) => boolean | undefined;
  readonly target: (entry: bigint, level: number) => bigint;
  /** Sign-extends the address. */
  readonly canonical: boolean;
}

const ALL: Rights = { read: true, write: true, execute: true, user: true };
const LARGE = 0x80n;
const CANONICAL_HALF = 2 ** 47;
const ADDRESS_BITS = 48n;

/** Walks one structure; made for one call. */
class Scan {
  readonly mappings: Mapping[] = [];
  next: number | undefined;
  private open: (Mapping & { readonly low: number; bytes: number }) | undefined;
  private entries = 0;

  constructor(
    private readonly structure: Structure,
    private readonly read: TableReader,
    private readonly start: number,
    private readonly limits: ScanLimits,
  ) {}

  /** Everything that `table`, whose first entry translates `base`, maps from `start` on; false when a limit is reached. */
  table(level: number, table: number | DataView, base: number, inherited: Rights): boolean {
    const { entryBytes, indexBits, top, topEntries } = this.structure;
    const count = level === top ? topEntries : 2 ** indexBits;
    const view = typeof table === 'number' ? this.read(table, count * entryBytes) : table;
    if (!view) return true;
    const span = 2 ** (12 + indexBits * level);
    const first = Math.max(0, Math.floor((this.start - base) / span));
    for (let index = first; index < count; index++) {
      const low = view.getUint32(index * entryBytes, true);
      const at = base + index * span;
      if (++this.entries > this.limits.entries) return this.stop(at);
      if (!this.structure.isPresent(low)) continue;
      const entry = entryBytes === 4 ? BigInt(low) : view.getBigUint64(index * 8, true);
      if (!this.entry(level, entry, at, inherited)) return false;
    }
    return true;
  }

  /** The rest of the last range. */
  finish(): void {
    if (!this.open) return;
    const { low, bytes, ...mapping } = this.open;
    this.mappings.push({ ...mapping, end: this.address(low) + BigInt(bytes) });
    this.open = undefined;
  }

  private entry(level: number, entry: bigint, at: number, inherited: Rights): boolean {
    const { structure } = this;
    const isPage = level === 0 || (structure.canMap(level) && (entry & LARGE) !== 0n);
    if (structure.isBad(entry, level, isPage)) return true;
    const own = structure.rights(entry, level);
    const rights: Rights = {
      read: inherited.read && own.read,
      write: inherited.write && own.write,
      execute: inherited.execute && own.execute,
      user: own.user === undefined ? undefined : inherited.user === true && own.user,
    };
    const target = structure.target(entry, isPage ? level : -1);
    return isPage ? this.page(level, entry, at, target, rights) : this.table(level - 1, Number(target), at, rights);
  }

  private page(level: number, entry: bigint, at: number, target: bigint, rights: Rights): boolean {
    const { structure, open } = this;
    const pageBytes = 2 ** (12 + structure.indexBits * level);
    const global = structure.isGlobal(entry);
    if (open && continues(open, at, target, pageBytes, rights, global)) {
      open.bytes += pageBytes;
      return true;
    }
    this.finish();
    if (this.mappings.length === this.limits.ranges) return this.stop(at);
    this.open = { start: this.address(at), end: 0n, target, pageBytes, ...rights, global, low: at, bytes: pageBytes };
    return true;
  }

  private stop(at: number): false {
    this.next = at;
    return false;
  }

  address(low: number): bigint {
    return this.structure.canonical ? BigInt.asUintN(64, BigInt.asIntN(48, BigInt(low))) : BigInt(low);
  }
}

function continues(
  open: Mapping & { readonly low: number; readonly bytes: number },
  at: number,
  target: bigint,
  pageBytes: number,
  { read, write, execute, user }: Rights,
  global: boolean | undefined,
): boolean {
  const isNext = open.low + open.bytes === at && at !== CANONICAL_HALF && open.target + BigInt(open.bytes) === target;
  const isAlike = open.read === read && open.write === write && open.execute === execute;
  return isNext && isAlike && open.pageBytes === pageBytes && open.user === user && open.global === global;
}

function scan(
  structure: Structure,
  read: TableReader,
  root: number | DataView,
  start: number,
  limits: ScanLimits,
): MappingScan {
  const run = new Scan(structure, read, start, limits);
  run.table(structure.top, root, 0, ALL);
  run.finish();
  return { mappings: run.mappings, next: run.next === undefined ? undefined : run.address(run.next) };
}

/** The structure that the guest's page tables have at the moment. Its paging is on. */
function guestStructure(state: ProcessorState): Structure {
  const paging = state.word(STATE.paging);
  const mode = paging & PAGING.modeMask;
  const checksWrite = (paging & PAGING.writeProtect) !== 0;
  const hasXd = mode !== 1 && (paging & PAGING.noExecute) !== 0;
  const isRegister = (level: number): boolean => mode === 2 && level === 2;
  return {
    top: mode === 1 ? 1 : mode,
    entryBytes: mode === 1 ? 4 : 8,
    indexBits: mode === 1 ? 10 : 9,
    topEntries: mode === 1 ? 1024 : mode === 2 ? 4 : 512,
    isPresent: (low) => (low & 1) !== 0,
    isBad: (entry, level, isPage) => guestEntryIsReserved(entry, paging, level, isPage),
    canMap: (level) => (level === 1 ? mode !== 1 || (paging & PAGING.largePages) !== 0 : level === 2 && mode === 3),
    rights: (entry, level) =>
      isRegister(level)
        ? ALL
        : {
            read: true,
            write: (entry & 2n) !== 0n || !checksWrite,
            execute: !hasXd || entry >> 63n === 0n,
            user: (entry & 4n) !== 0n,
          },
    isGlobal: (entry) => (paging & PAGING.global) !== 0 && (entry & 0x100n) !== 0n,
    target: (entry, level) => entryTarget(entry, mode, level),
    canonical: mode === 3,
  };
}

const EPT_STRUCTURE: Structure = {
  top: 3,
  entryBytes: 8,
  indexBits: 9,
  topEntries: 512,
  isPresent: (low) => (low & 7) !== 0,
  isBad: (entry, level) => isEptEntryMisconfigured(entry, level),
  canMap: (level) => level === 1,
  rights: (entry) => ({
    read: (entry & 1n) !== 0n,
    write: (entry & 2n) !== 0n,
    execute: (entry & 4n) !== 0n,
    user: undefined,
  }),
  isGlobal: () => undefined,
  target: (entry, level) => entryTarget(entry, 3, level),
  canonical: false,
};

/** The first address from `start` on that 4-level paging translates, without the sign extension; undefined if none is. */
function belowHole(start: bigint): number {
  const low = BigInt.asUintN(48, start);
  const isCanonical = BigInt.asUintN(64, BigInt.asIntN(48, low)) === start;
  return isCanonical ? Number(low) : CANONICAL_HALF;
}

/**
 * What the guest's page tables map from linear address `start` on; undefined while paging is off. `state` shows the guest;
 * `read` reads guest-physical memory.
 */
export function scanPageTables(
  state: ProcessorState,
  read: TableReader,
  start: bigint,
  limits: ScanLimits,
): MappingScan | undefined {
  const mode = state.word(STATE.paging) & PAGING.modeMask;
  if (mode === 0) return undefined;
  const cr3 = state.quad(STATE.cr3);
  if (mode !== 3) {
    if (start >> 32n) return { mappings: [], next: undefined };
    // PAE's PDPTEs are registers.
    const root = mode === 2 ? new DataView(state.buffer, STATE.pdpte, 32) : Number(cr3 & 0xfffff000n);
    return scan(guestStructure(state), read, root, Number(start), limits);
  }
  return scan(guestStructure(state), read, Number(cr3 & 0xffffffffff000n), belowHole(start), limits);
}

/** What the EPT at machine address `root` maps from guest-physical `start` on; `read` reads machine memory. */
export function scanEpt(root: number, read: TableReader, start: bigint, limits: ScanLimits): MappingScan {
  if (start >> ADDRESS_BITS) return { mappings: [], next: undefined };
  return scan(EPT_STRUCTURE, read, root, Number(start), limits);
}
