/**
 * `vmxray/walk`: from a linear or guest-physical address to the machine's physical memory, with every paging-structure
 * entry on the way. A linear address under EPT gives the whole two-dimensional walk: before each guest entry the EPT
 * levels that lead to its table, and at the end those of the final address. Source of names: SDM Vol. 3A chapter 4,
 * Vol. 3C 29.3.
 */
import type { Access, Hex } from './address';

/** Arguments of `vmxray/walk`. */
export interface WalkArguments {
  readonly address: Hex;
  readonly space: 'linear' | 'guestPhysical';
  /** The vCPU; the first one if left out. */
  readonly threadId?: number;
  /** Which access to check; `read` if left out. */
  readonly access?: Access;
}

/** One paging-structure entry that the walk used. */
export interface WalkLevel {
  /** The SDM's name of the entry: `PML4E`, `PDPTE`, `PDE`, `PTE`, the same with `EPT ` before it. */
  readonly table: string;
  /** The space of `entryAddress`: always the machine's own memory, so that `physical:` reads back `entry`. */
  readonly space: 'physical';
  /** Index of the entry in its table. */
  readonly index: number;
  /** Physical address of the entry's first byte; absent for PAE's PDPTEs, which are registers, and if not mapped. */
  readonly entryAddress?: Hex;
  /** For an entry of the guest's tables: its guest-physical address. */
  readonly guestEntryAddress?: Hex;
  /** The raw entry, 32 or 64 bits. */
  readonly entry: Hex;
  /** Width of the entry in bytes. */
  readonly entryBytes: 4 | 8;
  /** Bytes that the entry maps, for one that maps a page. */
  readonly pageBytes?: number;
  /** The entry's flags that are 1, by the SDM's short names (`P`, `R/W`, `U/S`, `A`, `D`, `PS`, `XD`; EPT: `R`, `W`, `X`). */
  readonly bits: readonly string[];
}

/** What all levels together allow. */
export interface WalkPermission {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** User-mode accesses too; absent for guest-physical walks. */
  readonly user?: boolean;
}

/** Why the access would fault or exit. */
export interface WalkFault {
  /** `page fault`, `EPT violation`, `EPT misconfiguration`, or what else stands in the way. */
  readonly kind: string;
  /** Index in `levels` of the entry that is to blame; absent when no entry is. */
  readonly level?: number;
  /** The bit or rule that causes it: `P`, `R/W`, `U/S`, `XD`, `reserved`, `SMEP`, `SMAP`, `read`, `write`, `execute`. */
  readonly bit: string;
  /** One phrase for people. */
  readonly text: string;
}

/** Answer of `vmxray/walk`. What was not reached is absent. */
export interface WalkAnswer {
  readonly levels: readonly WalkLevel[];
  readonly permission?: WalkPermission;
  readonly guestPhysical?: Hex;
  readonly physical?: Hex;
  readonly fault?: WalkFault;
}
