/**
 * VM entries: checks, loading the guest, event injection. Source: SDM Vol. 3C chapter 27.
 *
 * NOT IMPLEMENTED: entries to and from SMM.
 */
import { ATTENTION } from '../attention';
import { MODE, STATE } from '../layout';
import { EFLAGS } from '../mode';
import { PIN, PRIMARY, SECONDARY } from './controls';
import { checkEntry } from './entry-checks/entry-checks';
import { decodeEvent } from './events';
import type { VmExits } from './exit';
import { EXIT_REASON } from './exit-reasons';
import type { GuestStateArea } from './guest-state';
import { VM_INSTRUCTION_ERROR } from './instruction-errors';
import { InterceptWord } from './intercept-word';
import { INTERRUPTION_TYPE, VALID_BIT } from './interruption-information';
import { loadMsrs } from './msr-transfer';
import type { TranslationRegime } from './translation-regime';
import type { Vmcs } from './vmcs';
import { F } from './vmcs-layout';
import { NO_POINTER } from './vmx-core';
import type { VmxCore } from './vmx-core';

/**
 * How VMLAUNCH or VMRESUME ends: `entered` the guest runs next; `exit` a VM exit (or a failed entry that looks like one)
 * has been carried out; a number is the VM-instruction error of VMfail; `invalid` is VMfailInvalid.
 */
export type EntryResult = 'entered' | 'exit' | 'invalid' | number;

/** The part of the EPT pointer that machine memory, which lies below 4 GiB, can need. */
const EPT_ROOT = 0xffff_f000;
const EPTP_ACCESSED_DIRTY = 0x40;
/** `VmxCore.monitorTrap`: due before the next instruction. */
export const MONITOR_TRAP_DUE = -2;

/** Carries out VM entries. */
export class VmEntries {
  private readonly intercepts: InterceptWord;

  constructor(
    private readonly core: VmxCore,
    private readonly guest: GuestStateArea,
    private readonly exits: VmExits,
    private readonly regime: TranslationRegime,
  ) {
    this.intercepts = new InterceptWord(core);
  }

  /** VMLAUNCH (`launch`) or VMRESUME in VMX root operation; the caller has checked mode and privilege. */
  enter(launch: boolean): EntryResult {
    const { core } = this;
    const vmcs = core.current;
    if (core.currentVmcs === NO_POINTER || !vmcs) return 'invalid';
    if (core.processor.interruptibility.movSs) return VM_INSTRUCTION_ERROR.ENTRY_BLOCKED_BY_MOV_SS;
    if (launch && vmcs.launched) return VM_INSTRUCTION_ERROR.VMLAUNCH_NON_CLEAR;
    if (!launch && !vmcs.launched) return VM_INSTRUCTION_ERROR.VMRESUME_NON_LAUNCHED;
    core.noteLongMode();
    const failure = checkEntry(vmcs, core);
    if (failure) {
      core.lastFailure = failure;
      core.processor.entryRefused({ rule: failure.rule, section: failure.section, field: failure.field.name });
      if (failure.kind === 'control') return VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROL_FIELDS;
      if (failure.kind === 'host') return VM_INSTRUCTION_ERROR.ENTRY_INVALID_HOST_STATE;
      this.exits.failEntry(EXIT_REASON.ENTRY_FAILURE_GUEST_STATE, failure.qualification);
      return 'exit';
    }
    this.loadTranslation(vmcs);
    this.guest.load(vmcs);
    const failedMsr = loadMsrs(core, F.ENTRY_MSR_LOAD_COUNT, F.ENTRY_MSR_LOAD_ADDRESS);
    if (failedMsr) {
      core.processor.entryRefused({ rule: 'MSR loading', section: '27.4', field: F.ENTRY_MSR_LOAD_ADDRESS.name });
      this.exits.failEntry(EXIT_REASON.ENTRY_FAILURE_MSR_LOADING, failedMsr);
      return 'exit';
    }
    vmcs.launched = true;
    core.modeBits = MODE.nonRoot;
    core.processor.state.setWord(STATE.intercepts, this.intercepts.current());
    core.processor.vectoring = undefined;
    this.armBoundaries(vmcs);
    core.processor.stateReplaced(this.regime.enter());
    this.attend();
    return this.inject(vmcs);
  }

  /**
   * In VMX non-root operation: derives anew what the last entry made of the control fields, which a debugger has changed
   * since. The VMX-preemption timer goes on as it is.
   */
  controlsReplaced(): void {
    const { core } = this;
    if (!core.isNonRoot) return;
    this.loadTranslation(core.vmcs);
    core.processor.state.setWord(STATE.intercepts, this.intercepts.current());
    core.processor.stateReplaced(true);
    core.processor.requestAttention();
  }

  private loadTranslation(vmcs: Vmcs): void {
    const { state } = this.core.processor;
    const usesEpt = this.core.secondary(SECONDARY.ENABLE_EPT);
    const pointer = usesEpt ? vmcs.low(F.EPT_POINTER) : 0;
    state.setWord(STATE.eptRoot, usesEpt ? (pointer & EPT_ROOT) >>> 0 : 0);
    state.setWord(STATE.eptDirty, pointer & EPTP_ACCESSED_DIRTY ? 1 : 0);
  }

  private armBoundaries(vmcs: Vmcs): void {
    const { core } = this;
    const { processor } = core;
    const usesTimer = core.pin(PIN.ACTIVATE_PREEMPTION_TIMER);
    core.deadline = usesTimer ? processor.ticks() + vmcs.low(F.PREEMPTION_TIMER_VALUE) : Infinity;
    core.monitorTrap = -1;
    const windows = PRIMARY.INTERRUPT_WINDOW_EXITING | PRIMARY.NMI_WINDOW_EXITING | PRIMARY.MONITOR_TRAP_FLAG;
    const isDue = core.deadline <= processor.ticks();
    if (isDue || core.primary(windows | PRIMARY.USE_TPR_SHADOW)) processor.requestAttention();
    // The first instruction arms the monitor trap flag: see `boundaryExits`.
  }

  /** What the guest-state area brought is looked at from the first boundary on: shadows and traps. */
  private attend(): void {
    const { state, interruptibility, pendingDebug } = this.core.processor;
    const { sti, movSs } = interruptibility;
    const traps = pendingDebug !== 0 || (state.word(STATE.eflags) & EFLAGS.TF) !== 0;
    const bits = (sti || movSs ? ATTENTION.shadow : 0) | (traps ? ATTENTION.trap : 0);
    if (bits) state.setWord(STATE.attention, state.word(STATE.attention) | bits);
  }

  private inject(vmcs: Vmcs): EntryResult {
    const { core } = this;
    const { processor } = core;
    const word = vmcs.low(F.ENTRY_INTERRUPTION_INFORMATION);
    core.injectionDelivered = false;
    if (!(word & VALID_BIT)) return 'entered';
    if (((word >>> 8) & 7) === INTERRUPTION_TYPE.OTHER_EVENT) {
      core.monitorTrap = MONITOR_TRAP_DUE;
      processor.requestAttention();
      return 'entered';
    }
    processor.activity = 'active';
    if (!keepsPendingDebug(word, processor.interruptibility.movSs)) processor.pendingDebug = 0;
    const event = decodeEvent(word, vmcs.low(F.ENTRY_EXCEPTION_ERROR_CODE), vmcs.low(F.ENTRY_INSTRUCTION_LENGTH));
    core.injectionDelivered = true;
    const delivery = processor.deliver(event, true);
    if (delivery === 'exit') {
      this.exits.carryOut();
      return 'exit';
    }
    if (delivery === 'held') core.injectionDelivered = false;
    if (core.primary(PRIMARY.MONITOR_TRAP_FLAG)) {
      core.monitorTrap = MONITOR_TRAP_DUE;
      processor.requestAttention();
    }
    return 'entered';
  }
}

/** Which injections leave pending debug exceptions pending (SDM 27.7.3). */
function keepsPendingDebug(word: number, blockedByMovSs: boolean): boolean {
  const type = (word >>> 8) & 7;
  const isSoftware = type === INTERRUPTION_TYPE.SOFTWARE_INTERRUPT || type === INTERRUPTION_TYPE.SOFTWARE_EXCEPTION;
  return isSoftware && blockedByMovSs;
}
