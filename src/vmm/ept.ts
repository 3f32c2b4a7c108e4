/**
 * Builds and reads the extended page tables: four levels in machine memory in the SDM's format, 4 KiB and 2 MiB pages,
 * all memory write-back. Source: SDM Vol. 3C 29.3.2 (tables 29-1 to 29-7).
 *
 * Every store goes through physical memory's door, so that translations made from a changed entry vanish at once; no
 * INVEPT is needed.
 *
 * NOT IMPLEMENTED: 1 GiB pages (the processor has none).
 */
import { assert } from '../common/assert';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import { LARGE_PAGE, PAGES_PER_LARGE } from './memory';
import type { PageAllocator } from './memory';

/** Bits of an EPT entry. */
export const EPT = {
  READ: 1n,
  WRITE: 2n,
  EXECUTE: 4n,
  ALL: 7n,
  WRITE_BACK: 6n << 3n,
  LARGE: 1n << 7n,
  ACCESSED: 1n << 8n,
  DIRTY: 1n << 9n,
} as const;

const ADDRESS = 0x000f_ffff_ffff_f000n;
/** Bits of EPTP (SDM table 25-9): write-back, a walk of 4 levels, accessed and dirty flags. */
const EPTP_WRITE_BACK = 6;
const EPTP_WALK_4 = 3 << 3;
const EPTP_ACCESSED_DIRTY = 1 << 6;

/** An entry of the EPT and where it lies. */
export interface EptEntry {
  /** 4 EPT PML4E, 3 EPT PDPTE, 2 EPT PDE, 1 EPT PTE. */
  readonly level: number;
  /** Physical address of the entry. */
  readonly address: number;
  readonly value: bigint;
}

/** Bytes that an entry of a level maps. */
const ENTRY_SPAN = [0, 2 ** 12, 2 ** 21, 2 ** 30, 2 ** 39];

const indexOf = (guestPhysical: number, level: number): number => Math.floor(guestPhysical / ENTRY_SPAN[level]!) % 512;

/** One EPT paging-structure hierarchy. */
export class Ept {
  /** Physical address of the EPT PML4 table. */
  readonly root: number;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly pages: PageAllocator,
    /** Physical address of an existing hierarchy, for a restored machine. */
    root?: number,
  ) {
    this.root = root ?? this.newTable();
  }

  /** The value for the EPTP field. */
  get pointer(): number {
    return this.root + EPTP_WRITE_BACK + EPTP_WALK_4 + EPTP_ACCESSED_DIRTY;
  }

  /** Maps one 4 KiB page with `permissions` (`EPT.READ` to `EPT.EXECUTE`). A 2 MiB page there must be split before. */
  map4k(guestPhysical: number, physical: number, permissions: bigint = EPT.ALL): void {
    const address = this.slot(guestPhysical, 1);
    this.memory.write64(address, BigInt(physical) | permissions | EPT.WRITE_BACK);
  }

  /** Maps 2 MiB; both addresses are multiples of 2 MiB. A table below is released. */
  map2m(guestPhysical: number, physical: number, permissions: bigint = EPT.ALL): void {
    assert(guestPhysical % LARGE_PAGE === 0 && physical % LARGE_PAGE === 0, 'a 2 MiB page is aligned');
    const address = this.slot(guestPhysical, 2);
    const old = this.memory.read64(address);
    this.memory.write64(address, BigInt(physical) | permissions | EPT.WRITE_BACK | EPT.LARGE);
    if (isTable(old)) this.pages.release(Number(old & ADDRESS));
  }

  /** Makes the page (4 KiB or 2 MiB) at `guestPhysical` not present; nothing happens if it is not mapped. */
  unmap(guestPhysical: number): void {
    const entry = this.leaf(guestPhysical);
    if (entry) this.memory.write64(entry.address, 0n);
  }

  /** Sets the permissions of the mapped page at `guestPhysical`. */
  protect(guestPhysical: number, permissions: bigint): void {
    const entry = this.leaf(guestPhysical);
    assert(entry, 'only a mapped page has permissions');
    this.memory.write64(entry.address, (entry.value & ~EPT.ALL) | permissions);
  }

  /** Replaces the 2 MiB page at `guestPhysical` by 512 pages of 4 KiB with the same permissions and flags. */
  split(guestPhysical: number): void {
    const entry = this.leaf(guestPhysical);
    if (entry?.level !== 2) return;
    const table = this.newTable();
    const bits = entry.value & ~EPT.LARGE & ~ADDRESS;
    const first = entry.value & ADDRESS;
    for (let i = 0; i < PAGES_PER_LARGE; i++) this.memory.write64(table + i * 8, (first + BigInt(i * PAGE)) | bits);
    this.memory.write64(entry.address, BigInt(table) | EPT.ALL | (entry.value & EPT.ACCESSED));
  }

  /**
   * Replaces 512 pages of 4 KiB by one of 2 MiB if they lie side by side in aligned memory with equal permissions, and
   * says whether it did. Accessed and dirty flags are those of any.
   */
  merge(guestPhysical: number): boolean {
    const address = this.entry(guestPhysical, 2)?.address;
    const table = address === undefined ? 0n : this.memory.read64(address);
    if (address === undefined || !isTable(table)) return false;
    const at = Number(table & ADDRESS);
    const first = this.memory.read64(at);
    const permissions = first & EPT.ALL;
    let flags = 0n;
    if (permissions === 0n || Number(first & ADDRESS) % LARGE_PAGE !== 0) return false;
    for (let i = 0; i < PAGES_PER_LARGE; i++) {
      const entry = this.memory.read64(at + i * 8);
      if ((entry & EPT.ALL) !== permissions || (entry & ADDRESS) !== (first & ADDRESS) + BigInt(i * PAGE)) return false;
      flags |= entry & (EPT.ACCESSED | EPT.DIRTY);
    }
    this.map2m(guestPhysical - (guestPhysical % LARGE_PAGE), Number(first & ADDRESS), permissions);
    this.memory.write64(address, this.memory.read64(address) | flags);
    return true;
  }

  /** The entries that translate `guestPhysical`, from the EPT PML4E to the first that is not present or a leaf. */
  walk(guestPhysical: number): EptEntry[] {
    const path: EptEntry[] = [];
    for (let table = this.root, level = 4; level > 0; level--) {
      const address = table + indexOf(guestPhysical, level) * 8;
      const value = this.memory.read64(address);
      path.push({ level, address, value });
      if ((value & EPT.ALL) === 0n || level === 1 || value & EPT.LARGE) break;
      table = Number(value & ADDRESS);
    }
    return path;
  }

  /** The leaf that maps `guestPhysical`, or undefined if it is not mapped. */
  leaf(guestPhysical: number): EptEntry | undefined {
    const last = this.walk(guestPhysical).at(-1)!;
    const isLeaf = last.level === 1 || (last.value & EPT.LARGE) !== 0n;
    return isLeaf && (last.value & EPT.ALL) !== 0n ? last : undefined;
  }

  /** The physical address of `guestPhysical`, or undefined if it is not mapped. Sets no flags. */
  translate(guestPhysical: number): number | undefined {
    const leaf = this.leaf(guestPhysical);
    if (!leaf) return undefined;
    return Number(leaf.value & ADDRESS) + (guestPhysical % (leaf.level === 2 ? LARGE_PAGE : PAGE));
  }

  private entry(guestPhysical: number, level: number): EptEntry | undefined {
    return this.walk(guestPhysical).find((entry) => entry.level === level);
  }

  /** Address of the entry of `level`, its tables made as needed. */
  private slot(guestPhysical: number, level: number): number {
    let table = this.root;
    for (let at = 4; at > level; at--) {
      const address = table + indexOf(guestPhysical, at) * 8;
      let value = this.memory.read64(address);
      assert((value & EPT.LARGE) === 0n || at > 2, 'a 2 MiB page is split before its parts are mapped');
      if ((value & EPT.ALL) === 0n) {
        value = BigInt(this.newTable()) | EPT.ALL;
        this.memory.write64(address, value);
      }
      table = Number(value & ADDRESS);
    }
    return table + indexOf(guestPhysical, level) * 8;
  }

  private newTable(): number {
    const page = this.pages.allocate();
    this.memory.write(page, new Uint8Array(PAGE));
    return page;
  }
}

function isTable(entry: bigint): boolean {
  return (entry & EPT.ALL) !== 0n && (entry & EPT.LARGE) === 0n;
}
