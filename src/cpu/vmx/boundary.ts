/**
 * Exits between instructions: monitor trap flag, VMX-preemption timer, NMI and interrupt windows, TPR threshold,
 * external interrupts, NMIs and exceptions. Source: SDM Vol. 3C 26.2, 26.5 and 30.1.2 (TPR threshold).
 */
import { EFLAGS } from '../mode';
import { STATE } from '../layout';
import type { ProcessorEvent } from '../event';
import { VECTOR } from '../../isa/semantics';
import { exceptionExits } from './bitmaps';
import { EXIT, PIN, PRIMARY } from './controls';
import { MONITOR_TRAP_DUE } from './entry';
import { encodeEvent } from './events';
import { resumeFlagOf } from './exit';
import { EXIT_REASON } from './exit-reasons';
import { RESUME_FLAG } from './exit-record';
import { encodeInterruption, INTERRUPTION_TYPE } from './interruption-information';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** Where a boundary is asked for exits, in order of priority. */
export type BoundaryStage = 'trap' | 'nmi' | 'interrupt';

const DEBUG_STATUS_BITS = 0x600f;

/** Decides about exits that no instruction causes. */
export class Boundary {
  constructor(private readonly core: VmxCore) {}

  /** True when an exit is recorded. */
  exits(stage: BoundaryStage): boolean {
    const { core } = this;
    if (!core.isNonRoot) return false;
    switch (stage) {
      case 'trap':
        return this.monitorTrapExits();
      case 'nmi':
        return this.timerExits() || this.nmiWindowExits();
      case 'interrupt':
        return this.tprExits() || this.interruptWindowExits();
    }
  }

  /** An external interrupt waits; `acknowledge` gives its vector. */
  externalInterruptExits(acknowledge: () => number): boolean {
    const { core } = this;
    if (!core.isNonRoot || !core.pin(PIN.EXTERNAL_INTERRUPT_EXITING) || this.isShadowed()) return false;
    this.record(EXIT_REASON.EXTERNAL_INTERRUPT);
    if (core.vmcs.low(F.EXIT_CONTROLS) & EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT)
      core.exit.interruption = encodeInterruption(acknowledge(), INTERRUPTION_TYPE.EXTERNAL_INTERRUPT);
    return true;
  }

  /** An exception or NMI is about to be delivered. */
  eventExits(event: ProcessorEvent): boolean {
    const { core } = this;
    if (!core.isNonRoot) return false;
    core.injectionDelivered = false;
    if (core.primary(PRIMARY.MONITOR_TRAP_FLAG)) {
      core.monitorTrap = MONITOR_TRAP_DUE;
      core.processor.requestAttention();
    }
    if (!this.isIntercepted(event)) return false;
    const exit = core.exit.begin(EXIT_REASON.EXCEPTION_OR_NMI, resumeFlagOf(event, core.processor.state.rflags));
    exit.interruption = encodeEvent(event, core.isProtected);
    exit.errorCode = core.isProtected ? (event.errorCode ?? 0) : 0;
    exit.instructionLength = event.instructionLength;
    if (event.vector === VECTOR.PF) exit.qualify(event.address ?? 0n);
    if (event.vector === VECTOR.DB) exit.qualificationLow = (event.debugStatus ?? 0) & DEBUG_STATUS_BITS;
    return true;
  }

  private isIntercepted(event: ProcessorEvent): boolean {
    const { vmcs } = this.core;
    if (event.kind === 'nmi') return this.core.pin(PIN.NMI_EXITING);
    if (event.kind === 'external' || event.kind === 'software interrupt') return false;
    const controls = {
      bitmap: vmcs.low(F.EXCEPTION_BITMAP),
      mask: vmcs.low(F.PAGE_FAULT_ERROR_CODE_MASK),
      match: vmcs.low(F.PAGE_FAULT_ERROR_CODE_MATCH),
    };
    return exceptionExits(controls, event.vector, event.errorCode ?? 0);
  }

  private monitorTrapExits(): boolean {
    const { core } = this;
    const armed = core.monitorTrap;
    if (armed === -1 && !core.primary(PRIMARY.MONITOR_TRAP_FLAG)) return false;
    const now = core.processor.ticks();
    if (armed === MONITOR_TRAP_DUE || (armed >= 0 && armed !== now)) {
      this.record(EXIT_REASON.MONITOR_TRAP_FLAG);
      return true;
    }
    core.monitorTrap = now;
    core.processor.requestAttention();
    return false;
  }

  private timerExits(): boolean {
    if (this.core.deadline > this.core.processor.ticks()) return false;
    this.record(EXIT_REASON.PREEMPTION_TIMER_EXPIRED);
    return true;
  }

  private nmiWindowExits(): boolean {
    const { core } = this;
    if (!core.primary(PRIMARY.NMI_WINDOW_EXITING)) return false;
    if (core.processor.interruptibility.nmi || this.isShadowed()) {
      core.processor.requestAttention();
      return false;
    }
    this.record(EXIT_REASON.NMI_WINDOW);
    return true;
  }

  private interruptWindowExits(): boolean {
    const { core } = this;
    if (!core.primary(PRIMARY.INTERRUPT_WINDOW_EXITING)) return false;
    const isOpen = (core.processor.state.word(STATE.eflags) & EFLAGS.IF) !== 0 && !this.isShadowed();
    if (isOpen) this.record(EXIT_REASON.INTERRUPT_WINDOW);
    else core.processor.requestAttention();
    return isOpen;
  }

  private tprExits(): boolean {
    if (!this.core.tprBelowThreshold) return false;
    this.core.tprBelowThreshold = false;
    this.record(EXIT_REASON.TPR_BELOW_THRESHOLD);
    return true;
  }

  private isShadowed(): boolean {
    const { sti, movSs } = this.core.processor.interruptibility;
    return sti || movSs;
  }

  private record(reason: number): void {
    this.core.exit.begin(reason, RESUME_FLAG.KEEP);
  }
}
