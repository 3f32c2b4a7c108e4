/**
 * How the machine's one WebAssembly memory is divided, lowest part first. The memory has its full size from the start
 * and never grows, so that typed arrays over it stay valid and an access check can rely on its size. Physical memory comes
 * last and everything before it has room for the most, so that code which is made for one machine serves all sizes.
 */

/** Bytes per page of guest, machine and host memory alike. */
export const PAGE = 4096;

/** Host byte offsets of the parts. */
export interface MemoryPlan {
  /** Processor state, in its first 64 KiB. */
  readonly state: number;
  /** TLB sets. */
  readonly tlb: number;
  /** u32 lists of filled TLB entries (host offsets), one per TLB set, `TLB_LIST_BYTES` each. */
  readonly tlbList: number;
  /** u32 lists of physical pages marked as paging structures, one per TLB set, and of those marked as EPT structures. */
  readonly markedList: number;
  /** EPT cache (`ept-cache.ts`). */
  readonly eptCache: number;
  /** Jump cache: linear address to block. */
  readonly jumpCache: number;
  /** Block table: host code address and mode to block. */
  readonly blockTable: number;
  /** Decoded entries. */
  readonly arena: number;
  readonly arenaEnd: number;
  /** One flag byte per physical page. */
  readonly pageFlags: number;
  /** u32 per physical page: the TLB entry through which it is written, `NO_WRITER`, or `SEVERAL_WRITERS`. */
  readonly writers: number;
  /** Physical address 0. */
  readonly physical: number;
  /** Bytes of physical memory, a multiple of the page size. */
  readonly physicalBytes: number;
  /** Size of the whole, in WebAssembly pages of 64 KiB. */
  readonly wasmPages: number;
}

/** Entries of the jump cache, 32 bytes each (`JUMP_BYTES`), and of the block table, 16 bytes each. */
export const JUMP_CACHE_ENTRIES = 1 << 15;
export const BLOCK_TABLE_ENTRIES = 1 << 17;
const ARENA_BYTES = 64 << 20;
/**
 * TLB sets: translations of several roots (CR3) are kept side by side. All of them stay coherent with the paging structures
 * in memory, so that which of them are cached cannot be observed.
 */
export const TLB_SETS = 4;
/** Four contexts of 4096 entries of 32 bytes each (`TLB_ENTRIES`). */
const TLB_SET_ENTRIES = 4 * 4096;
export const TLB_LIST_BYTES = TLB_SET_ENTRIES * 4;
/** Entries of the EPT cache, 16 bytes each. */
export const EPT_CACHE_ENTRIES = 1 << 10;
export const EPT_CACHE_BYTES = EPT_CACHE_ENTRIES * 16;

/** Pages of WebAssembly's 4 GiB, more than a machine can have. What it does not use of the tables costs no memory. */
const MAX_PAGES = 1 << 20;
export const MARKED_LIST_BYTES = MAX_PAGES * 4;

/** Divides memory for `physicalBytes` of physical memory. */
export function planMemory(physicalBytes: number): MemoryPlan {
  let next = 0x10000;
  const take = (bytes: number): number => {
    const start = next;
    next = Math.ceil((start + bytes) / PAGE) * PAGE;
    return start;
  };
  const tlb = take(TLB_SETS * TLB_SET_ENTRIES * 32);
  const tlbList = take(TLB_SETS * TLB_LIST_BYTES);
  const markedList = take((TLB_SETS + 1) * MARKED_LIST_BYTES);
  const eptCache = take(EPT_CACHE_BYTES);
  const jumpCache = take(JUMP_CACHE_ENTRIES * 32);
  const blockTable = take(BLOCK_TABLE_ENTRIES * 16);
  const arena = take(ARENA_BYTES);
  const pageFlags = take(MAX_PAGES);
  const writers = take(MAX_PAGES * 4);
  const physical = take(physicalBytes);
  return {
    state: 0,
    tlb,
    tlbList,
    markedList,
    eptCache,
    jumpCache,
    blockTable,
    arena,
    arenaEnd: arena + ARENA_BYTES,
    pageFlags,
    writers,
    physical,
    physicalBytes,
    wasmPages: Math.ceil(next / 65536),
  };
}

/** In `MemoryPlan.writers`, where every other value is a host offset. */
export const NO_WRITER = 0;
export const SEVERAL_WRITERS = 1;

/** Bits of a page's flag byte. A page without any is written by the fast path. */
export const PAGE_FLAG = {
  /** Instructions were decoded from it. */
  code: 1,
  /** The walker has read an EPT structure from it since the last flush. */
  ept: 2,
  /** Not RAM: accesses go to the bus. */
  device: 4,
  /**
   * The walker has read a guest paging structure from it for the TLB set of number 0 since that was emptied; shifted by a
   * set's number the bit is that set's.
   */
  paging: 0x10,
} as const;
/** `PAGE_FLAG.paging` of any set. */
export const PAGING_FLAGS = 0xf0;
