/**
 * The guest's state while the processor is in VMX root operation: for debuggers and hashes, which want the guest's
 * registers wherever the machine happened to stop. Nothing is entered, injected or flushed.
 */
import { STATE } from '../layout';
import { SECONDARY } from './controls';
import type { GuestStateArea } from './guest-state';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** The part of the state area that a VM exit replaces: everything up to the vector registers. */
const START = STATE.general;
const END = STATE.vector;

/** MSRs that VM entry may load: IA32_DEBUGCTL, IA32_PAT, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP. */
const GUEST_MSRS = [0x1d9, 0x277, 0x174, 0x175, 0x176];

/** Runs `look` with the guest-state area loaded into the processor's state, and puts the host's back. */
export function lookAsGuest<T>(core: VmxCore, guest: GuestStateArea, look: () => T): T {
  const { state } = core.processor;
  const { current } = core;
  // A guest that is its own hypervisor is what runs in root operation.
  if (core.isNonRoot || !current || !core.nativeHost) return look();
  const { interruptibility, pendingDebug, activity, monitored } = core.processor;
  const blocking = { ...interruptibility };
  const bytes = state.u8.slice(START, END);
  const msrs = GUEST_MSRS.map((index) => core.processor.storedMsr(index));
  guest.load(current);
  core.processor.stateReplaced(false);
  if (core.secondary(SECONDARY.ENABLE_EPT)) state.setWord(STATE.eptRoot, current.low(F.EPT_POINTER) & ~0xfff);
  try {
    return look();
  } finally {
    GUEST_MSRS.forEach((index, i) => core.processor.setStoredMsr(index, msrs[i]!));
    Object.assign(interruptibility, blocking);
    core.processor.pendingDebug = pendingDebug;
    core.processor.activity = activity;
    core.processor.monitored = monitored;
    state.u8.set(bytes, START);
    core.processor.stateReplaced(false);
  }
}
