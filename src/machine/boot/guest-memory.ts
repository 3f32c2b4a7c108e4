/** The memory that loaders write into. */

/** RAM as a loader sees it: zero everywhere before the load, so that loaders write no zeros (BSS). */
export interface GuestMemory {
  /** Bytes of RAM; guest-physical addresses run from 0 to `size` - 1. */
  readonly size: number;
  /** Copies `bytes` to `guestPhysical`. Loaders never pass a range that leaves [0, size). */
  write(guestPhysical: number, bytes: Uint8Array): void;
}
