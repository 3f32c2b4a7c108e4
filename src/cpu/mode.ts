/**
 * What follows from the control registers, EFER, EFLAGS and the code segment: the mode word, the paging word, the
 * current TLB, and what each segment's hidden part allows. Kept in the state, so that emitted code tests one word.
 *
 * Source: SDM Vol. 3A 2.1, 2.2, 3.4.5, 4.1.
 */
import { MODE, PAGING, SEGMENT_ACCESS, STATE, TLB_CONTEXT, TLB_CONTEXT_BYTES, TLB_SET_BYTES } from './layout';
import type { ProcessorState, Segment } from './state';

export const CR0 = {
  PE: 1,
  MP: 2,
  EM: 4,
  TS: 8,
  ET: 0x10,
  NE: 0x20,
  WP: 0x10000,
  AM: 0x40000,
  NW: 0x20000000,
  CD: 0x40000000,
  PG: 0x80000000,
} as const;
export const CR4 = {
  VME: 1,
  PVI: 2,
  TSD: 4,
  DE: 8,
  PSE: 0x10,
  PAE: 0x20,
  MCE: 0x40,
  PGE: 0x80,
  PCE: 0x100,
  OSFXSR: 0x200,
  OSXMMEXCPT: 0x400,
  UMIP: 0x800,
  VMXE: 0x2000,
  SMXE: 0x4000,
  FSGSBASE: 0x10000,
  PCIDE: 0x20000,
  OSXSAVE: 0x40000,
  SMEP: 0x100000,
  SMAP: 0x200000,
} as const;
export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;
export const EFLAGS = {
  CF: 1,
  PF: 4,
  AF: 0x10,
  ZF: 0x40,
  SF: 0x80,
  TF: 0x100,
  IF: 0x200,
  DF: 0x400,
  OF: 0x800,
  IOPL: 0x3000,
  NT: 0x4000,
  RF: 0x10000,
  VM: 0x20000,
  AC: 0x40000,
  VIF: 0x80000,
  VIP: 0x100000,
  ID: 0x200000,
} as const;

/** Flags that POPF and IRET load at every privilege, as far as the operand reaches. */
export const POPPED_FLAGS =
  EFLAGS.CF |
  EFLAGS.PF |
  EFLAGS.AF |
  EFLAGS.ZF |
  EFLAGS.SF |
  EFLAGS.TF |
  EFLAGS.DF |
  EFLAGS.OF |
  EFLAGS.NT |
  EFLAGS.AC |
  EFLAGS.ID;

/** Access-rights bits (VMCS format). */
export const RIGHTS = {
  typeMask: 0xf,
  code: 8,
  nonSystem: 0x10,
  dplShift: 5,
  present: 0x80,
  available: 0x1000,
  long: 0x2000,
  big: 0x4000,
  granularity: 0x8000,
  unusable: 0x10000,
} as const;

/** What data accesses a segment's rights allow (SDM Vol. 3A, 3.4.5.1); zero for none. */
export function segmentAccess(rights: number): number {
  if (rights & RIGHTS.unusable || !(rights & RIGHTS.present) || !(rights & RIGHTS.nonSystem)) return 0;
  const big = rights & RIGHTS.big ? SEGMENT_ACCESS.big : 0;
  const type = rights & RIGHTS.typeMask;
  if (type & RIGHTS.code) return (type & 2 ? SEGMENT_ACCESS.read : 0) | big;
  return SEGMENT_ACCESS.read | (type & 2 ? SEGMENT_ACCESS.write : 0) | (type & 4 ? SEGMENT_ACCESS.expandDown : 0) | big;
}

/** Loads a segment register, hidden part included. Follow with `updateMode` when it is CS or SS. */
export function setSegment(state: ProcessorState, number: number, segment: Segment): void {
  state.storeSegment(number, segment, segmentAccess(segment.rights));
}

/**
 * Recomputes mode, paging and TLB words. To be called after every change of CR0, CR4, EFER, EFLAGS.VM, EFLAGS.AC, CS or
 * SS. `tlbBase` is the host offset of the first TLB; `vmx` the root and non-root bits of the mode word.
 */
export function updateMode(state: ProcessorState, tlbBase: number, vmx: number): void {
  const cr0 = state.word(STATE.cr0);
  const cr4 = state.word(STATE.cr4);
  const efer = state.word(STATE.efer);
  const eflags = state.word(STATE.eflags);
  const csRights = state.segmentRights(1);
  const ssRights = state.segmentRights(2);
  const isProtected = (cr0 & CR0.PE) !== 0;
  const virtual = isProtected && (eflags & EFLAGS.VM) !== 0;
  const long = (efer & EFER.LMA) !== 0;
  const code = long && csRights & RIGHTS.long ? MODE.code64 : csRights & RIGHTS.big ? MODE.code32 : MODE.code16;
  const stack = code === MODE.code64 ? MODE.code64 : ssRights & RIGHTS.big ? MODE.code32 : MODE.code16;
  const cpl = !isProtected ? 0 : virtual ? 3 : (ssRights >> RIGHTS.dplShift) & 3;
  const mode =
    code |
    (stack << MODE.stackShift) |
    (cpl << MODE.cplShift) |
    (isProtected ? MODE.protected : 0) |
    (virtual ? MODE.virtual8086 : 0) |
    (long ? MODE.long : 0) |
    vmx;
  state.setWord(STATE.mode, mode);

  const pagingMode = !(cr0 & CR0.PG) ? 0 : long ? 3 : cr4 & CR4.PAE ? 2 : 1;
  const paging =
    pagingMode |
    (cr0 & CR0.WP ? PAGING.writeProtect : 0) |
    (efer & EFER.NXE ? PAGING.noExecute : 0) |
    (cr4 & CR4.PSE ? PAGING.largePages : 0) |
    (cr4 & CR4.SMEP ? PAGING.smep : 0) |
    (cr4 & CR4.SMAP ? PAGING.smap : 0) |
    (cr4 & CR4.PGE ? PAGING.global : 0);
  state.setWord(STATE.paging, paging);

  const alignment = (cr0 & CR0.AM) !== 0 && (eflags & EFLAGS.AC) !== 0;
  const smapOff = (eflags & EFLAGS.AC) !== 0 || !(cr4 & CR4.SMAP);
  const user = alignment ? TLB_CONTEXT.checked : TLB_CONTEXT.user;
  const context = cpl === 3 ? user : smapOff ? TLB_CONTEXT.supervisorAc : TLB_CONTEXT.supervisor;
  state.setWord(STATE.tlb, tlbBase + state.word(STATE.tlbSet) * TLB_SET_BYTES + context * TLB_CONTEXT_BYTES);
  // The low bits of the fetch context tell modes apart in the jump cache; the generation stands above them.
  state.setWord(
    STATE.fetchContext,
    (state.word(STATE.fetchContext) & ~0x1f) | code | (cpl === 3 ? 4 : 0) | (context << 3),
  );
}
