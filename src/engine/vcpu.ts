/**
 * One virtual processor at work: runs the interpreter between instruction boundaries, and at the boundaries does what
 * the SDM orders there: traps, exits, NMIs, interrupts, in that priority (SDM Vol. 3A, 6.9). It turns the interpreter's
 * outcomes into deliveries and VM exits.
 *
 * Under a hypervisor of ours (`nativeHost`) a VM exit ends the run; for a guest that is its own hypervisor the run goes
 * on in its root operation.
 */
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
import { DebugExceptions } from './debug-exceptions';
import type { Interpreter } from './interpreter';
import type { WatchedAccess } from './watches';

/**
 * Instructions per call of the generated code, a millisecond or a few: V8 replaces a running function only when it is called
 * again, and only between calls can the host's time end the run.
 */
const SLICE = 1 << 19;
/** `VcpuParts.isOver` is asked after this much work, of which a call of the generated code costs some itself. */
const WORK_BETWEEN_QUESTIONS = 1 << 16;
const WORK_OF_A_CALL = 1 << 12;
/** Deliveries in a row without a completed instruction after which the machine stops. */
const MAX_DELIVERIES = 10_000;
/** True behind a completed instruction (or iteration); with other outcomes the last one that began did not complete. */
const isCompleted = (outcome: Outcome): boolean =>
  outcome === Outcome.DoneCheck || outcome === Outcome.JumpedCheck || outcome === Outcome.Budget;
/** DR6.BS: single step. */
const SINGLE_STEP = 0x4000;

/** The clock as the processor moves it. */
export interface VcpuClock {
  readonly instructions: number;
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
  /** Told, behind the instruction or event delivery, of its accesses that met a watch (`Interpreter.setWatches`). */
  watched?(accesses: readonly WatchedAccess[]): void;
  /** Asked now and then, at least every 500,000 instructions or so: true ends the run, with `stop`. */
  isOver?(): boolean;
}

/** The run loop's part of a snapshot. */
export interface VcpuState {
  /** Deliveries since the last completed instruction. */
  readonly deliveries: number;
  /** The next run ends at once. */
  readonly stopWanted: boolean;
}

export class Vcpu {
  private readonly state: ProcessorState;
  private readonly debug: DebugExceptions;
  private deliveries = 0;
  /** The run at hand ends behind a delivery. */
  private alone = false;
  private stopWanted = false;
  private workLeft = WORK_BETWEEN_QUESTIONS;
  private readonly completedBefore = (): number => this.parts.interpreter.completedBefore;

  constructor(private readonly parts: VcpuParts) {
    this.state = parts.state;
    this.debug = new DebugExceptions(parts.state, parts.processor, parts.interpreter);
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

  /** What decides the next step besides processor and memory. */
  save(): VcpuState {
    const { deliveries, stopWanted } = this;
    return { deliveries, stopWanted };
  }

  restore({ deliveries, stopWanted }: VcpuState): void {
    this.deliveries = deliveries;
    this.stopWanted = stopWanted;
  }

  /** Runs at most `budget` instructions; `alone`: an event that is delivered ends the run with `budget` as well. */
  run(budget: number, alone = false): VcpuStop {
    const { parts, state } = this;
    this.alone = alone;
    const { clock } = parts;
    // What VM entry delivered came before this run.
    this.metWatches(parts.interpreter.takeWatchedAccesses());
    const end = clock.instructions + budget;
    for (;;) {
      this.debug.arm();
      const ended = this.boundary();
      if (ended) return ended;
      const left = end - clock.instructions;
      if (left <= 0) return 'budget';
      const attention = state.word(STATE.attention);
      const single =
        (attention & (ATTENTION.shadow | ATTENTION.trap | ATTENTION.observer)) !== 0 || parts.vmx.monitorTrapWaits;
      const world = parts.deadline() - clock.ticks;
      if (world <= 0) return 'deadline';
      const timer = parts.vmx.isNonRoot ? parts.vmx.deadline - clock.ticks : Infinity;
      const exact = Math.min(left, world, timer, single ? 1 : Infinity);
      const outcome = exact > SLICE ? this.execute(SLICE, true) : this.execute(exact);
      const stop = this.after(outcome);
      this.workLeft -= WORK_OF_A_CALL + parts.interpreter.completed;
      if (this.workLeft < 0) {
        this.workLeft = WORK_BETWEEN_QUESTIONS;
        if (parts.isOver?.()) this.stopWanted = true;
      }
      if (stop) return stop;
    }
  }

  /**
   * Runs at most `limit` instructions (`mayEndEarly`: see `Interpreter.run`). Blocking by STI and MOV SS and RF, which
   * suppresses breakpoints, end with the first; if it does not complete they are as before.
   */
  private execute(limit: number, mayEndEarly = false): Outcome {
    const { state } = this;
    const { clock, interpreter, processor } = this.parts;
    const flags = state.word(STATE.eflags);
    const resumes = (flags & EFLAGS.RF) !== 0;
    const isShadowed = (state.word(STATE.attention) & ATTENTION.shadow) !== 0;
    const shadow = isShadowed ? { ...processor.interruptibility } : undefined;
    if (shadow) processor.endShadow();
    if (resumes) state.setWord(STATE.eflags, flags & ~EFLAGS.RF);
    processor.updateTimeStamp();
    const { ticks } = clock;
    clock.startRun(this.completedBefore);
    const outcome = interpreter.run(limit, resumes || shadow?.movSs === true, ticks, mayEndEarly);
    const { completed } = interpreter;
    clock.endRun(completed);
    if (interpreter.endsBehindSti) processor.blockBySti();
    const accesses = interpreter.takeWatchedAccesses();
    if (completed > 0) {
      this.deliveries = 0;
      this.completedWith(flags);
    } else {
      if (shadow) this.closeShadow(shadow);
      if (resumes) state.setWord(STATE.eflags, state.word(STATE.eflags) | EFLAGS.RF);
    }
    if (isCompleted(outcome)) this.metWatches(accesses);
    return outcome;
  }

  /** The accesses happened: the debug registers' breakpoints trap, the debugger is told. */
  private metWatches(accesses: readonly WatchedAccess[]): void {
    if (accesses.length === 0) return;
    this.debug.met(accesses);
    this.parts.watched?.(accesses);
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
    const { vmx, interpreter } = this.parts;
    const check = EXIT_CHECKS[this.state.word(STATE.interceptCheck)]!;
    const decoded = interpreter.intercepted();
    let exits: boolean;
    try {
      exits = vmx.intercept(check, decoded);
    } catch (signal) {
      if (signal instanceof GuestFault) {
        const fault = eventOfFault(signal);
        return this.delivered(() => this.parts.processor.deliverRaised(fault));
      }
      throw signal;
    }
    if (exits) return this.exit();
    vmx.beginEmulation([check], false);
    const outcome = this.execute(1);
    vmx.endEmulation([check]);
    return outcome === Outcome.Intercept ? undefined : this.after(outcome);
  }

  /** Delivers an event through the IDT, or exits. */
  private deliver(event: ProcessorEvent): VcpuStop | undefined {
    return this.delivered(() => this.parts.processor.deliver(event));
  }

  private delivered(deliver: () => Delivery): VcpuStop | undefined {
    if (++this.deliveries > MAX_DELIVERIES) return 'stuck';
    const delivery = deliver();
    const accesses = this.parts.interpreter.takeWatchedAccesses();
    switch (delivery) {
      case 'delivered':
        this.metWatches(accesses);
        return this.alone ? 'budget' : undefined;
      case 'exit':
        return this.exit();
      case 'shutdown':
        return 'shutdown';
      case 'held':
        this.deliveries--;
        return undefined;
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
      if (processor.held) {
        const stop = this.delivered(() => processor.deliverHeld());
        if (stop) return stop;
        continue;
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
   * The instructions that ran are complete; the first began with `flags`. With TF set it was the only one, and traps now.
   * Between iterations of a REP instruction RF is set, so that events push it and going on meets no breakpoint there again
   * (SDM Vol. 3B, 17.3.1.1).
   */
  private completedWith(flags: number): void {
    const { state } = this;
    const { processor, interpreter } = this.parts;
    const suppressesTrap = processor.takeSingleStepSuppression();
    if (flags & EFLAGS.TF && !suppressesTrap) processor.pendingDebug |= SINGLE_STEP;
    if (interpreter.isBetweenIterations) state.setWord(STATE.eflags, state.word(STATE.eflags) | EFLAGS.RF);
    const attention = state.word(STATE.attention);
    if (!(attention & ATTENTION.trap)) return;
    const traps = processor.pendingDebug !== 0 || (state.word(STATE.eflags) & EFLAGS.TF) !== 0;
    if (!traps) state.setWord(STATE.attention, attention & ~ATTENTION.trap);
  }

  /** The instruction did not complete: the shadow is still there. */
  private closeShadow(shadow: { readonly sti: boolean; readonly movSs: boolean }): void {
    const { interruptibility } = this.parts.processor;
    interruptibility.sti = shadow.sti;
    interruptibility.movSs = shadow.movSs;
    this.state.setWord(STATE.attention, this.state.word(STATE.attention) | ATTENTION.shadow);
  }
}
