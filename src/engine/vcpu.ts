/**
 * One virtual processor at work: runs the interpreter between instruction boundaries, and at the boundaries does what
 * the SDM orders there: traps, exits, NMIs, interrupts, in that priority (SDM Vol. 3A, 6.9). It turns the interpreter's
 * outcomes into deliveries and VM exits.
 *
 * Under a hypervisor of ours (`nativeHost`) a VM exit ends the run; for a guest that is its own hypervisor the run goes
 * on in its root operation.
 */
import { assert } from '../common/assert';
import { EXIT_CHECKS } from '../isa/exits';
import { Outcome } from '../isa/slow';
import { ATTENTION } from '../cpu/attention';
import { eventOfFault } from '../cpu/event';
import type { ProcessorEvent } from '../cpu/event';
import { STATE } from '../cpu/layout';
import { EFLAGS } from '../cpu/mode';
import type { Processor } from '../cpu/processor';
import { GuestFault } from '../cpu/signals';
import type { ProcessorState } from '../cpu/state';
import type { VmxUnit } from '../cpu/vmx/unit';
import type { Delivery } from '../cpu/vmx-hooks';
import { VECTOR } from '../isa/semantics';
import type { Interpreter } from './interpreter';

/** Instructions per call of the generated code: V8 replaces a running function only when it is called again. */
const SLICE = 1 << 20;
/** Deliveries in a row without a completed instruction after which the machine stops. */
const MAX_DELIVERIES = 10_000;
/** DR6.BS: single step. */
const SINGLE_STEP = 0x4000;

/** The clock as the processor moves it. */
export interface VcpuClock {
  readonly ticks: number;
  startRun(running: () => number): void;
  endRun(completed: number): void;
}

/** Interrupt requests to the processor itself. */
export interface VcpuInterrupts {
  /** A maskable interrupt waits. */
  pending(): boolean;
  acknowledge(): number;
  readonly nmiPending: boolean;
  takeNmi(): boolean;
}

/** How a run ends. */
export type VcpuStop =
  /** The budget is spent. */
  | 'budget'
  /** A VM exit was carried out, to a native host. */
  | 'exit'
  /** The world's deadline has come. */
  | 'deadline'
  /** The debugger or the machine asked to stop before the next instruction. */
  | 'stop'
  /** HLT or MWAIT: nothing runs until an event. */
  | 'halted'
  /** Triple fault outside VMX non-root operation. */
  | 'shutdown'
  /** Deliveries follow one another without an instruction. */
  | 'stuck';

export interface VcpuParts {
  readonly state: ProcessorState;
  readonly processor: Processor;
  readonly vmx: VmxUnit;
  readonly interpreter: Interpreter;
  readonly clock: VcpuClock;
  readonly interrupts: VcpuInterrupts;
  readonly nativeHost: boolean;
  /** The tick at which a run must have ended for the world's sake; Infinity for none. */
  deadline(): number;
}

export class Vcpu {
  private readonly state: ProcessorState;
  private deliveries = 0;
  private stopWanted = false;

  constructor(private readonly parts: VcpuParts) {
    this.state = parts.state;
  }

  /** An interrupt or NMI request changed, or something else wants the next boundary looked at. */
  notice(): void {
    this.state.setWord(STATE.attention, this.state.word(STATE.attention) | ATTENTION.event);
    this.parts.interpreter.shorten(0);
  }

  /** Makes the run at hand end at the next boundary that it looks at; without a run, the next one at once. */
  requestStop(): void {
    this.stopWanted = true;
    this.notice();
  }

  /** Runs at most `budget` instructions. */
  run(budget: number): VcpuStop {
    const { parts, state } = this;
    const { clock, interpreter, processor } = parts;
    // Only instructions move the clock here.
    const end = clock.ticks + budget;
    for (;;) {
      const ended = this.boundary();
      if (ended) return ended;
      const left = end - clock.ticks;
      if (left <= 0) return 'budget';
      const attention = state.word(STATE.attention);
      const single =
        (attention & (ATTENTION.shadow | ATTENTION.trap | ATTENTION.observer)) !== 0 || parts.vmx.monitorTrapWaits;
      const flags = state.word(STATE.eflags);
      const shadow = attention & ATTENTION.shadow ? { ...processor.interruptibility } : undefined;
      const world = parts.deadline() - clock.ticks;
      if (world <= 0) return 'deadline';
      const timer = parts.vmx.isNonRoot ? parts.vmx.deadline - clock.ticks : Infinity;
      if (shadow) processor.endShadow();
      const limit = Math.min(left, world, timer, single ? 1 : SLICE);
      clock.startRun(() => interpreter.completedBefore);
      const outcome = interpreter.run(limit);
      const { completed } = interpreter;
      clock.endRun(completed);
      if (completed > 0) {
        this.deliveries = 0;
        this.completedWith(flags);
      } else if (shadow) this.closeShadow(shadow);
      const stop = this.after(outcome);
      if (stop) return stop;
    }
  }

  /** What an outcome of the interpreter asks for. */
  private after(outcome: Outcome): VcpuStop | undefined {
    switch (outcome) {
      case Outcome.Fault:
        return this.delivered(() => this.parts.processor.deliverFault());
      case Outcome.Exit:
        return this.exit();
      case Outcome.Intercept:
        return this.intercepted();
      case Outcome.Stop:
        return 'stop';
      default:
        return undefined;
    }
  }

  /** Carries out the exit that is due. */
  private exit(): VcpuStop | undefined {
    this.deliveries = 0;
    this.parts.vmx.carryOutExit();
    return this.parts.nativeHost ? 'exit' : undefined;
  }

  /** An instruction with an exit check: it exits, or runs once with its check off. */
  private intercepted(): VcpuStop | undefined {
    const { vmx, interpreter, clock } = this.parts;
    const check = EXIT_CHECKS[this.state.word(STATE.interceptCheck)]!;
    const decoded = interpreter.intercepted();
    assert(decoded, 'an intercepted instruction decodes');
    let exits: boolean;
    try {
      exits = vmx.intercept(check, decoded);
    } catch (signal) {
      if (signal instanceof GuestFault) return this.deliver(eventOfFault(signal));
      throw signal;
    }
    if (exits) return this.exit();
    const flags = this.state.word(STATE.eflags);
    vmx.beginEmulation([check], false);
    clock.startRun(() => interpreter.completedBefore);
    const outcome = interpreter.run(1);
    const { completed } = interpreter;
    clock.endRun(completed);
    vmx.endEmulation([check]);
    if (completed > 0) {
      this.deliveries = 0;
      this.completedWith(flags);
    }
    return outcome === Outcome.Intercept ? undefined : this.after(outcome);
  }

  /** Delivers an event through the IDT, or exits. */
  private deliver(event: ProcessorEvent): VcpuStop | undefined {
    return this.delivered(() => this.parts.processor.deliver(event));
  }

  private delivered(deliver: () => Delivery): VcpuStop | undefined {
    if (++this.deliveries > MAX_DELIVERIES) return 'stuck';
    switch (deliver()) {
      case 'delivered':
        return undefined;
      case 'exit':
        return this.exit();
      case 'shutdown':
        return 'shutdown';
    }
  }

  /** Looks at everything that comes between two instructions; a reason when the run ends here. */
  private boundary(): VcpuStop | undefined {
    const { processor, vmx, interrupts, clock } = this.parts;
    for (;;) {
      if (this.stopWanted) {
        this.stopWanted = false;
        return 'stop';
      }
      const attention = this.state.word(STATE.attention);
      const timer = vmx.isNonRoot && vmx.deadline <= clock.ticks;
      if (attention === 0 && !timer && processor.activity === 'active') return undefined;
      const { interruptibility } = processor;
      const blocked = interruptibility.movSs;
      if (vmx.boundaryExits('trap')) return this.exitOrContinue();
      if (processor.pendingDebug !== 0 && !blocked) {
        const debugStatus = processor.pendingDebug;
        processor.pendingDebug = 0;
        const stop = this.deliver({ kind: 'exception', vector: VECTOR.DB, debugStatus, instructionLength: 0 });
        if (stop) return stop;
        continue;
      }
      if (vmx.boundaryExits('nmi')) return this.exitOrContinue();
      if (interrupts.nmiPending && !interruptibility.nmi && !blocked && interrupts.takeNmi()) {
        const stop = this.deliver({ kind: 'nmi', vector: VECTOR.NMI, instructionLength: 0 });
        if (stop) return stop;
        continue;
      }
      if (vmx.boundaryExits('interrupt')) return this.exitOrContinue();
      if (interrupts.pending()) {
        if (vmx.externalInterruptExits(() => interrupts.acknowledge())) return this.exitOrContinue();
        if (this.acceptsInterrupts() && !blocked && !interruptibility.sti) {
          const vector = interrupts.acknowledge();
          const stop = this.deliver({ kind: 'external', vector, instructionLength: 0 });
          if (stop) return stop;
          continue;
        }
      }
      if (processor.activity === 'mwait' && interrupts.pending() && processor.wakesOnMasked)
        processor.activity = 'active';
      if (!interrupts.pending() && !interrupts.nmiPending) {
        this.state.setWord(STATE.attention, this.state.word(STATE.attention) & ~ATTENTION.event);
      }
      return processor.activity === 'active' ? undefined : processor.activity === 'shutdown' ? 'shutdown' : 'halted';
    }
  }

  /** EFLAGS.IF. */
  private acceptsInterrupts(): boolean {
    return (this.state.word(STATE.eflags) & EFLAGS.IF) !== 0;
  }

  private exitOrContinue(): VcpuStop | undefined {
    return this.exit() ?? this.boundary();
  }

  /**
   * An instruction that began with `flags` is complete: TF then traps behind it, RF has done its work. Only single
   * instructions run with either set, since both hold the processor's attention.
   */
  private completedWith(flags: number): void {
    if (!(flags & (EFLAGS.TF | EFLAGS.RF))) return;
    const { state } = this;
    const { processor } = this.parts;
    if (flags & EFLAGS.RF) state.setWord(STATE.eflags, state.word(STATE.eflags) & ~EFLAGS.RF);
    if (flags & EFLAGS.TF) processor.pendingDebug |= SINGLE_STEP;
    const traps = processor.pendingDebug !== 0 || (state.word(STATE.eflags) & EFLAGS.TF) !== 0;
    const others = state.word(STATE.attention) & ~ATTENTION.trap;
    state.setWord(STATE.attention, traps ? others | ATTENTION.trap : others);
  }

  /** The instruction did not complete: the shadow is still there. */
  private closeShadow(shadow: { readonly sti: boolean; readonly movSs: boolean }): void {
    const { interruptibility } = this.parts.processor;
    interruptibility.sti = shadow.sti;
    interruptibility.movSs = shadow.movSs;
    this.state.setWord(STATE.attention, this.state.word(STATE.attention) | ATTENTION.shadow);
  }
}
