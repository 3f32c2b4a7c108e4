/**
 * The guest-state area and the processor: loaded at VM entry (SDM Vol. 3C 27.3.2), saved at VM exit (28.3). Segments and
 * descriptor tables are copied as one block, whose layout both sides share.
 *
 * NOT IMPLEMENTED: IA32_PERF_GLOBAL_CTRL, CET, RTIT, LBR and PKRS state, which the processor lacks; SMBASE is kept but
 * means nothing.
 */
import { SEGMENT_BYTES, SEGMENT_FIELD, STATE } from '../layout';
import { CR0, CR4, EFER, EFLAGS, segmentAccess } from '../mode';
import type { Activity } from '../vmx-hooks';
import { ENTRY, EXIT, PIN, SECONDARY } from './controls';
import { ACTIVITY, BLOCKING, PENDING_DEBUG } from './entry-checks/guest-state-rules';
import { EXIT_REASON } from './exit-reasons';
import { RESUME_FLAG } from './exit-record';
import { MSR } from '../msr-numbers';
import { StateCopy } from './state-copy';
import type { CopiedField } from './state-copy';
import { SwitchedMsr } from './switched-msrs';
import type { Vmcs } from './vmcs';
import { F, SEGMENT_BLOCK_SIZE } from './vmcs-layout';
import type { VmcsField } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** Bits of CR0 that neither VM entry nor VM exit changes: reserved ones, ET, NW, CD. */
export const CR0_KEPT = 0x7ffa_ffd0;
/** DEBUGCTL.BTF: TF traps branches, not instructions. */
const BTF = 2n;

const ACTIVITIES: readonly Activity[] = ['active', 'hlt'];
/** Registers that entries and exits copy whole. */
const REGISTERS: readonly CopiedField[] = [
  [F.GUEST_CR3, STATE.cr3],
  [F.GUEST_CR4, STATE.cr4],
  [F.GUEST_RIP, STATE.rip],
  [F.GUEST_RSP, STATE.general + 32],
];
const PDPTES = [F.GUEST_PDPTE0, F.GUEST_PDPTE1, F.GUEST_PDPTE2, F.GUEST_PDPTE3] as const;

/** Loads and saves the guest-state area of the current VMCS. */
export class GuestStateArea {
  private readonly words: Uint32Array;
  private readonly segments: Int32Array;
  private readonly registers: StateCopy;
  /** The VMCS that the segments were last saved to, whole, and its generation then. */
  private savedTo: Vmcs | undefined;
  private savedGeneration = -1;
  private readonly debugctl: SwitchedMsr;
  private readonly pat: SwitchedMsr;
  private readonly sysenter: readonly SwitchedMsr[];

  constructor(private readonly core: VmxCore) {
    const { processor } = core;
    const { state } = processor;
    this.debugctl = new SwitchedMsr(processor.msrCell(MSR.DEBUGCTL), F.GUEST_DEBUGCTL);
    this.pat = new SwitchedMsr(processor.msrCell(MSR.PAT), F.GUEST_PAT);
    this.sysenter = [
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_CS), F.GUEST_SYSENTER_CS),
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_ESP), F.GUEST_SYSENTER_ESP),
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_EIP), F.GUEST_SYSENTER_EIP),
    ];
    this.words = state.u32;
    this.registers = new StateCopy(state.u32, REGISTERS);
    this.segments = new Int32Array(state.buffer, STATE.segments, SEGMENT_BLOCK_SIZE / 4);
  }

  /** Loads everything but the activity of an injected event; control registers and the mode word follow later. */
  load(vmcs: Vmcs): void {
    const { processor } = this.core;
    const { words } = this;
    const entry = vmcs.low(F.ENTRY_CONTROLS);
    words[STATE.cr0 >> 2] = (words[STATE.cr0 >> 2]! & CR0_KEPT) | (vmcs.low(F.GUEST_CR0) & ~CR0_KEPT);
    this.registers.load(vmcs);
    this.loadEfer(vmcs, entry);
    if (entry & ENTRY.LOAD_DEBUG_CONTROLS) {
      this.fetch(vmcs, F.GUEST_DR7, STATE.dr7);
      words[STATE.dr7 >> 2]! |= 0x400;
      this.debugctl.load(vmcs);
    }
    if (entry & ENTRY.LOAD_PAT) this.pat.load(vmcs);
    for (const msr of this.sysenter) msr.load(vmcs);
    this.segments.set(this.core.currentSegments!);
    if (this.savedTo !== vmcs || this.savedGeneration !== vmcs.segmentGeneration) this.completeSegments();
    processor.state.rflags = vmcs.low(F.GUEST_RFLAGS);
    const blocking = vmcs.low(F.GUEST_INTERRUPTIBILITY_STATE);
    processor.interruptibility.sti = (blocking & BLOCKING.STI) !== 0;
    processor.interruptibility.movSs = (blocking & BLOCKING.MOV_SS) !== 0;
    processor.interruptibility.nmi = (blocking & BLOCKING.NMI) !== 0;
    const pending = vmcs.low(F.GUEST_PENDING_DEBUG_EXCEPTIONS);
    if (processor.pendingDebug !== pending) processor.pendingDebug = pending;
    processor.activity = ACTIVITIES[vmcs.low(F.GUEST_ACTIVITY_STATE)]!;
    processor.monitored = undefined;
    if (this.usesPae(entry & ENTRY.IA32E_MODE_GUEST)) this.loadPdptes(vmcs);
  }

  /** Saves the guest; `exit` of the core says what for. Fields that an exit leaves alone stay. */
  save(vmcs: Vmcs): void {
    const { core, words } = this;
    const { processor, exit } = core;
    const controls = vmcs.low(F.EXIT_CONTROLS);
    this.store(vmcs, F.GUEST_CR0, STATE.cr0);
    this.registers.save(vmcs);
    if (controls & EXIT.SAVE_EFER) this.store(vmcs, F.GUEST_EFER, STATE.efer);
    if (controls & EXIT.SAVE_DEBUG_CONTROLS) {
      this.store(vmcs, F.GUEST_DR7, STATE.dr7);
      this.debugctl.save(vmcs);
    }
    if (controls & EXIT.SAVE_PAT) this.pat.save(vmcs);
    for (const msr of this.sysenter) msr.save(vmcs);
    core.currentSegments!.set(this.segments);
    this.savedTo = vmcs;
    this.savedGeneration = vmcs.segmentGeneration;
    let flags = processor.state.rflags;
    if (exit.resumeFlag !== RESUME_FLAG.KEEP) flags &= ~EFLAGS.RF;
    if (exit.resumeFlag === RESUME_FLAG.SET) flags |= EFLAGS.RF;
    vmcs.store(F.GUEST_RFLAGS, flags);
    this.saveNonRegisterState(vmcs, flags);
    const isLong = words[STATE.efer >> 2]! & EFER.LMA;
    this.saveMode(vmcs, isLong);
    if (this.usesPae(isLong) && core.secondary(SECONDARY.ENABLE_EPT))
      PDPTES.forEach((field, i) => this.store(vmcs, field, STATE.pdpte + i * 8));
    if (controls & EXIT.SAVE_PREEMPTION_TIMER && core.pin(PIN.ACTIVATE_PREEMPTION_TIMER))
      vmcs.store(F.PREEMPTION_TIMER_VALUE, Math.max(0, core.deadline - processor.ticks()));
  }

  /** What a segment record has beside the fields, and what VMWRITE does not know of. */
  private completeSegments(): void {
    const { words } = this;
    for (let number = 0; number < 8; number++) {
      const at = (STATE.segments + number * SEGMENT_BYTES) >> 2;
      words[at + (SEGMENT_FIELD.selector >> 2)]! &= 0xffff;
      words[at + (SEGMENT_FIELD.access >> 2)] = segmentAccess(words[at + (SEGMENT_FIELD.rights >> 2)]!);
    }
  }

  private saveNonRegisterState(vmcs: Vmcs, flags: number): void {
    const { processor, exit } = this.core;
    const { sti, movSs, nmi } = processor.interruptibility;
    const blocking = (sti ? BLOCKING.STI : 0) | (movSs ? BLOCKING.MOV_SS : 0) | (nmi ? BLOCKING.NMI : 0);
    vmcs.store(F.GUEST_INTERRUPTIBILITY_STATE, blocking);
    vmcs.store(F.GUEST_ACTIVITY_STATE, processor.activity === 'hlt' ? ACTIVITY.HLT : ACTIVITY.ACTIVE);
    const { reason } = exit;
    const keepsPending =
      movSs || reason === EXIT_REASON.MONITOR_TRAP_FLAG || reason === EXIT_REASON.TPR_BELOW_THRESHOLD;
    let pending = keepsPending ? processor.pendingDebug : 0;
    // Blocking by MOV SS holds back the single-step trap too: VM entry insists on BS then (SDM 27.3.1.5).
    if (movSs && flags & EFLAGS.TF && !(processor.storedMsr(MSR.DEBUGCTL) & BTF)) pending |= PENDING_DEBUG.BS;
    vmcs.store(F.GUEST_PENDING_DEBUG_EXCEPTIONS, pending);
  }

  /** "IA-32e mode guest" follows IA32_EFER.LMA (SDM 28.3.1); the entry checks must then look at it again. */
  private saveMode(vmcs: Vmcs, isLong: number): void {
    const old = vmcs.low(F.ENTRY_CONTROLS);
    const controls = isLong ? old | ENTRY.IA32E_MODE_GUEST : old & ~ENTRY.IA32E_MODE_GUEST;
    if (controls >>> 0 === old) return;
    vmcs.store(F.ENTRY_CONTROLS, controls);
    vmcs.markWritten(F.ENTRY_CONTROLS);
  }

  private loadEfer(vmcs: Vmcs, entry: number): void {
    if (entry & ENTRY.LOAD_EFER) {
      this.fetch(vmcs, F.GUEST_EFER, STATE.efer);
      return;
    }
    const at = STATE.efer >> 2;
    const old = this.words[at]! & ~EFER.LMA;
    const isPaging = (this.words[STATE.cr0 >> 2]! & CR0.PG) !== 0;
    if (entry & ENTRY.IA32E_MODE_GUEST) this.words[at] = old | EFER.LMA | EFER.LME;
    else this.words[at] = isPaging ? old & ~EFER.LME : old;
  }

  private usesPae(isLong: number): boolean {
    const { words } = this;
    return (words[STATE.cr0 >> 2]! & CR0.PG) !== 0 && (words[STATE.cr4 >> 2]! & CR4.PAE) !== 0 && !isLong;
  }

  private loadPdptes(vmcs: Vmcs): void {
    if (this.core.secondary(SECONDARY.ENABLE_EPT))
      PDPTES.forEach((field, i) => this.fetch(vmcs, field, STATE.pdpte + i * 8));
    else this.core.processor.loadPageDirectoryPointers(vmcs.get(F.GUEST_CR3));
  }

  private fetch(vmcs: Vmcs, field: VmcsField, offset: number): void {
    this.words[offset >> 2] = vmcs.words[field.word]!;
    this.words[(offset >> 2) + 1] = vmcs.words[field.word + 1]!;
  }

  private store(vmcs: Vmcs, field: VmcsField, offset: number): void {
    vmcs.words[field.word] = this.words[offset >> 2]!;
    vmcs.words[field.word + 1] = this.words[(offset >> 2) + 1]!;
  }
}
