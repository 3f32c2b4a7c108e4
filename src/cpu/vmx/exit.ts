/**
 * VM exits: information fields, saving the guest, loading the host. Source: SDM Vol. 3C 28.1 to 28.7; VM-entry failures
 * that look like exits, 27.8.
 */
import { ATTENTION } from '../attention';
import { MODE, STATE } from '../layout';
import { EFER, EFLAGS } from '../mode';
import { setsResumeFlag } from '../event';
import { EXIT, PIN } from './controls';
import { encodeEvent } from './events';
import { ENTRY_FAILURE_BIT, EXIT_REASON } from './exit-reasons';
import { RESUME_FLAG } from './exit-record';
import type { ExitRecord } from './exit-record';
import type { GuestStateArea } from './guest-state';
import { HostStateArea } from './host-state';
import { ERROR_CODE_BIT, INTERRUPTION_TYPE, NMI_UNBLOCKING_BIT, VALID_BIT } from './interruption-information';
import { VMX_ABORT } from './msr-areas';
import { loadMsrs, storeMsrs } from './msr-transfer';
import type { TranslationRegime } from './translation-regime';
import type { Vmcs } from './vmcs';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** Bit 12 of the exit qualification of EPT violations: NMI unblocking due to IRET. */
const QUALIFICATION_NMI_UNBLOCKING = 0x1000;
const LINEAR_VALID = 0x80;

/** Carries out VM exits. */
export class VmExits {
  private readonly host: HostStateArea;

  constructor(
    private readonly core: VmxCore,
    private readonly guest: GuestStateArea,
    private readonly regime: TranslationRegime,
  ) {
    this.host = new HostStateArea(core);
  }

  /** Carries out the exit in the core's record, or else the one that an access left in `STATE.exit*`. */
  carryOut(): void {
    const { core } = this;
    const { exit, vmcs, processor } = core;
    if (!exit.recorded) this.recordAccess(exit);
    this.writeInformation(vmcs, exit);
    vmcs.store(F.ENTRY_INTERRUPTION_INFORMATION, vmcs.low(F.ENTRY_INTERRUPTION_INFORMATION) & ~VALID_BIT);
    this.guest.save(vmcs);
    exit.recorded = false;
    processor.vectoring = undefined;
    processor.nmiUnblockedByIret = false;
    if (storeMsrs(core, F.EXIT_MSR_STORE_COUNT, F.EXIT_MSR_STORE_ADDRESS))
      return this.abort(VMX_ABORT.SAVING_GUEST_MSRS);
    this.loadHost(vmcs);
  }

  /**
   * Back to a native host without an exit, after its emulator ran one instruction: guest state is saved as by a monitor
   * trap, the VM-exit information stays that of the exit that was emulated.
   */
  leave(): void {
    const { core } = this;
    core.exit.begin(EXIT_REASON.MONITOR_TRAP_FLAG, RESUME_FLAG.KEEP).recorded = false;
    this.guest.save(core.vmcs);
    this.loadHost(core.vmcs);
  }

  /** Ends a VM entry that failed after the checks on controls and host state: reason 33 or 34. */
  failEntry(reason: number, qualification: number): void {
    const { vmcs } = this.core;
    vmcs.store(F.EXIT_REASON, reason | ENTRY_FAILURE_BIT);
    vmcs.store(F.EXIT_QUALIFICATION, qualification);
    this.loadHost(vmcs);
  }

  private loadHost(vmcs: Vmcs): void {
    const { core } = this;
    const { state } = core.processor;
    const wasLong = (state.word(STATE.efer) & EFER.LMA) !== 0;
    const isExit = core.isNonRoot;
    const flush = isExit ? this.regime.leave() : true;
    core.modeBits = MODE.root;
    core.deadline = Infinity;
    core.monitorTrap = -1;
    core.tprBelowThreshold = false;
    state.setWord(STATE.eptRoot, 0);
    state.setWord(STATE.eptDirty, 0);
    state.setWord(STATE.intercepts, 0);
    state.setWord(STATE.attention, state.word(STATE.attention) & ~(ATTENTION.shadow | ATTENTION.trap | ATTENTION.vmx));
    const isHost64 = (vmcs.low(F.EXIT_CONTROLS) & EXIT.HOST_ADDRESS_SPACE_SIZE) !== 0;
    if (isExit && wasLong && !isHost64) return this.abort(VMX_ABORT.HOST_64_BIT_GUEST_MODE);
    const isNmi = isExit && (core.exit.interruption & 0x700) >>> 8 === INTERRUPTION_TYPE.NMI;
    const { interruptibility } = core.processor;
    interruptibility.nmi = isNmi || (interruptibility.nmi && !core.pin(PIN.VIRTUAL_NMIS));
    const isLoaded = this.host.load(vmcs);
    core.processor.stateReplaced(flush);
    if (!isLoaded) return this.abort(VMX_ABORT.INVALID_HOST_PDPTE);
    if (loadMsrs(core, F.EXIT_MSR_LOAD_COUNT, F.EXIT_MSR_LOAD_ADDRESS)) this.abort(VMX_ABORT.LOADING_HOST_MSRS);
  }

  /** VMX abort: the VMCS keeps the reason, the processor shuts down (SDM 28.7). */
  private abort(reason: number): void {
    this.core.vmcs.abortIndicator = reason;
    this.core.processor.activity = 'shutdown';
  }

  private recordAccess(exit: ExitRecord): void {
    const { state, vectoring } = this.core.processor;
    const reason = state.word(STATE.exitReason);
    const resumeFlag = vectoring && !setsResumeFlag(vectoring) ? RESUME_FLAG.KEEP : RESUME_FLAG.SET;
    exit.begin(reason, resumeFlag);
    this.core.resumeFlagBefore = (state.word(STATE.eflags) & EFLAGS.RF) !== 0;
    exit.physicalLow = state.word(STATE.exitPhysical);
    exit.physicalHigh = state.word(STATE.exitPhysical + 4);
    if (reason !== EXIT_REASON.EPT_VIOLATION) return;
    exit.qualificationLow = state.word(STATE.exitQualification);
    if (exit.qualificationLow & LINEAR_VALID) {
      exit.linearLow = state.word(STATE.exitLinear);
      exit.linearHigh = state.word(STATE.exitLinear + 4);
    }
  }

  private writeInformation(vmcs: Vmcs, exit: ExitRecord): void {
    const { vectoring, nmiUnblockedByIret } = this.core.processor;
    const { reason } = exit;
    const isEpt = reason === EXIT_REASON.EPT_VIOLATION || reason === EXIT_REASON.EPT_MISCONFIGURATION;
    const unblocks = nmiUnblockedByIret && !vectoring;
    vmcs.store(F.EXIT_REASON, reason);
    const qualification = exit.qualificationLow;
    const isViolation = reason === EXIT_REASON.EPT_VIOLATION;
    vmcs.store(
      F.EXIT_QUALIFICATION,
      unblocks && isViolation ? qualification | QUALIFICATION_NMI_UNBLOCKING : qualification,
      exit.qualificationHigh,
    );
    vmcs.store(F.GUEST_LINEAR_ADDRESS, exit.linearLow, exit.linearHigh);
    vmcs.store(F.GUEST_PHYSICAL_ADDRESS, exit.physicalLow, exit.physicalHigh);
    const interruption = exit.interruption;
    const isException = interruption !== 0 && reason === EXIT_REASON.EXCEPTION_OR_NMI;
    vmcs.store(
      F.EXIT_INTERRUPTION_INFORMATION,
      isException && unblocks ? interruption | NMI_UNBLOCKING_BIT : interruption,
    );
    vmcs.store(F.EXIT_INTERRUPTION_ERROR_CODE, exit.errorCode);
    // IDT-vectoring: exits that came up while an event was delivered (SDM 28.2.4).
    const event = vectoring && reason !== EXIT_REASON.TRIPLE_FAULT ? vectoring : undefined;
    const information = event ? encodeEvent(event, this.core.isProtected) : 0;
    vmcs.store(F.IDT_VECTORING_INFORMATION, information);
    vmcs.store(F.IDT_VECTORING_ERROR_CODE, event && information & ERROR_CODE_BIT ? event.errorCode! : 0);
    const length = event && (isEpt || isException) ? event.instructionLength : exit.instructionLength;
    vmcs.store(F.EXIT_INSTRUCTION_LENGTH, length);
    vmcs.store(F.EXIT_INSTRUCTION_INFORMATION, exit.instructionInformation);
  }
}

/** The resume flag of an exit that an event causes directly: what its delivery would have pushed. */
export function resumeFlagOf(event: Parameters<typeof setsResumeFlag>[0], flags: number): number {
  return setsResumeFlag(event) || flags & EFLAGS.RF ? RESUME_FLAG.SET : RESUME_FLAG.CLEAR;
}
