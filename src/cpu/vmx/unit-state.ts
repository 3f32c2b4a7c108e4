/** The VMX unit's part of a snapshot: plain data with a version. */
import { STATE } from '../layout';
import type { VmxCore } from './vmx-core';

/** What the unit holds besides machine memory and processor state. Pointers are physical addresses, -1 none. */
export interface VmxState {
  readonly version: 1;
  readonly vmxonPointer: number;
  readonly currentVmcs: number;
  /** `MODE.root`, `MODE.nonRoot` or 0. */
  readonly modeBits: number;
  /** Tick of the VMX-preemption timer's end; Infinity off. */
  readonly deadline: number;
  readonly monitorTrap: number;
  readonly tprBelowThreshold: boolean;
  /** `STATE.intercepts`, `STATE.eptRoot` and `STATE.eptDirty`: what the last VM entry loaded besides the guest. */
  readonly intercepts: number;
  readonly eptRoot: number;
  readonly eptDirty: number;
}

/** The unit's state as plain data. */
export function saveUnit(core: VmxCore): VmxState {
  const { vmxonPointer, currentVmcs, modeBits, deadline, monitorTrap, tprBelowThreshold } = core;
  const { state } = core.processor;
  return {
    ...({ version: 1, vmxonPointer, currentVmcs, modeBits, deadline, monitorTrap, tprBelowThreshold } as const),
    intercepts: state.word(STATE.intercepts),
    eptRoot: state.word(STATE.eptRoot),
    eptDirty: state.word(STATE.eptDirty),
  };
}

/** Takes over `state`: the next VM entry checks everything. A VMCS that stays current stays the same object. */
export function updateAfterRestore(core: VmxCore, state: VmxState): void {
  core.vmxonPointer = state.vmxonPointer;
  if (!core.current || core.currentVmcs !== state.currentVmcs) core.setCurrent(state.currentVmcs);
  core.current?.markAllWritten();
  core.modeBits = state.modeBits;
  core.deadline = state.deadline;
  core.monitorTrap = state.monitorTrap;
  core.tprBelowThreshold = state.tprBelowThreshold;
  const { state: words } = core.processor;
  words.setWord(STATE.intercepts, state.intercepts);
  words.setWord(STATE.eptRoot, state.eptRoot);
  words.setWord(STATE.eptDirty, state.eptDirty);
  core.exit.recorded = false;
  core.allowTaskSwitch = false;
}
