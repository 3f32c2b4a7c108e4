/**
 * The processor's TypeScript half: slow functions and event delivery over the state that emitted code works on.
 *
 * Source: SDM Vol. 2 and 3.
 */
import { VECTOR } from '../isa/semantics';
import type { SlowFunctions } from '../isa/slow';
import { architecturalRegisters } from './architectural-registers';
import type { ArchitecturalRegister } from './architectural-registers';
import { ATTENTION } from './attention';
import { readPageDirectoryPointers, storePageDirectoryPointers } from './control-registers';
import { Core } from './core';
import type { HeldEvent } from './core';
import { cpuidLeaf } from './cpuid';
import type { CpuidLeaf } from './cpuid';
import { deliver, deliverHeld } from './delivery';
import type { ProcessorEnvironment } from './environment';
import { eventOfFault, isSoftware } from './event';
import type { ProcessorEvent } from './event';
import { STATE } from './layout';
import type { LinearMemory } from './linear-memory';
import { readMsr, writeMsr } from './msrs';
import type { ProcessorObserver } from './observer';
import { restoreProcessor, saveProcessor } from './processor-snapshot';
import type { ProcessorSnapshot } from './processor-snapshot';
import { init, reset } from './reset';
import { linearAddress } from './segmentation';
import { GuestFault } from './signals';
import { slowFunctions } from './slow-functions';
import type { ProcessorState } from './state';
import type { MsrCell } from './stored-msrs';
import type { Activity, Delivery, EntryRefusal, Interruptibility, ProcessorForVmx, VmxUnit } from './vmx-hooks';

export class Processor implements ProcessorForVmx {
  /** Implementations for emitted code; none throws for what the guest does. */
  readonly slow: SlowFunctions;
  readonly vmx: VmxUnit;
  private readonly core: Core;

  /** The state is as after RESET when the constructor returns. */
  constructor(
    readonly state: ProcessorState,
    readonly memory: LinearMemory,
    environment: ProcessorEnvironment,
    makeVmxUnit: (processor: ProcessorForVmx) => VmxUnit,
  ) {
    this.core = new Core(state, memory, environment);
    this.vmx = makeVmxUnit(this);
    this.core.vmx = this.vmx;
    this.slow = slowFunctions(this.core);
    reset(this.core);
  }

  get interruptibility(): Interruptibility {
    return this.core.interruptibility;
  }

  get activity(): Activity {
    return this.core.activity;
  }
  set activity(value: Activity) {
    this.core.activity = value;
  }

  /** While in MWAIT: interrupts wake the processor even when IF is 0. */
  get wakesOnMasked(): boolean {
    return this.core.wakesOnMasked;
  }

  get pendingDebug(): number {
    return this.core.pendingDebug;
  }
  set pendingDebug(value: number) {
    this.core.pendingDebug = value;
    this.core.updateMode();
  }

  get vectoring(): ProcessorEvent | undefined {
    return this.core.vectoring;
  }
  set vectoring(event: ProcessorEvent | undefined) {
    this.core.vectoring = event;
  }

  get nmiUnblockedByIret(): boolean {
    return this.core.nmiUnblockedByIret;
  }
  set nmiUnblockedByIret(value: boolean) {
    this.core.nmiUnblockedByIret = value;
  }

  /** CPL, 0 to 3. */
  get privilege(): number {
    return this.core.cpl;
  }

  get monitored(): bigint | undefined {
    return this.core.monitored;
  }
  set monitored(linear: bigint | undefined) {
    this.core.monitored = linear;
  }

  /** True once after an instruction behind which no single-step trap comes although TF was set (INT n, SYSCALL). */
  takeSingleStepSuppression(): boolean {
    const { suppressesSingleStep } = this.core;
    this.core.suppressesSingleStep = false;
    return suppressesSingleStep;
  }

  instructionLength(): number {
    return this.core.environment.instruction.length();
  }

  linearAddress(segment: number, offset: bigint, bytes: number, write: boolean): bigint {
    return linearAddress(this.core, segment, offset, bytes, write ? 'write' : 'read');
  }

  reset(): void {
    reset(this.core);
  }

  init(): void {
    init(this.core);
  }

  deliver(event: ProcessorEvent, injected = false): Delivery {
    return deliver(this.core, event, injected);
  }

  /** Lets a debugger look on; what its functions return counts at once. */
  set observer(observer: ProcessorObserver) {
    this.core.observer = observer;
  }

  entryRefused(refusal: EntryRefusal): void {
    this.core.observer.entryRefused?.(refusal);
  }

  /** The exception that a debugger holds back; `deliverHeld` goes on with it, before anything else happens. */
  get held(): HeldEvent | undefined {
    return this.core.held;
  }

  /** Delivers the exception that was held back. */
  deliverHeld(): Delivery {
    return deliverHeld(this.core);
  }

  /**
   * Forgets the exception held back if the instruction that raised it, at which RIP stands, will run again and raise it
   * again where its cause is still there. False, and nothing changes, for one that would be lost.
   */
  dropHeld(): boolean {
    const { core } = this;
    if (!core.held) return true;
    if (!core.held.restarts) return false;
    core.held = undefined;
    if (core.nmiUnblockedByIret) {
      core.interruptibility.nmi = true;
      core.nmiUnblockedByIret = false;
    }
    return true;
  }

  /** Delivers the exception that `STATE.fault*` holds (after `Outcome.Fault`), at the instruction at `STATE.rip`. */
  deliverFault(): Delivery {
    return this.deliverRaised(this.recordedFault());
  }

  /** Delivers an exception of the instruction at `STATE.rip`, which has not completed. */
  deliverRaised(event: ProcessorEvent): Delivery {
    const delivery = this.deliver(event);
    const { held } = this.core;
    if (delivery === 'held' && held?.event === event)
      this.core.held = { ...held, restarts: !held.previous || isSoftware(held.previous) };
    return delivery;
  }

  /** The exception that `STATE.fault*` holds after `Outcome.Fault`, to be delivered at `STATE.rip`. */
  private recordedFault(): ProcessorEvent {
    const { state } = this;
    const vector = state.word(STATE.faultVector);
    const errorCode = state.word(STATE.faultHasError) ? state.word(STATE.faultError) : undefined;
    const detail = state.quad(STATE.faultAddress);
    const address = vector === VECTOR.PF ? detail : undefined;
    const debugStatus = vector === VECTOR.DB ? Number(detail) : undefined;
    return eventOfFault(new GuestFault(vector, errorCode, address, debugStatus));
  }

  /** An STI set IF just now: interrupts wait until the next instruction is complete. */
  blockBySti(): void {
    this.interruptibility.sti = true;
    this.core.updateShadow();
  }

  /** The instruction after STI, MOV SS or POP SS is done: events are no longer held back. */
  endShadow(): void {
    this.interruptibility.sti = false;
    this.interruptibility.movSs = false;
    this.core.updateShadow();
  }

  /** What CPUID gives at EAX = `leaf`, ECX = `subleaf`: EAX, EBX, ECX, EDX, unsigned. */
  cpuid(leaf: number, subleaf: number): CpuidLeaf {
    return cpuidLeaf(this.core, leaf, subleaf);
  }

  readMsr(index: number): bigint {
    return readMsr(this.core, index);
  }

  writeMsr(index: number, value: bigint): void {
    writeMsr(this.core, index, value);
  }

  storedMsr(index: number): bigint {
    return this.core.storedMsrs.get(index) ?? 0n;
  }

  setStoredMsr(index: number, value: bigint): void {
    this.core.storedMsrs.set(index, value);
  }

  msrCell(index: number): MsrCell {
    return this.core.storedMsrs.cell(index);
  }

  loadPageDirectoryPointers(cr3: bigint): boolean {
    const entries = readPageDirectoryPointers(this.core, cr3);
    if (entries) storePageDirectoryPointers(this.core, entries);
    return entries !== undefined;
  }

  stateReplaced(flush: boolean): void {
    this.core.updateMode();
    this.core.updateShadow();
    const isElsewhere = this.core.noteCodeSegment();
    if (flush) this.memory.flush();
    if (flush || isElsewhere) this.memory.nextFetch();
  }

  requestAttention(): void {
    this.core.attend(ATTENTION.vmx);
  }

  timeStampCounter(): bigint {
    return this.core.timeStampCounter();
  }

  /** Before each run: RDTSC and RDTSCP read what stands in the state. */
  updateTimeStamp(): void {
    this.core.timeStamp.update();
  }

  ticks(): number {
    return this.core.environment.ticks();
  }

  /** Architectural registers in fixed order, for the state hash. */
  registers(): ArchitecturalRegister[] {
    return architecturalRegisters(this.core);
  }

  save(): ProcessorSnapshot {
    return saveProcessor(this.core);
  }

  restore(snapshot: ProcessorSnapshot): void {
    restoreProcessor(this.core, snapshot);
  }
}
