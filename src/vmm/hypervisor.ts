/**
 * The hypervisor: sets up the VMCS, enters the guest, and deals with every VM exit. It touches the guest through VMREAD,
 * VMWRITE, the general registers that an exit leaves in the processor, and the EPT; its own code is TypeScript, which
 * takes the place of code in VMX root operation. Source: SDM Vol. 3C chapters 24, 27, 28 and 32.
 *
 * NOT IMPLEMENTED: several virtual processors, nested VMX (the guest's CPUID has no VMX).
 */
import { assert } from '../common/assert';
import type { VmxUnit } from '../cpu/vmx/unit';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { EXIT_REASON, exitReasonName } from '../cpu/vmx/exit-reasons';
import { F } from '../cpu/vmx/vmcs-layout';
import type { ProcessorForVmx } from '../cpu/vmx-hooks';
import { VM_INSTRUCTION_ERROR_TEXTS } from '../cpu/vmx/instruction-errors';
import type { PhysicalMemory } from '../memory/physical-memory';
import { PAGE } from '../memory/plan';
import { fillBitmaps, writeControls } from './controls';
import type { ControlChanges, ControlPages } from './controls';
import { Emulator } from './emulator';
import { Ept } from './ept';
import { Eviction } from './eviction';
import type { EvictionOptions } from './eviction';
import { ExitAction, ExitLog } from './exit-log';
import type { ExitEnvironment } from './exits/handler';
import { EXIT_HANDLERS } from './exits/table';
import { GuestMemory } from './guest-memory';
import { GuestProcessor } from './guest-processor';
import type { StopReason } from './guest-processor';
import { writeGuestStart } from './guest-start';
import type { GuestStart } from './guest-start';
import { enterVmxOperation, writeHostState } from './host';
import type { HostPages } from './host';
import type { HostLine } from './host-line';
import type { HypervisorState } from './hypervisor-state';
import { Injection } from './injection';
import type { InjectionState } from './injection';
import { GuestFrames, hypervisorBytes, PageAllocator, populateEagerly } from './memory';
import type { RamRange } from './memory';
import { OpenBus } from './open-bus';
import type { BoardMsrs, CpuidTable, Engine, InterruptSource, MachineClock, PortSpace } from './ports';

/** The machine's parts that the hypervisor works on. */
export interface HypervisorParts {
  readonly memory: PhysicalMemory;
  readonly processor: ProcessorForVmx;
  readonly vmx: VmxUnit;
  readonly engine: Engine;
  readonly clock: MachineClock;
  readonly ports: PortSpace;
  readonly interrupts: InterruptSource;
  readonly msrs: BoardMsrs;
  readonly cpuid: CpuidTable;
  /** The processor's interrupt line, given to the engine as its source of interrupts. */
  readonly line: HostLine;
}

/** How the hypervisor is to work. */
export interface HypervisorOptions {
  /** The guest's RAM, guest-physical. Machine memory has at least `machineBytes` of its top. */
  readonly ram: readonly RamRange[];
  /** Where nothing answers and no device will be, in bytes; multiples of 4096. */
  readonly openBus: RamRange;
  /**
   * `lazy4k`: an entry at the first access; `lazy64k`: then those of the sixteen pages around it, too, which spares a
   * booting Linux nine of ten violations in RAM; `eager2m`: everything at the start, in 2 MiB pages where that fits.
   */
  readonly policy: 'lazy4k' | 'lazy64k' | 'eager2m';
  /** Random EPT eviction (with `lazy4k`). */
  readonly eviction?: EvictionOptions;
  /** Controls other than our choice. */
  readonly controls?: ControlChanges;
  /** Exits that the log keeps. */
  readonly logCapacity?: number;
  /** Told of every exit once it is recorded and dealt with: `requestStop` then stops before the next entry. */
  readonly onExit?: () => void;
  /** `skip`: HLT passes at once to the next deadline; `return`: `run` ends with `idle` and the caller sleeps. */
  readonly sleep: 'skip' | 'return';
}

const DEFAULT_LOG = 65_536;
/** VM exits in a row without a completed instruction after which the guest counts as stuck. */
const MAX_IDLE_EXITS = 10_000;
/** Deadlines that a sleeping guest passes before `run` lets its caller look around. */
const MAX_SKIPS = 4096;
const LONGEST_TIMER = 0xffff_ffff;

export class Hypervisor {
  readonly exits: ExitLog;
  readonly ept: Ept;
  readonly guestMemory: GuestMemory;
  readonly frames: GuestFrames;
  private readonly pages: PageAllocator;
  private readonly vmcs: Vmcs;
  private readonly guest: GuestProcessor;
  private readonly injection: Injection;
  private readonly emulator: Emulator;
  private readonly eviction: Eviction;
  private readonly openBus: OpenBus;
  private readonly environment: ExitEnvironment;
  private idleExits = 0;
  private exitsSeenAt = -1;
  private stopWanted = false;
  /** The MSR bitmaps, while a debugger has all MSRs intercepted. */
  private chosenMsrs: Uint8Array | undefined;

  constructor(
    private readonly parts: HypervisorParts,
    private readonly options: HypervisorOptions,
  ) {
    const { memory, processor, vmx, clock } = parts;
    const top = Math.max(...options.ram.map((range) => range.start + range.length));
    const own = hypervisorBytes(top);
    const pages = new PageAllocator(0, own);
    this.pages = pages;
    // Page 0 stays free, so that no pointer of ours is 0.
    pages.allocate();
    const host: HostPages = { vmxon: pages.allocate(), vmcs: pages.allocate(), pml4: pages.allocate() };
    const bitmaps: ControlPages = {
      ioBitmapA: pages.allocate(),
      ioBitmapB: pages.allocate(),
      msrBitmaps: pages.allocate(),
    };
    this.exits = new ExitLog(options.logCapacity ?? DEFAULT_LOG);
    this.frames = new GuestFrames(options.ram, own, memory.size - (memory.size % (2 * 1024 * 1024)));
    this.ept = new Ept(memory, pages);
    this.openBus = new OpenBus(options.openBus, memory, pages, this.ept);
    this.guestMemory = new GuestMemory(memory, this.frames);
    fillBitmaps(memory, bitmaps);
    this.vmcs = enterVmxOperation(processor, vmx, memory, host);
    writeHostState(this.vmcs, host);
    writeControls(this.vmcs, vmx.capabilities, bitmaps, this.ept.pointer, options.controls);
    this.injection = new Injection(this.vmcs, parts.interrupts);
    this.guest = new GuestProcessor(this.vmcs, processor.state, clock, this.injection);
    this.emulator = new Emulator(this.guest, vmx, parts.engine, clock, this.ept, memory.size);
    this.eviction = new Eviction(this.ept, options.policy === 'lazy4k' ? options.eviction : undefined);
    this.environment = {
      guest: this.guest,
      ept: this.ept,
      frames: this.frames,
      openBus: this.openBus,
      ports: parts.ports,
      msrs: parts.msrs,
      cpuid: parts.cpuid,
      line: parts.line,
      pagesTogether: options.policy === 'lazy64k' ? 16 : 1,
      noteMapped: (page) => this.eviction.noteMapped(page),
    };
    if (options.policy === 'eager2m') populateEagerly(this.frames, this.ept);
  }

  /** True while the guest sleeps in HLT. */
  get isHalted(): boolean {
    return this.guest.isHalted;
  }

  /** The events that wait for the guest. */
  get waiting(): InjectionState {
    return this.injection.save();
  }

  /** Sets the state in which the guest begins. */
  start(start: GuestStart): void {
    writeGuestStart(this.vmcs, this.parts.processor.state, start);
    this.guest.isHalted = false;
  }

  /** True while `interceptAllMsrs` is in force. */
  get seesAllMsrs(): boolean {
    return this.chosenMsrs !== undefined;
  }

  /**
   * Makes every RDMSR and WRMSR of the guest's exit, for a debugger that wants to see them, or only those that must, as
   * before. The guest cannot tell.
   */
  interceptAllMsrs(all: boolean): void {
    const { memory } = this.parts;
    if (all === (this.chosenMsrs !== undefined)) return;
    const bitmap = this.vmcs.number(F.MSR_BITMAPS);
    const chosen = this.chosenMsrs;
    this.chosenMsrs = all ? memory.read(bitmap, PAGE) : undefined;
    memory.write(bitmap, chosen ?? new Uint8Array(PAGE).fill(0xff));
  }

  /** Outside input has changed what the board holds: the guest, if it runs, exits at its next boundary. */
  noticeInput(): void {
    if (!this.parts.vmx.isNonRoot) return;
    this.parts.line.raise();
    this.parts.engine.notice();
  }

  /** Ends the run at hand (from within a device, say) before the next VM entry. */
  requestStop(): void {
    this.stopWanted = true;
  }

  /**
   * Runs the guest until `maxInstructions` are completed or something else ends the run. A later call goes on exactly
   * there, whether the guest was in the middle of VMX non-root operation or not.
   */
  run(maxInstructions: number): StopReason {
    const { clock, vmx, engine } = this.parts;
    const end = clock.instructions + maxInstructions;
    for (;;) {
      if (this.stopWanted) {
        this.stopWanted = false;
        return { kind: 'stop' };
      }
      if (!vmx.isNonRoot) {
        const stop = this.beforeEntry() ?? (clock.instructions >= end ? BUDGET : undefined);
        if (stop) return stop;
        if (this.enter() === 'exit') {
          this.handleExit();
          continue;
        }
      }
      const left = end - clock.instructions;
      if (left <= 0) return BUDGET;
      const ran = this.emulator.isActive ? this.emulator.run() : engine.run(Math.min(left, this.untilEviction));
      switch (ran) {
        case 'exit':
          this.handleExit();
          break;
        case 'stop':
          return { kind: 'stop' };
        case 'halted':
          if (this.options.sleep === 'return') return { kind: 'idle', wake: vmx.deadline };
          clock.skipTo(vmx.deadline);
          break;
        case 'stuck':
        case 'shutdown':
          return crash('no-progress', 'Exceptions follow one another and no instruction completes.');
        case 'budget':
        case 'deadline':
          this.eviction.advance(clock.instructions);
          if (ran === 'deadline') return BUDGET;
      }
    }
  }

  save(): HypervisorState {
    const { guest } = this;
    return {
      version: 1,
      isHalted: guest.isHalted,
      emulation: guest.emulation,
      unfinishedPages: guest.unfinishedPages,
      emulator: this.emulator.save(),
      injection: this.injection.save(),
      eviction: this.eviction.save(),
      exits: this.exits.save(),
      pages: this.pages.save(),
      frames: this.frames.save(),
      openBus: this.openBus.save(),
      idleExits: this.idleExits,
      exitsSeenAt: this.exitsSeenAt,
      line: this.parts.line.pending(),
      stopWanted: this.stopWanted,
    };
  }

  /** Takes over a saved state; machine memory, processor and VMX unit are restored before. */
  restore(state: HypervisorState): void {
    const { guest } = this;
    assert(state.version === 1, 'a hypervisor state of this version');
    guest.isHalted = state.isHalted;
    guest.emulation = state.emulation;
    guest.unfinishedPages = state.unfinishedPages;
    guest.crash = undefined;
    this.emulator.restore(state.emulator);
    this.injection.restore(state.injection);
    this.eviction.restore(state.eviction);
    this.exits.restore(state.exits);
    this.pages.restore(state.pages);
    this.frames.restore(state.frames);
    this.openBus.restore(state.openBus);
    this.idleExits = state.idleExits;
    this.exitsSeenAt = state.exitsSeenAt;
    this.stopWanted = state.stopWanted;
    if (state.line) this.parts.line.raise();
    else this.parts.line.lower();
  }

  private get untilEviction(): number {
    return Math.max(1, this.eviction.due - this.parts.clock.instructions);
  }

  /** Between an exit and the next entry: due alarms, sleep, reasons to stop. */
  private beforeEntry(): StopReason | undefined {
    const { clock } = this.parts;
    const { guest } = this;
    if (guest.crash) return guest.crash;
    if (clock.deadline <= clock.ticks) clock.advance();
    this.eviction.advance(clock.instructions);
    for (let skips = 0; guest.isHalted; skips++) {
      if (this.stopWanted) return { kind: 'stop' };
      if (this.injection.wakes()) guest.isHalted = false;
      else {
        const stop = this.sleep();
        if (stop) return stop;
        if (skips === MAX_SKIPS) return BUDGET;
      }
    }
    return undefined;
  }

  private sleep(): StopReason | undefined {
    const { clock } = this.parts;
    if (!this.injection.interruptsEnabled)
      return crash('never-wakes', 'The guest executed HLT with interrupts off and can never wake.');
    const { deadline } = clock;
    if (deadline === Infinity) return { kind: 'idle', wake: undefined };
    if (deadline > clock.ticks) {
      if (this.options.sleep === 'return') return { kind: 'idle', wake: deadline };
      clock.skipTo(deadline);
    }
    clock.advance();
    return undefined;
  }

  /** VMLAUNCH or VMRESUME with events and the timer set. */
  private enter(): 'entered' | 'exit' {
    const { clock, vmx } = this.parts;
    const { vmcs } = this;
    this.injection.prepare(this.emulator.begin());
    const ticks = Math.min(LONGEST_TIMER, Math.max(0, clock.deadline - clock.ticks));
    vmcs.writeField(F.PREEMPTION_TIMER_VALUE, ticks);
    const result = vmx.enter(!vmcs.launched);
    if (result === 'exit') return 'exit';
    if (result === 'entered') {
      if (vmx.injectionDelivered && this.injection.completesInstruction) clock.retire();
      this.emulator.entered();
      return 'entered';
    }
    const error = result === 'invalid' ? 'no current VMCS' : VM_INSTRUCTION_ERROR_TEXTS[result];
    assert(false, `VM entry: ${error}; ${vmx.lastFailure?.rule}`);
  }

  private handleExit(): void {
    const { clock, vmx, line } = this.parts;
    const { guest, vmcs } = this;
    const { instructions } = clock;
    line.lower();
    this.emulator.ended();
    this.exits.record(vmcs, instructions, clock.ticks);
    this.injection.takeVectoring();
    const reason = vmcs.low(F.EXIT_REASON) & 0xffff;
    const isEpt = reason === EXIT_REASON.EPT_VIOLATION || reason === EXIT_REASON.EPT_MISCONFIGURATION;
    if (isEpt && !vmx.resumeFlagBefore && !this.injection.needsResumeFlag) guest.clearResumeFlag();
    const handler = EXIT_HANDLERS[reason];
    if (handler) this.exits.setAction(handler(this.environment));
    else guest.stop('unknown-exit', `The guest caused VM exit ${reason} (${exitReasonName(reason)}).`);
    if (guest.crash?.reason === 'entry-failure')
      guest.stop('entry-failure', `VM entry refuses the guest state: rule ${vmx.lastFailure?.rule ?? 'MSR loading'}.`);
    this.countIdleExits(instructions);
    if (guest.crash) this.exits.setAction(ExitAction.Stopped);
    this.options.onExit?.();
  }

  /** A guest that exits again and again without an instruction in between would run forever. */
  private countIdleExits(instructions: number): void {
    this.idleExits = instructions === this.exitsSeenAt ? this.idleExits + 1 : 0;
    this.exitsSeenAt = instructions;
    if (this.idleExits > MAX_IDLE_EXITS)
      this.guest.stop('no-progress', 'VM exits follow one another and no instruction completes.');
  }
}

const BUDGET: StopReason = { kind: 'budget' };

function crash(reason: Extract<StopReason, { kind: 'crash' }>['reason'], detail: string): StopReason {
  return { kind: 'crash', reason, detail };
}
