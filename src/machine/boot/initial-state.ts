/**
 * The processor's state when it takes over from a boot loader, as plain data. What is not listed here (debug registers,
 * MSRs, x87 and vector registers) is as after RESET.
 *
 * Sources: SDM Vol. 3A Table 9-1 (state after RESET and INIT); SDM Vol. 3C Table 25-2 (access rights).
 */

/** The 16 general registers. */
export type GeneralRegister =
  | 'rax'
  | 'rbx'
  | 'rcx'
  | 'rdx'
  | 'rsi'
  | 'rdi'
  | 'rbp'
  | 'rsp'
  | 'r8'
  | 'r9'
  | 'r10'
  | 'r11'
  | 'r12'
  | 'r13'
  | 'r14'
  | 'r15';

/** The six segment registers. */
export type SegmentName = 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs';

/** A segment register with its hidden part. */
export interface SegmentState {
  /** 16 bits. */
  readonly selector: number;
  /** Linear base address, 64 bits. */
  readonly base: bigint;
  /** Limit in bytes, expanded (granularity applied), 32 bits. */
  readonly limit: number;
  /** Access rights in the VMCS's format: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. */
  readonly access: number;
}

/** GDTR or IDTR. */
export interface DescriptorTableState {
  /** Linear base address, 64 bits. */
  readonly base: bigint;
  /** Limit in bytes, 16 bits. */
  readonly limit: number;
}

/** The state in which the guest's first instruction runs. */
export interface InitialState {
  /** All 16 general registers, 64 bits each. */
  readonly registers: Readonly<Record<GeneralRegister, bigint>>;
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly segments: Readonly<Record<SegmentName, SegmentState>>;
  readonly ldtr: SegmentState;
  readonly tr: SegmentState;
  readonly gdtr: DescriptorTableState;
  readonly idtr: DescriptorTableState;
  readonly cr0: bigint;
  readonly cr2: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  /** IA32_EFER, with LMA where the state is in IA-32e mode. */
  readonly efer: bigint;
}

/** General registers that are all zero but for `values`. */
export function generalRegisters(
  values: Partial<Record<GeneralRegister, bigint>> = {},
): Readonly<Record<GeneralRegister, bigint>> {
  const zero = 0n;
  return {
    rax: zero,
    rbx: zero,
    rcx: zero,
    rdx: zero,
    rsi: zero,
    rdi: zero,
    rbp: zero,
    rsp: zero,
    r8: zero,
    r9: zero,
    r10: zero,
    r11: zero,
    r12: zero,
    r13: zero,
    r14: zero,
    r15: zero,
    ...values,
  };
}

/** Type "read/write data, accessed", S, P: every segment register after RESET, CS too. */
const RESET_ACCESS = 0x93;
const RESET_SEGMENT: SegmentState = { selector: 0, base: 0n, limit: 0xffff, access: RESET_ACCESS };

/**
 * The state after RESET (SDM Vol. 3A Table 9-1). INIT gives the same but for CR0.CD and CR0.NW, which it keeps. RDX is
 * the processor's identification (family 6); a board with another CPUID.1:EAX puts that there. The VMCS cannot hold a
 * TR that is not busy, so TR's type is 11; LDTR's is 2.
 */
export const RESET_STATE: InitialState = {
  registers: generalRegisters({ rdx: 0x600n }),
  rip: 0xfff0n,
  rflags: 0x2n,
  segments: {
    es: RESET_SEGMENT,
    cs: { selector: 0xf000, base: 0xffff0000n, limit: 0xffff, access: RESET_ACCESS },
    ss: RESET_SEGMENT,
    ds: RESET_SEGMENT,
    fs: RESET_SEGMENT,
    gs: RESET_SEGMENT,
  },
  ldtr: { selector: 0, base: 0n, limit: 0xffff, access: 0x82 },
  tr: { selector: 0, base: 0n, limit: 0xffff, access: 0x8b },
  gdtr: { base: 0n, limit: 0xffff },
  idtr: { base: 0n, limit: 0xffff },
  cr0: 0x60000010n,
  cr2: 0n,
  cr3: 0n,
  cr4: 0n,
  efer: 0n,
};
