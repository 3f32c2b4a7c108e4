/**
 * Loading host state at a VM exit, failed VM entries after the controls included. Source: SDM Vol. 3C 28.5.
 */
import { SEGMENT } from '../../isa/semantics';
import { STATE } from '../layout';
import { CR0, CR4, EFER, RIGHTS, setSegment } from '../mode';
import { EXIT } from './controls';
import { CR0_KEPT } from './guest-state';
import { MSR } from '../msr-numbers';
import type { MsrCell } from '../stored-msrs';
import { SwitchedMsr } from './switched-msrs';
import type { Vmcs } from './vmcs';
import { F, SEGMENT_BLOCK_SIZE } from './vmcs-layout';
import type { VmcsField } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

const CODE_RIGHTS = 0x809b;
const DATA_RIGHTS = 0xc093;
const TSS_RIGHTS = 0x8b;
const DR7_FIXED = 0x400;
const DATA = [
  [SEGMENT.ES, F.HOST_ES_SELECTOR, undefined],
  [SEGMENT.SS, F.HOST_SS_SELECTOR, undefined],
  [SEGMENT.DS, F.HOST_DS_SELECTOR, undefined],
  [SEGMENT.FS, F.HOST_FS_SELECTOR, F.HOST_FS_BASE],
  [SEGMENT.GS, F.HOST_GS_SELECTOR, F.HOST_GS_BASE],
] as const;

function loadSegments(core: VmxCore, vmcs: Vmcs, is64: boolean): void {
  const { state } = core.processor;
  setSegment(state, SEGMENT.CS, {
    selector: vmcs.low(F.HOST_CS_SELECTOR),
    base: 0n,
    limit: 0xffff_ffff,
    rights: CODE_RIGHTS | (is64 ? RIGHTS.long : RIGHTS.big),
  });
  for (const [number, selectorField, baseField] of DATA) {
    const selector = vmcs.low(selectorField);
    const isUnusable = selector === 0 && number !== SEGMENT.SS;
    setSegment(state, number, {
      selector,
      base: baseField ? vmcs.get(baseField) : 0n,
      limit: 0xffff_ffff,
      rights: DATA_RIGHTS | (isUnusable ? RIGHTS.unusable : 0),
    });
  }
  setSegment(state, SEGMENT.LDTR, { selector: 0, base: 0n, limit: 0, rights: RIGHTS.unusable });
  setSegment(state, SEGMENT.TR, {
    selector: vmcs.low(F.HOST_TR_SELECTOR),
    base: vmcs.get(F.HOST_TR_BASE),
    limit: 0x67,
    rights: TSS_RIGHTS,
  });
}

/** Words of the segment registers, GDTR and IDTR. */
const SEGMENT_WORDS = SEGMENT_BLOCK_SIZE / 4;
/** Indices of the other words that depend on host-state fields and exit controls alone. */
const REGISTER_WORDS = Int32Array.from(
  [
    ...[STATE.cr3, STATE.cr3 + 4, STATE.cr4, STATE.cr4 + 4, STATE.dr7, STATE.dr7 + 4],
    ...[STATE.rip, STATE.rip + 4, STATE.general + 32, STATE.general + 36],
    ...[STATE.eflags, STATE.flagResult, STATE.flagResult + 4, STATE.flagCarries, STATE.flagCarries + 4],
  ],
  (offset) => offset >> 2,
);

/** Loads the host-state area of a VMCS; what comes of its fields is kept while nobody writes them. */
export class HostStateArea {
  private readonly live: Int32Array;
  private readonly kept = new Int32Array(SEGMENT_WORDS);
  private readonly keptRegisters = new Uint32Array(REGISTER_WORDS.length);
  private keptFor: Vmcs | undefined;
  private keptGeneration = -1;
  private keptControls = -1;
  private readonly debugctl: MsrCell;
  private readonly pat: SwitchedMsr;
  private readonly sysenter: readonly SwitchedMsr[];

  constructor(private readonly core: VmxCore) {
    const { processor } = core;
    this.live = new Int32Array(processor.state.buffer, STATE.segments, SEGMENT_WORDS);
    this.debugctl = processor.msrCell(MSR.DEBUGCTL);
    this.pat = new SwitchedMsr(processor.msrCell(MSR.PAT), F.HOST_PAT);
    this.sysenter = [
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_CS), F.HOST_SYSENTER_CS),
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_ESP), F.HOST_SYSENTER_ESP),
      new SwitchedMsr(processor.msrCell(MSR.SYSENTER_EIP), F.HOST_SYSENTER_EIP),
    ];
  }

  /** Loads the host. False if its PDPTEs are invalid: a VMX abort follows. */
  load(vmcs: Vmcs): boolean {
    const { processor } = this.core;
    const { state } = processor;
    const controls = vmcs.low(F.EXIT_CONTROLS);
    const is64 = (controls & EXIT.HOST_ADDRESS_SPACE_SIZE) !== 0;
    state.setWord(STATE.cr0, (state.word(STATE.cr0) & CR0_KEPT) | (vmcs.low(F.HOST_CR0) & ~CR0_KEPT));
    const longBits = EFER.LMA | EFER.LME;
    const efer = controls & EXIT.LOAD_EFER ? vmcs.low(F.HOST_EFER) : state.word(STATE.efer);
    state.setWord(STATE.efer, is64 ? efer | longBits : efer & ~longBits);
    this.debugctl.value = 0n;
    for (const msr of this.sysenter) msr.load(vmcs);
    if (controls & EXIT.LOAD_PAT) this.pat.load(vmcs);
    const isKept =
      this.keptFor === vmcs && this.keptGeneration === vmcs.hostGeneration && this.keptControls === controls;
    if (isKept) this.loadKept();
    else this.loadAndKeep(vmcs, controls, is64);
    processor.interruptibility.sti = processor.interruptibility.movSs = false;
    if (processor.pendingDebug !== 0) processor.pendingDebug = 0;
    processor.activity = 'active';
    processor.monitored = undefined;
    if (is64 || !(vmcs.low(F.HOST_CR4) & CR4.PAE) || !(vmcs.low(F.HOST_CR0) & CR0.PG)) return true;
    return processor.loadPageDirectoryPointers(vmcs.get(F.HOST_CR3));
  }

  private loadKept(): void {
    const { u32 } = this.core.processor.state;
    this.live.set(this.kept);
    for (let i = 0; i < REGISTER_WORDS.length; i++) u32[REGISTER_WORDS[i]!] = this.keptRegisters[i]!;
  }

  private loadAndKeep(vmcs: Vmcs, controls: number, is64: boolean): void {
    const { state } = this.core.processor;
    this.copy(STATE.cr3, vmcs, F.HOST_CR3);
    const cr4 = vmcs.low(F.HOST_CR4);
    state.setWord(STATE.cr4, is64 ? cr4 | CR4.PAE : cr4 & ~CR4.PCIDE);
    state.setWord(STATE.cr4 + 4, 0);
    state.setWord(STATE.dr7, DR7_FIXED);
    state.setWord(STATE.dr7 + 4, 0);
    this.copy(STATE.rip, vmcs, F.HOST_RIP);
    this.copy(STATE.general + 32, vmcs, F.HOST_RSP);
    state.rflags = 2;
    loadSegments(this.core, vmcs, is64);
    for (const [register, base] of [
      [STATE.gdtr, F.HOST_GDTR_BASE],
      [STATE.idtr, F.HOST_IDTR_BASE],
    ] as const) {
      this.copy(register, vmcs, base);
      state.setWord(register + 8, 0xffff);
    }
    this.kept.set(this.live);
    for (let i = 0; i < REGISTER_WORDS.length; i++) this.keptRegisters[i] = state.u32[REGISTER_WORDS[i]!]!;
    this.keptFor = vmcs;
    this.keptGeneration = vmcs.hostGeneration;
    this.keptControls = controls;
  }

  private copy(offset: number, vmcs: Vmcs, field: VmcsField): void {
    const { u32 } = this.core.processor.state;
    u32[offset >> 2] = vmcs.words[field.word]!;
    u32[(offset >> 2) + 1] = vmcs.words[field.word + 1]!;
  }
}
