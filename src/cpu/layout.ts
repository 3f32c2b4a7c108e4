/**
 * Where the processor's state lies in the machine's WebAssembly memory: host byte offsets, all below 64 KiB so that a
 * decoded instruction can name any of them in 16 bits. Emitted code and TypeScript share this table; values are
 * little-endian. The first KiB is unused, so that offset 0 can mean "none".
 */

/** Bytes of one segment register: see `SEGMENT_FIELD`. */
export const SEGMENT_BYTES = 32;

/** Offsets within a segment register's record. */
export const SEGMENT_FIELD = {
  /** Base, i64. */
  base: 0,
  /** Limit in bytes (granularity applied), u32. */
  limit: 8,
  /** Access rights in the VMCS format (SDM Vol. 3C, 25.4.1), u32; bit 16 unusable. */
  rights: 12,
  /** Selector, u16. */
  selector: 16,
  /** What accesses the hidden part allows, derived from rights: see `SEGMENT_ACCESS`; u32. */
  access: 20,
} as const;

/** Bits of a segment's `access` word; zero means no access at all (#GP(0), or #SS(0) for SS). */
export const SEGMENT_ACCESS = { read: 1, write: 2, expandDown: 4, big: 8 } as const;

/** Host offsets of the state. */
export const STATE = {
  /** RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8-R15: 16 x i64. */
  general: 0x400,
  /** Always zero: the base, index or segment of an operand that has none. i64 (and a whole zero segment record). */
  zero: 0x480,
  /** RIP of the current block's first instruction, i64. RIP of an instruction is this plus its offset in the block. */
  blockRip: 0x4a0,
  /** RIP: exact whenever TypeScript runs outside a slow function. */
  rip: 0x4a8,
  /** Last flag-setting result, sign-extended to i64: ZF is "zero", SF its sign, PF the parity of its low byte. */
  flagResult: 0x4b0,
  /** Carries of that result: bit 63 CF, bit 62 carry into the sign bit (OF = CF xor it), bit 3 AF; bit 8 inverts SF,
   * bits 16-23 are xored into the parity byte. The bits between 9 and 15 and 24 and 61 are noise. */
  flagCarries: 0x4b8,
  /** RFLAGS without the six arithmetic flags, u32. */
  eflags: 0x4c0,
  /** Mode word: see `MODE`. */
  mode: 0x4c4,
  /** Results of slow functions, 2 x i64. */
  result: 0x4c8,
  result2: 0x4d0,
  /** ES, CS, SS, DS, FS, GS, LDTR, TR records. */
  segments: 0x500,
  /** GDTR: base i64, limit u32; IDTR the same. */
  gdtr: 0x600,
  idtr: 0x610,
  /** Control registers, i64 each (CR8 lives in the LAPIC). */
  cr0: 0x620,
  cr2: 0x628,
  cr3: 0x630,
  cr4: 0x638,
  efer: 0x640,
  xcr0: 0x648,
  /** PAE page-directory-pointer registers, 4 x i64. */
  pdpte: 0x650,
  /** DR0-DR3, DR6, DR7, i64 each. */
  debug: 0x670,
  dr6: 0x690,
  dr7: 0x698,
  /** The fault that a slow path raises: vector u32, error code u32 (with `faultHasError` u32), address i64. */
  faultVector: 0x6a0,
  faultError: 0x6a4,
  faultHasError: 0x6a8,
  /** `Outcome` of the last failed memory access or slow call, u32. */
  outcome: 0x6ac,
  faultAddress: 0x6b0,
  /** Bits of `exits.ts` whose instructions may exit now; u32. */
  intercepts: 0x6b8,
  /** Host offset of the TLB context for the current privilege in the set in use, u32. */
  tlb: 0x6bc,
  /** Changes whenever a cached block lookup may have gone stale: translation generation and fetch mode; u32. */
  fetchContext: 0x6c0,
  /** Instructions that may still begin after the current block, i32. */
  budget: 0x6c4,
  /** Decoded entry at which emitted code left, u32. */
  leftAt: 0x6c8,
  /** Nonzero: something waits for an instruction boundary (event, debugger, TF); u32. */
  attention: 0x6cc,
  /** Paging mode: see `PAGING`; u32. */
  paging: 0x6d0,
  /** Root of the EPT in machine memory, physical address without its low bits, u32; 0 when EPT is off. */
  eptRoot: 0x6d4,
  /** EPT accessed and dirty flags enabled, u32. */
  eptDirty: 0x6d8,
  /** Filled when an access exits: basic reason u32, qualification i64, guest-linear i64, guest-physical i64. */
  exitReason: 0x6e0,
  exitQualification: 0x6e8,
  exitLinear: 0x6f0,
  exitPhysical: 0x6f8,
  /** Access that goes to the bus: address i64. */
  busAddress: 0x700,
  /** The store that waits in the bounce buffer: see engine/access.ts. */
  pending: 0x710,
  /** Block that is running, u32. */
  block: 0x748,
  /** Nonzero: breakpoints exist, block look-ups ask for the page's variant; u32. */
  breakpoints: 0x818,
  /** Index in `EXIT_CHECKS` of the instruction that left with `Outcome.Intercept`, u32. */
  interceptCheck: 0x81c,
  /**
   * Guest-physical page numbers that go to the bus while the hypervisor emulates one instruction: 4 x u32, 0xffffffff
   * for none. The first is set whenever any is.
   */
  routedPage: 0x820,
  /** Nonzero: somebody watches data accesses, translations and slow accesses ask who; u32. */
  watches: 0x830,
  /** Nonzero: the REP instruction at hand has completed an iteration, and more follow; u32. */
  betweenIterations: 0x834,
  /** Bytes of physical memory, i64. */
  physicalBytes: 0x838,
  /** What RDTSC adds to the ticks, i64: see `TimeStamp`; IA32_TSC_AUX, u32. */
  tscOffset: 0x840,
  tscAux: 0x848,
  /** How compiled regions leave the flags to each other, 0 outside of a run: see `deferredKind` (engine/lazy-flags.ts); u32. */
  flagKind: 0x84c,
  /** The ticks at which the run at hand will have spent its budget, i64. */
  ticksEnd: 0x850,
  /** Nonzero: since the interpreter ran last, a region has seen that 32-bit code runs in flat segments; 0 outside of a
   * run; u32. */
  seenFlat: 0x858,
  /**
   * Blocking by STI while code runs: what was left of the run's instructions behind the last STI that set IF, all ones if
   * there was none. Nothing is looked at behind an STI as long as nothing waits, so the run loop compares at the run's end.
   */
  leftBehindSti: 0x85c,
  /** Nonzero: the run at hand may end before the block that its budget would cut; u32. */
  mayEndEarly: 0x860,
  /** Number of the TLB set in use, u32. */
  tlbSet: 0x864,
  /**
   * TLB bookkeeping by set, 4 x u32 each: count of filled entries; count of pages marked as paging structures; the fetch
   * generation (in the place that it has in `fetchContext`) with which a set that is not in use was left, 0 for a stale one.
   */
  tlbFilled: 0x870,
  pagingMarked: 0x880,
  setGeneration: 0x890,
  /** Count of pages marked as EPT structures, u32. */
  eptMarked: 0x8a0,
  /** The newest fetch generation, in the place that it has in `fetchContext`; u32. */
  newestGeneration: 0x8a4,
  /** Nonzero: more follows from an IRET than what it pops, see `RETURN_NOTE`; u32. */
  returnNotes: 0x8a8,
  /** MXCSR, u32. */
  mxcsr: 0x74c,
  /** x87: control, status (TOP included), abridged tag (bit set = not empty), opcode u32 each; FIP, FDP i64; FCS, FDS u32. */
  fpuControl: 0x750,
  fpuStatus: 0x754,
  fpuTag: 0x758,
  fpuOpcode: 0x75c,
  fpuIp: 0x760,
  fpuDp: 0x768,
  fpuCs: 0x770,
  fpuDs: 0x774,
  /** Physical x87 registers R0-R7, 16 bytes each: significand i64, sign and exponent u16. */
  fpu: 0x780,
  /** Constant masks of 16, 32 and 64 bits, by size code: 3 x i64. */
  addressMasks: 0x800,
  /** Vector registers: 32 slots of 64 bytes. */
  vector: 0x1000,
  /** Bounce buffer for accesses that cannot touch memory directly, 1 KiB. */
  bounce: 0x1c00,
} as const;

/** Bits of `STATE.returnNotes`: an IRET ends blocking by NMI; an observer is told of it. */
export const RETURN_NOTE = { nmiBlocked: 1, observed: 2 } as const;

/** End of the bounce buffer: a host address below it is not guest memory. */
export const BOUNCE_END = 0x2000;

/** Bits of the mode word. */
export const MODE = {
  /** Code size: 0 16-bit, 1 32-bit, 2 64-bit (2 bits). */
  codeMask: 3,
  code16: 0,
  code32: 1,
  code64: 2,
  /** Stack address size: 0 16-bit, 1 32-bit, 2 64-bit (2 bits, shifted). */
  stackShift: 2,
  /** CPL (2 bits, shifted). In virtual-8086 mode 3, in real mode 0. */
  cplShift: 4,
  protected: 0x40,
  virtual8086: 0x80,
  /** EFER.LMA. */
  long: 0x100,
  /** VMX non-root operation. */
  nonRoot: 0x200,
  /** VMX root operation. */
  root: 0x400,
} as const;

/** Bits of the paging word. */
export const PAGING = {
  /** 0 off, 1 32-bit, 2 PAE, 3 4-level (2 bits). */
  modeMask: 3,
  writeProtect: 4, // CR0.WP
  noExecute: 8, // EFER.NXE
  largePages: 0x10, // CR4.PSE (32-bit paging)
  smep: 0x20,
  smap: 0x40,
  global: 0x80,
} as const;

/**
 * Translations are cached per privilege: user, supervisor, supervisor with SMAP's check off (EFLAGS.AC, or no SMAP).
 * `checked` is user mode with alignment checks on: it is never filled, so that every access takes the checking path.
 */
export const TLB_CONTEXT = { user: 0, supervisor: 1, supervisorAc: 2, checked: 3 } as const;

/** One TLB entry: tags for read, write and fetch (linear page, or -1), then the host offset to add. 32 bytes. */
export const TLB_ENTRY = { read: 0, write: 8, execute: 16, addend: 24, bytes: 32 } as const;

/** Entries per context: the low bits of the page number choose one, so that 16 MiB lie side by side. */
export const TLB_ENTRIES = 4096;
export const TLB_CONTEXT_BYTES = TLB_ENTRIES * TLB_ENTRY.bytes;
export const TLB_SET_BYTES = 4 * TLB_CONTEXT_BYTES;
