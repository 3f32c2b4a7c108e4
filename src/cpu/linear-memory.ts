/**
 * Guest memory by linear address for the processor's TypeScript parts: descriptor tables, stacks, TSS, state images.
 * Implemented by the engine over the emitted walker and TLB. Accesses may cross pages; a store that would fault in its
 * second page changes nothing.
 */

/** How an access counts. */
export interface AccessKind {
  /** Implicit supervisor access: descriptor tables, TSS, event delivery to a lower CPL (SDM Vol. 3A, 4.6.1). */
  readonly system: boolean;
}

export const SYSTEM: AccessKind = { system: true };
/** As the current CPL and EFLAGS.AC say. */
export const CURRENT: AccessKind = { system: false };

/** Throws `GuestFault` (#PF) or `EXIT_SIGNAL` (EPT violation or misconfiguration). Addresses: unsigned 64-bit. */
export interface LinearMemory {
  read8(linear: bigint, kind: AccessKind): number;
  read16(linear: bigint, kind: AccessKind): number;
  read32(linear: bigint, kind: AccessKind): number;
  read64(linear: bigint, kind: AccessKind): bigint;
  write8(linear: bigint, value: number, kind: AccessKind): void;
  write16(linear: bigint, value: number, kind: AccessKind): void;
  write32(linear: bigint, value: number, kind: AccessKind): void;
  write64(linear: bigint, value: bigint, kind: AccessKind): void;
  /** Copies of `length` (at most 4096) bytes. */
  readBytes(linear: bigint, length: number, kind: AccessKind): Uint8Array;
  /** All or nothing: every page is proved before the first byte changes. */
  writeBytes(linear: bigint, bytes: Uint8Array, kind: AccessKind): void;
  /** Proves that `length` bytes can be written (`write`) or read, without touching them. */
  prove(linear: bigint, length: number, write: boolean, kind: AccessKind): void;
  /** Reads 8 bytes at a guest-physical address, through the EPT: PDPTEs. Throws `EXIT_SIGNAL`. */
  readGuestPhysical64(guestPhysical: bigint): bigint;
  /** Forgets all cached translations. */
  flush(): void;
  /** CR3 names another paging structure now, without its low bits; no more than that has changed. */
  changeRoot(left: bigint, entered: bigint): void;
  /** Makes cached block look-ups stale: the code segment's base or limit changed. */
  nextFetch(): void;
}
