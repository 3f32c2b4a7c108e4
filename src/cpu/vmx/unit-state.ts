/** The VMX unit's part of a snapshot: plain data with a version. */
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
  core.exit.recorded = false;
  core.allowTaskSwitch = false;
}
