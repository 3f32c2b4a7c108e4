/** Where our decoder and iced-x86 disagree on purpose: one row each, with the paragraph that decides. */

/** A mnemonic of iced's that our decoder calls otherwise. */
export interface Difference {
  readonly theirs: RegExp;
  readonly ours: readonly string[];
  /** The operands differ as well: our hint space takes one r/m operand of any size. */
  readonly anyOperands?: boolean;
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    theirs: /^(reservednop|prefetch|prefetchw|prefetchwt1|prefetchit[01]|cldemote|bnd\w+|rdssp[dq]|endbr(32|64))$/,
    ours: ['nop'],
    anyOperands: true,
    reason: 'Hints and features that CPUID lacks live in reserved NOP space, 0F 0D and 0F 18-1F (Vol. 2D, table A-3).',
  },
  {
    theirs: /^sal$/,
    ours: ['shl'],
    reason: 'SHL and SAL are one instruction (Vol. 2B, SAL/SAR/SHL/SHR); /6 is its undocumented alias.',
  },
  {
    theirs: /^tzcnt$/,
    ours: ['bsf'],
    reason: 'Without BMI1 F3 is ignored and the instruction is BSF (Vol. 2B, TZCNT).',
  },
  {
    theirs: /^lzcnt$/,
    ours: ['bsr'],
    reason: 'Without LZCNT F3 is ignored and the instruction is BSR (Vol. 2A, LZCNT).',
  },
  {
    theirs: /^getsecq$/,
    ours: ['getsec'],
    reason: 'REX.W changes nothing that a mnemonic should say (Vol. 2D, GETSEC leaf functions).',
  },
  {
    theirs: /^pause$/,
    ours: ['xchg'],
    anyOperands: true,
    reason: 'F3 41 90 is XCHG R8D, EAX, whose F3 is ignored: 90H is NOP or PAUSE for rAX alone (Vol. 2D, table A-2).',
  },
  {
    theirs: /^wbnoinvd$/,
    ours: ['wbinvd'],
    reason: 'Without WBNOINVD F3 is ignored and the instruction is WBINVD (Vol. 2D, WBNOINVD).',
  },
  {
    theirs: /^pcmpestr[im]64$/,
    ours: ['pcmpestri', 'pcmpestrm'],
    reason: 'REX.W widens the lengths but gives no other mnemonic (Vol. 2B, PCMPESTRI, PCMPESTRM).',
  },
];

/** Instructions that are legal for us under prefixes with which iced calls them invalid. */
export const LEGAL_WITH_PREFIXES: Readonly<Record<string, string>> = {
  MONITOR: 'Opcode 0F 01 C8 without NP: no prefix is reserved (Vol. 2B, MONITOR).',
  MWAIT: 'Opcode 0F 01 C9 without NP: no prefix is reserved (Vol. 2B, MWAIT).',
};

/** Instructions that iced knows in a mode where the processor raises #UD. */
export const UNDEFINED_IN_MODE: readonly {
  readonly theirs: RegExp;
  readonly bits: readonly number[];
  readonly reason: string;
}[] = [
  {
    theirs: /^(syscall|sysret)$/,
    bits: [16, 32],
    reason: 'Intel parts know SYSCALL and SYSRET in 64-bit mode only (Vol. 2B, SYSCALL, SYSRET).',
  },
];

/**
 * iced's names of the CPUID features (and generations) whose instructions the records must have, every one of them.
 * An instruction that needs anything else is undefined for us.
 */
export const COMPLETE_FEATURES: readonly string[] = [
  ...['INTEL8086', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'X64', 'CPUID', 'MSR', 'TSC', 'RDPMC', 'CX8'],
  ...['CMOV', 'SYSCALL', 'SEP', 'SMM', 'MULTIBYTENOP', 'PAUSE', 'CLFSH', 'PREFETCHW', 'CLDEMOTE', 'CET_IBT'],
  ...['POPCNT', 'CMPXCHG16B', 'MOVBE', 'RDRAND', 'RDSEED', 'RDTSCP', 'FSGSBASE', 'INVPCID', 'MONITOR', 'SMAP', 'SMX'],
  ...['VMX', 'INVEPT', 'INVVPID', 'FXSR', 'XSAVE', 'XSAVEOPT', 'FPU', 'FPU287', 'FPU387', 'MMX', 'SSE', 'SSE2', 'SSE3'],
  ...['SSSE3', 'SSE4_1', 'SSE4_2'],
];
