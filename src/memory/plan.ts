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
  /** TLB contexts. */
  readonly tlb: number;
  /** u32 list of filled TLB entries (host offsets). */
  readonly tlbList: number;
  /** u32 list of physical pages marked as paging structures. */
  readonly markedList: number;
  /** Jump cache: linear address to block. */
  readonly jumpCache: number;
  /** Block table: host code address and mode to block. */
  readonly blockTable: number;
  /** Decoded entries. */
  readonly arena: number;
  readonly arenaEnd: number;
  /** One flag byte per physical page. */
  readonly pageFlags: number;
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
/** Four contexts of 4096 entries of 32 bytes each (`TLB_ENTRIES`). */
const TLB_SLOTS = 4 * 4096;

/** Pages of WebAssembly's 4 GiB, more than a machine can have. What it does not use of the tables costs no memory. */
const MAX_PAGES = 1 << 20;

/** Divides memory for `physicalBytes` of physical memory. */
export function planMemory(physicalBytes: number): MemoryPlan {
  let next = 0x10000;
  const take = (bytes: number): number => {
    const start = next;
    next = Math.ceil((start + bytes) / PAGE) * PAGE;
    return start;
  };
  const tlb = take(TLB_SLOTS * 32);
  const tlbList = take(TLB_SLOTS * 4);
  const markedList = take(MAX_PAGES * 4);
  const jumpCache = take(JUMP_CACHE_ENTRIES * 32);
  const blockTable = take(BLOCK_TABLE_ENTRIES * 16);
  const arena = take(ARENA_BYTES);
  const pageFlags = take(MAX_PAGES);
  const physical = take(physicalBytes);
  return {
    state: 0,
    tlb,
    tlbList,
    markedList,
    jumpCache,
    blockTable,
    arena,
    arenaEnd: arena + ARENA_BYTES,
    pageFlags,
    physical,
    physicalBytes,
    wasmPages: Math.ceil(next / 65536),
  };
}

/** Bits of a page's flag byte. A page without any is written by the fast path. */
export const PAGE_FLAG = {
  /** Instructions were decoded from it. */
  code: 1,
  /** A guest paging structure was read from it by the walker since the last flush. */
  paging: 2,
  /** An EPT structure was read from it by the walker since the last flush. */
  ept: 4,
  /** Not RAM: accesses go to the bus. */
  device: 16,
} as const;
