/**
 * What makes a run of the machine stop for a debugger: breakpoints, VM exits, exceptions, and whatever else its observer
 * wants to see. Nothing here changes what the guest does; a stop that comes while an instruction is tried again (after an
 * EPT violation, say, or because a slice ended there) is not counted twice.
 */
import { isSoftware } from '../cpu/event';
import type { ProcessorEvent } from '../cpu/event';
import type { Processor } from '../cpu/processor';
import { decodeEvent } from '../cpu/vmx/events';
import { EXIT_REASON } from '../cpu/vmx/exit-reasons';
import type { VmxUnit } from '../cpu/vmx/unit';
import type { Interpreter } from '../engine/interpreter';
import type { Vcpu } from '../engine/vcpu';
import type { WatchedAccess } from '../engine/watches';
import { ExitAction } from '../vmm/exit-log';
import type { ExitEntry } from '../vmm/exit-log';
import type { Hypervisor } from '../vmm/hypervisor';
import type { MachineClock } from './clock';
import type { MachineObserver } from './observer';
import type { RunResult } from './run-result';

/** The parts of a machine that can be stopped. */
export interface StoppedParts {
  readonly processor: Processor;
  readonly interpreter: Interpreter;
  readonly vmx: VmxUnit;
  readonly vcpu: Vcpu;
  readonly clock: MachineClock;
  readonly hypervisor: Hypervisor | undefined;
}

/** An instruction that is to begin: how many were completed before, and its linear address. */
interface Place {
  readonly instructions: number;
  readonly linear: bigint;
}

const NOWHERE: Place = { instructions: -1, linear: 0n };
const VECTOR_BITS = 0xff;

export class Stops {
  private observer: MachineObserver = {};
  private exitFilter: ((exit: ExitEntry) => boolean) | undefined;
  private isAsked = false;
  private breakpoint: bigint | undefined;
  private exit: ExitEntry | undefined;
  /** Where breakpoints were looked for last. */
  private lookedAt = NOWHERE;
  private heldAt = NOWHERE;
  /** The exception that is let through when it is raised again. */
  private passing: (Place & { readonly vector: number }) | undefined;

  constructor(private readonly parts: StoppedParts) {}

  /** Replaces what the run stops for, but for exits. */
  observe(observer: MachineObserver): void {
    this.observer = observer;
    const { raised, delivered, returned, addressSpaceLoaded, entryRefused } = observer;
    const stopIf = (isMet: boolean): void => void (isMet && this.stopHere());
    this.parts.processor.observer = {
      ...(raised && { raised: (event) => this.isHeld(event, raised) }),
      ...(delivered && { delivered: (event) => stopIf(delivered(event)) }),
      ...(returned && { returned: () => stopIf(returned()) }),
      ...(addressSpaceLoaded && { addressSpaceLoaded: () => stopIf(addressSpaceLoaded()) }),
      ...(entryRefused && { entryRefused: (refusal) => stopIf(entryRefused(refusal)) }),
    };
  }

  /** Replaces the choice of exits after which the run stops. */
  setExitFilter(filter: ((exit: ExitEntry) => boolean) | undefined): void {
    this.exitFilter = filter;
  }

  /** A run begins. */
  begin(): void {
    this.breakpoint = this.exit = undefined;
  }

  /** Somebody asks for a stop. */
  ask(): void {
    this.isAsked = true;
  }

  /** Why the run that was told to stop did; `budget` if only its slice of time was over. */
  take(): RunResult {
    const { breakpoint, exit, isAsked } = this;
    this.isAsked = false;
    if (breakpoint !== undefined) return { reason: 'breakpoint', linear: breakpoint };
    if (exit) return { reason: 'vm exit', exit };
    return { reason: isAsked ? 'stop requested' : 'budget' };
  }

  /** The instruction at a breakpoint is to begin: true stops before it. */
  isAt(linear: bigint): boolean {
    if (!this.comesTo(linear) || this.observer.breakpoint?.(linear) === false) return false;
    this.breakpoint = linear;
    return true;
  }

  /** Between two runs: true if breakpoints were not yet looked for where the guest stands; then they count as looked for. */
  arrives(linear: bigint): boolean {
    return this.comesTo(linear) && !this.parts.interpreter.isWithinRepeat(linear);
  }

  /** The debugger has changed something: an exception that waits is raised anew, if the instruction still does. */
  edited(linear: bigint): void {
    this.comesTo(linear);
    const { processor } = this.parts;
    const { held } = processor;
    if (held && processor.dropHeld()) this.passing = { ...this.heldAt, vector: held.event.vector };
  }

  /** Accesses met watches. */
  watched(accesses: readonly WatchedAccess[]): void {
    if (this.observer.watched?.(accesses)) this.stopHere();
  }

  /** A VM exit has been dealt with; the guest is not yet entered again. */
  exited(): void {
    const { exitFilter, observer } = this;
    if (!exitFilter && !observer.raised) return;
    const { exits } = this.parts.hypervisor!;
    const exit = exits.entry(exits.count - 1)!;
    if (exitFilter?.(exit)) {
      this.exit = exit;
      this.stopHere();
    }
    if (observer.raised && exit.action === ExitAction.Injected) this.injected(exit, observer.raised);
  }

  /** The hypervisor raises an exception in the guest, other than the one that has exited. */
  private injected(exit: ExitEntry, raised: (event: ProcessorEvent) => boolean): void {
    const { event } = this.parts.hypervisor!.waiting;
    if (!event) return;
    const isReflected = (exit.reason & 0xffff) === EXIT_REASON.EXCEPTION_OR_NMI;
    if (isReflected && (exit.interruption & VECTOR_BITS) === (event.information & VECTOR_BITS)) return;
    if (raised(decodeEvent(event.information, event.errorCode, event.instructionLength))) this.stopHere();
  }

  /** An exception of the guest: the debugger may want it held back, but not again when it is raised anew. */
  private isHeld(event: ProcessorEvent, raised: (event: ProcessorEvent) => boolean): boolean {
    const { passing } = this;
    this.passing = undefined;
    const { instructions } = this.parts.clock;
    const linear = this.parts.interpreter.linearRip();
    const isSame = passing?.instructions === instructions && passing.linear === linear;
    if ((isSame && passing.vector === event.vector) || !raised(event)) return false;
    this.heldAt = { instructions, linear };
    if (isSoftware(event)) {
      // Its instruction leaves by itself, and raises it anew.
      this.passing = { ...this.heldAt, vector: event.vector };
      this.isAsked = true;
    } else {
      this.stopHere();
    }
    return true;
  }

  /** True unless breakpoints were looked for at this place before. */
  private comesTo(linear: bigint): boolean {
    const { instructions } = this.parts.clock;
    if (linear === this.lookedAt.linear && instructions === this.lookedAt.instructions) return false;
    this.lookedAt = { instructions, linear };
    return true;
  }

  /** Ends the run before the next instruction. */
  private stopHere(): void {
    const { hypervisor, vmx, vcpu } = this.parts;
    this.isAsked = true;
    if (hypervisor && !vmx.isNonRoot) hypervisor.requestStop();
    else vcpu.requestStop();
  }
}
