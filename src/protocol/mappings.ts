/** `vmxray/mappings` and `vmxray/memoryMap`: what the page tables or the EPT map, and what guest-physical memory holds. */
import type { Hex } from './address';

/** What to list: the guest's page tables (`linear`) or the EPT (`guestPhysical`). */
export interface MappingsQuery {
  readonly space: 'linear' | 'guestPhysical';
  /** The first address of interest; 0 if left out. */
  readonly start?: Hex;
  /** Most ranges to give; 1000 if left out, 10,000 at most. */
  readonly count?: number;
}

/** Arguments of `vmxray/mappings`. */
export interface MappingsArguments extends MappingsQuery {
  readonly threadId?: number;
}

/** Neighbouring pages with equal permissions whose targets follow one another. */
export interface MappedRange {
  readonly start: Hex;
  /** First address behind the range; 0x10000000000000000 for one that reaches the top. */
  readonly end: Hex;
  /** Guest-physical (of page tables) or physical (of the EPT) address of `start`. */
  readonly target: Hex;
  /** Size of the pages in bytes; neighbours of different sizes are separate ranges. */
  readonly pageBytes: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** User mode may access it; absent for the EPT. */
  readonly user?: boolean;
  readonly global?: boolean;
}

/** Answer of `vmxray/mappings`. */
export interface MappingsAnswer {
  readonly ranges: readonly MappedRange[];
  /** Where to go on, if there is more. */
  readonly next?: Hex;
  /** A sentence on what no range says: paging is off, or there is no EPT. */
  readonly note?: string;
}

/** One part of guest-physical memory. */
export interface MemoryRegion {
  readonly start: Hex;
  /** First address behind it. */
  readonly end: Hex;
  /** `RAM`, `firmware`, `device`, `none`. */
  readonly kind: string;
  /** `Local APIC`, `ACPI tables`. */
  readonly name: string;
}

/** How much of guest RAM the EPT maps, and how much of that has been written, in blocks from address 0 on. */
export interface EptBlocks {
  readonly blockBytes: number;
  /** Pages of a block: 4 KiB each. */
  readonly pagesOfBlock: number;
  /** Pages of each block that the EPT maps. */
  readonly mapped: readonly number[];
  /** Pages of each block whose entry has the dirty flag. */
  readonly written: readonly number[];
}

/** Answer of `vmxray/memoryMap`. */
export interface MemoryMapAnswer {
  readonly regions: readonly MemoryRegion[];
  /** Absent where there is no EPT of ours. */
  readonly ept?: EptBlocks;
}
