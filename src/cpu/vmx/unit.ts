/**
 * The VMX unit: what the processor asks (`cpu/vmx-hooks.ts`), and what a hypervisor written in TypeScript uses in the
 * place of VMX instructions. Source: SDM Vol. 3C chapters 24 to 31.
 */
import { assert } from '../../common/assert';
import type { Decoded } from '../../isa/decoded';
import { exitBit } from '../../isa/exits';
import type { ExitCheck } from '../../isa/exits';
import type { PhysicalMemory } from '../../memory/physical-memory';
import type { ProcessorEvent } from '../event';
import { setsResumeFlag } from '../event';
import { MODE, STATE } from '../layout';
import { saveUnit, updateAfterRestore } from './unit-state';
import type { VmxState } from './unit-state';
import type { ControlRegisterView, ProcessorForVmx, TaskSwitchRequest, VmxUnit as VmxHooks } from '../vmx-hooks';
import { Boundary } from './boundary';
import type { BoundaryStage } from './boundary';
import { capabilityMsr } from './capabilities';
import type { Capabilities } from './capabilities';
import { maskAndShadow } from './control-register-intercepts';
import { PIN, PRIMARY } from './controls';
import { VmEntries } from './entry';
import type { EntryResult } from './entry';
import type { EntryFailure } from './entry-checks/entry-checks';
import { VmExits } from './exit';
import { TASK_SWITCH_SOURCE, taskSwitchQualification } from './exit-qualification';
import { EXIT_REASON } from './exit-reasons';
import { RESUME_FLAG } from './exit-record';
import { controlRegisterAllowed } from './fixed-bits';
import { GuestStateArea } from './guest-state';
import { lookAsGuest } from './guest-view';
import { VmxInstructionSet } from './instructions';
import { INTERCEPTS } from './intercepts';
import { TranslationRegime } from './translation-regime';
import type { Vmcs } from './vmcs';
import { F } from './vmcs-layout';
import { VmxCore } from './vmx-core';

const SOURCES = {
  CALL: TASK_SWITCH_SOURCE.CALL,
  IRET: TASK_SWITCH_SOURCE.IRET,
  JMP: TASK_SWITCH_SOURCE.JMP,
  'task gate': TASK_SWITCH_SOURCE.TASK_GATE,
} as const;
const NOTHING_MASKED: ControlRegisterView = { mask: 0n, shadow: 0n };
/** Offset of the TPR in the virtual-APIC page. */
const VIRTUAL_TPR = 0x80;

/** One logical processor's VMX unit. */
export class VmxUnit implements VmxHooks {
  readonly instructions: VmxInstructionSet;
  private readonly core: VmxCore;
  private readonly entries: VmEntries;
  private readonly exits: VmExits;
  private readonly boundary: Boundary;
  private readonly regime: TranslationRegime;
  private readonly guest: GuestStateArea;

  /** `nativeHost`: VMX root operation runs no x86 code (see `VmxCore.nativeHost`). */
  constructor(
    processor: ProcessorForVmx,
    memory: PhysicalMemory,
    readonly capabilities: Capabilities,
    nativeHost: boolean,
  ) {
    this.core = new VmxCore(processor, memory, capabilities, nativeHost);
    const guest = (this.guest = new GuestStateArea(this.core));
    this.regime = new TranslationRegime(this.core);
    this.boundary = new Boundary(this.core);
    this.exits = new VmExits(this.core, guest, this.regime);
    this.entries = new VmEntries(this.core, guest, this.exits, this.regime);
    this.instructions = new VmxInstructionSet(this.core, this.entries, this.regime);
  }

  get modeBits(): number {
    return this.core.modeBits;
  }

  /** True in VMX non-root operation. */
  get isNonRoot(): boolean {
    return this.core.isNonRoot;
  }

  /** The current VMCS, or undefined. */
  get current(): Vmcs | undefined {
    return this.core.current;
  }

  /** Physical address of the current VMCS, -1 if there is none. */
  get currentPointer(): number {
    return this.core.currentVmcs;
  }

  /** The rule that the last failed VM entry broke, or undefined. */
  get lastFailure(): EntryFailure | undefined {
    return this.core.lastFailure;
  }

  /**
   * RFLAGS.RF of the guest before the last EPT violation or misconfiguration, whose exit saves RF as 1. A native host that
   * removes the cause puts it back, so that the guest cannot see that there was an exit.
   */
  get resumeFlagBefore(): boolean {
    return this.core.resumeFlagBefore;
  }

  /** True if the last VM entry injected an event and it reached its handler, with no other exception on the way. */
  get injectionDelivered(): boolean {
    return this.core.injectionDelivered;
  }

  get deadline(): number {
    return this.core.deadline;
  }

  /** True while the monitor trap flag waits for one instruction to complete (SDM 26.5.2). */
  get monitorTrapWaits(): boolean {
    return this.core.monitorTrap >= 0;
  }

  /** VMLAUNCH (`launch`) or VMRESUME by a native host: as the instruction, without its flags. */
  enter(launch: boolean): EntryResult {
    return this.entries.enter(launch);
  }

  /** A debugger has written control fields of the current VMCS: they count from the guest's next instruction on. */
  controlsReplaced(): void {
    this.entries.controlsReplaced();
  }

  /**
   * Lets the next instruction pass: clears the bits of `checks` in the intercept word, and task switches if asked, until
   * `endEmulation`. A native host's emulator runs one instruction of the guest in this way.
   */
  beginEmulation(checks: readonly ExitCheck[], taskSwitch: boolean): void {
    const { state } = this.core.processor;
    const mask = checks.reduce((word, check) => word | exitBit(check), 0);
    state.setWord(STATE.intercepts, state.word(STATE.intercepts) & ~mask);
    this.core.allowTaskSwitch = taskSwitch;
  }

  /** Puts `beginEmulation` right again: the intercepts of `checks` are those of the controls. */
  endEmulation(checks: readonly ExitCheck[]): void {
    const { state } = this.core.processor;
    this.core.allowTaskSwitch = false;
    if (!this.core.isNonRoot) return;
    const mask = checks.reduce((word, check) => word | exitBit(check), 0);
    state.setWord(STATE.intercepts, state.word(STATE.intercepts) | mask);
  }

  /** Runs `look` while the processor's state shows the guest, also in VMX root operation; nothing else changes. */
  asGuest<T>(look: () => T): T {
    return lookAsGuest(this.core, this.guest, look);
  }

  /**
   * Returns from VMX non-root operation to a native host after its emulator ran an instruction. No VM exit: the exit that
   * asked for the emulation is the one that counts.
   */
  leave(): void {
    this.exits.leave();
  }

  eventExits(event: ProcessorEvent): boolean {
    return this.boundary.eventExits(event);
  }

  boundaryExits(stage: BoundaryStage): boolean {
    return this.boundary.exits(stage);
  }

  externalInterruptExits(acknowledge: () => number): boolean {
    return this.boundary.externalInterruptExits(acknowledge);
  }

  taskSwitchExits({ selector, source, event }: TaskSwitchRequest): boolean {
    const { core } = this;
    if (!core.isNonRoot || core.allowTaskSwitch) return false;
    const exit = core.exit.begin(
      EXIT_REASON.TASK_SWITCH,
      event && setsResumeFlag(event) ? RESUME_FLAG.SET : RESUME_FLAG.KEEP,
    );
    exit.qualificationLow = taskSwitchQualification.encode({ selector, source: SOURCES[source] });
    exit.instructionLength = event ? event.instructionLength : core.processor.instructionLength();
    return true;
  }

  tripleFaultExits(): boolean {
    const { core } = this;
    if (!core.isNonRoot) return false;
    core.exit.begin(EXIT_REASON.TRIPLE_FAULT, RESUME_FLAG.KEEP);
    return true;
  }

  intercept(check: ExitCheck, instruction: Decoded): boolean {
    return this.core.isNonRoot && INTERCEPTS[check](this.core, instruction);
  }

  carryOutExit(): void {
    this.exits.carryOut();
  }

  controlRegister(number: 0 | 4): ControlRegisterView {
    return this.core.isNonRoot ? maskAndShadow(this.core, number) : NOTHING_MASKED;
  }

  controlRegisterAllowed(number: 0 | 4, value: bigint): boolean {
    return this.core.modeBits === 0 || controlRegisterAllowed(this.core, number, value);
  }

  taskPriority(): number | undefined {
    return this.usesTprShadow() ? this.virtualTpr() >> 4 : undefined;
  }

  setTaskPriority(value: number): boolean {
    const { core } = this;
    if (!this.usesTprShadow()) return false;
    core.memory.write8(core.vmcs.number(F.VIRTUAL_APIC_ADDRESS) + VIRTUAL_TPR, value << 4);
    if (value < (core.vmcs.low(F.TPR_THRESHOLD) & 0xf)) {
      core.tprBelowThreshold = true;
      core.processor.requestAttention();
    }
    return true;
  }

  tscOffset(): bigint {
    const { core } = this;
    return core.isNonRoot && core.primary(PRIMARY.USE_TSC_OFFSETTING) ? core.vmcs.get(F.TSC_OFFSET) : 0n;
  }

  iretUnblocksNmi(): boolean {
    const { core } = this;
    return !core.isNonRoot || !core.pin(PIN.NMI_EXITING) || core.pin(PIN.VIRTUAL_NMIS);
  }

  readCapabilityMsr(index: number): bigint | undefined {
    return capabilityMsr(this.capabilities, index);
  }

  /** The unit's part of a snapshot; the VMCS itself is in machine memory. */
  save(): VmxState {
    return saveUnit(this.core);
  }

  /** Takes over a saved state; memory is restored before, the processor, whose mode word has bits of ours, behind. */
  restore(state: VmxState): void {
    assert(state.version === 1, 'a VMX state of this version');
    updateAfterRestore(this.core, state);
    this.regime.forget();
  }

  /** The state after RESET: outside VMX operation. */
  reset(): void {
    const pointers = { vmxonPointer: -1, currentVmcs: -1, modeBits: 0 };
    updateAfterRestore(this.core, {
      version: 1,
      ...pointers,
      deadline: Infinity,
      monitorTrap: -1,
      tprBelowThreshold: false,
      ...{ intercepts: 0, eptRoot: 0, eptDirty: 0 },
    });
    this.regime.forget();
  }

  private usesTprShadow(): boolean {
    return this.core.modeBits === MODE.nonRoot && this.core.primary(PRIMARY.USE_TPR_SHADOW);
  }

  private virtualTpr(): number {
    return this.core.readPhysical32(this.core.vmcs.number(F.VIRTUAL_APIC_ADDRESS) + VIRTUAL_TPR) & 0xff;
  }
}
