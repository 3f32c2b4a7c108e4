/**
 * Loading host state at a VM exit, failed VM entries after the controls included. Source: SDM Vol. 3C 28.5.
 */
import { SEGMENT } from '../../isa/semantics';
import { STATE } from '../layout';
import { CR0, CR4, EFER, RIGHTS, setSegment } from '../mode';
import { EXIT } from './controls';
import { CR0_KEPT } from './guest-state';
import { MSR } from '../msr-numbers';
import type { Vmcs } from './vmcs';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

const CODE_RIGHTS = 0x809b;
const DATA_RIGHTS = 0xc093;
const TSS_RIGHTS = 0x8b;
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

/** Loads the host-state area of `vmcs`. False if the host's PDPTEs are invalid: a VMX abort follows. */
export function loadHostState(core: VmxCore, vmcs: Vmcs): boolean {
  const { processor } = core;
  const { state } = processor;
  const controls = vmcs.low(F.EXIT_CONTROLS);
  const is64 = (controls & EXIT.HOST_ADDRESS_SPACE_SIZE) !== 0;
  state.setWord(STATE.cr0, (state.word(STATE.cr0) & CR0_KEPT) | (vmcs.low(F.HOST_CR0) & ~CR0_KEPT));
  state.setQuad(STATE.cr3, vmcs.get(F.HOST_CR3));
  const cr4 = vmcs.low(F.HOST_CR4);
  state.setQuad(STATE.cr4, BigInt((is64 ? cr4 | CR4.PAE : cr4 & ~CR4.PCIDE) >>> 0));
  state.setQuad(STATE.dr7, 0x400n);
  processor.setStoredMsr(MSR.DEBUGCTL, 0n);
  processor.setStoredMsr(MSR.SYSENTER_CS, BigInt(vmcs.low(F.HOST_SYSENTER_CS)));
  processor.setStoredMsr(MSR.SYSENTER_ESP, vmcs.get(F.HOST_SYSENTER_ESP));
  processor.setStoredMsr(MSR.SYSENTER_EIP, vmcs.get(F.HOST_SYSENTER_EIP));
  const longBits = EFER.LMA | EFER.LME;
  const efer = controls & EXIT.LOAD_EFER ? vmcs.low(F.HOST_EFER) : state.word(STATE.efer);
  state.setWord(STATE.efer, is64 ? efer | longBits : efer & ~longBits);
  if (controls & EXIT.LOAD_PAT) processor.setStoredMsr(MSR.PAT, vmcs.get(F.HOST_PAT));
  loadSegments(core, vmcs, is64);
  state.setQuad(STATE.gdtr, vmcs.get(F.HOST_GDTR_BASE));
  state.setWord(STATE.gdtr + 8, 0xffff);
  state.setQuad(STATE.idtr, vmcs.get(F.HOST_IDTR_BASE));
  state.setWord(STATE.idtr + 8, 0xffff);
  state.rip = vmcs.get(F.HOST_RIP);
  state.setGeneral(4, vmcs.get(F.HOST_RSP));
  state.rflags = 2;
  processor.interruptibility.sti = processor.interruptibility.movSs = false;
  processor.pendingDebug = 0;
  processor.activity = 'active';
  processor.monitored = undefined;
  if (is64 || !(cr4 & CR4.PAE) || !(vmcs.low(F.HOST_CR0) & CR0.PG)) return true;
  return processor.loadPageDirectoryPointers(vmcs.get(F.HOST_CR3));
}
