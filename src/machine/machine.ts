/**
 * A machine: processor, memory, board and, unless it is `bare`, the hypervisor, put together and started from an image.
 * Everything that the outside does to it goes through here.
 *
 * NOT IMPLEMENTED: several virtual processors (one), disks, networks.
 */
import { INSTRUCTIONS } from '../isa/records';
import { CR4_BITS, EFER_BITS } from '../cpu/control-registers';
import { DEBUGCTL_BITS } from '../cpu/msr-table';
import { STATE } from '../cpu/layout';
import { EFLAGS } from '../cpu/mode';
import { createFpu } from '../cpu/fpu/fpu';
import type { InspectedAccess, InspectedWalk } from '../cpu/paging/inspect';
import { PHYSICAL_BITS } from '../cpu/paging/ept-walker';
import { Processor } from '../cpu/processor';
import { ProcessorState } from '../cpu/state';
import { vmxCapabilities } from '../cpu/vmx/capabilities';
import { VmxUnit } from '../cpu/vmx/unit';
import type { DeviceDescription } from '../devices/device';
import { Interpreter } from '../engine/interpreter';
import type { InterpreterHooks } from '../engine/interpreter';
import type { ReadyMadeInterpreter } from '../engine/compiled';
import type { JitPolicy } from '../engine/jit/jit';
import { Vcpu } from '../engine/vcpu';
import type { Watch } from '../engine/watches';
import { PhysicalMemory } from '../memory/physical-memory';
import { PAGE, PAGE_FLAG, planMemory } from '../memory/plan';
import type { GuestMemory } from '../vmm/guest-memory';
import { HostLine } from '../vmm/host-line';
import { Hypervisor } from '../vmm/hypervisor';
import type { HypervisorOptions } from '../vmm/hypervisor';
import type { StopReason } from '../vmm/guest-processor';
import type { ExitEntry, ExitLog } from '../vmm/exit-log';
import { machineBytes } from '../vmm/memory';
import { BareGuest, startBare } from './bare';
import type { BareStop } from './bare';
import { Board } from './board';
import { load } from './boot/load';
import type { BootOptions } from './boot/options';
import { busTransfers } from './bus-transfers';
import { MachineClock } from './clock';
import { MemoryAccess } from './memory-access';
import type { AddressSpace } from './memory-access';
import { FIRMWARE_AREA, HIGH_RAM_START, LOW_HOLE, OPTION_ROMS, requireRamSize } from './layout';
import { firmwareMemoryTypes } from './memory-types';
import type { MachineObserver } from './observer';
import { Random } from './random';
import { isFinal, resultOf } from './run-result';
import type { FinalResult, RunResult } from './run-result';
import { restoreMachine, saveMachine } from './snapshot';
import type { MachineState, SavedParts } from './snapshot';
import { guestState, stateHash } from './state-hash';
import type { HashedParts, Hasher } from './state-hash';
import { Stops } from './stops';
import { TimedPorts } from './timed-ports';

/** How a machine is connected, and how it works where the guest cannot see it. */
export interface MachineConnections {
  /** How the hypervisor works: EPT policy, eviction, other controls. Tests use it. */
  readonly hypervisor?: Partial<Pick<HypervisorOptions, 'policy' | 'eviction' | 'controls' | 'logCapacity'>>;
  /** `skip`: HLT passes at once; `return`: `run` ends with `idle`, and the caller waits. */
  readonly sleep?: HypervisorOptions['sleep'];
  /** When code is compiled; the guest's state is the same with each. */
  readonly jit?: JitPolicy;
  /** The interpreter as the build made it, which spares generating it. */
  readonly readyMade?: ReadyMadeInterpreter;
  /** A byte left the serial line. */
  onSerial(byte: number): void;
}

/** What a machine is made of. */
export interface MachineOptions extends MachineConnections {
  /** The image to boot. */
  readonly kernel: Uint8Array;
  readonly boot: BootOptions;
  /** Bytes of RAM, 2 MiB to 3 GiB. */
  readonly memoryBytes: number;
  /** The guest runs without a hypervisor of ours. */
  readonly bare?: boolean;
  /** Seed of RDRAND and RDSEED; a constant when left out. */
  readonly seed?: number;
  /** Start of the RTC in seconds since 1970; a constant when left out. */
  readonly rtcSeconds?: number;
}

/** A machine that goes on from a snapshot: the rest of what it is made of is in there. */
interface RestoredMachineOptions extends MachineConnections {
  readonly state: MachineState;
}

/** 2026-01-01T00:00:00Z: the RTC's start unless somebody says otherwise, so that runs are equal. */
const DEFAULT_RTC = 1_767_225_600;
const DEFAULT_SEED = 1;

export class Machine {
  readonly state: ProcessorState;
  readonly memory: PhysicalMemory;
  readonly clock = new MachineClock();
  readonly board: Board;
  readonly processor: Processor;
  readonly vmx: VmxUnit;
  /** Absent when the machine is bare. */
  readonly hypervisor: Hypervisor | undefined;
  private readonly interpreter: Interpreter;
  private readonly vcpu: Vcpu;
  private readonly guest: BareGuest | Hypervisor;
  private readonly random: Random;
  private readonly size: Pick<MachineState, 'memoryBytes' | 'bare'>;
  private ended: FinalResult | undefined;
  private readonly access: MemoryAccess;
  private readonly stops: Stops;
  private isOver: (() => boolean) | undefined;

  /** Throws a `UserError` for an image or a size that cannot be started. */
  constructor(options: MachineOptions | RestoredMachineOptions) {
    const { memoryBytes, bare = false } = 'state' in options ? options.state : options;
    const { seed = DEFAULT_SEED, rtcSeconds = DEFAULT_RTC } = 'state' in options ? {} : options;
    // No function below may name `options`: it would keep images and snapshots, which are large, as long as the machine.
    const { onSerial } = options;
    requireRamSize(memoryBytes);
    this.size = { memoryBytes, bare };
    const plan = planMemory(bare ? memoryBytes : machineBytes(memoryBytes));
    const wasm = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
    this.memory = new PhysicalMemory(wasm.buffer, plan);
    this.state = new ProcessorState(wasm.buffer);
    this.random = new Random(BigInt(seed));
    this.board = new Board({ rtcSeconds, ramBytes: memoryBytes }, this.clock, {
      serial: (byte) => onSerial(byte),
      powerOff: () => this.end({ reason: 'powered off' }),
      reset: () => this.end({ reason: 'reset' }),
      debugExit: (value) => this.end({ reason: 'debug exit', value }),
      interrupt: (level) => level && bare && this.vcpu?.notice(),
    });
    const hooks: InterpreterHooks = {
      slow: () => this.processor.slow,
      ...busTransfers(this.board.mmio),
      breakpointHit: (linear) => this.stops.isAt(linear),
    };
    this.interpreter = new Interpreter(
      wasm,
      this.memory,
      this.state,
      INSTRUCTIONS,
      hooks,
      options.jit,
      options.readyMade,
    );
    const capabilities = vmxCapabilities({
      physicalAddressWidth: PHYSICAL_BITS,
      cr4Bits: CR4_BITS,
      eferBits: EFER_BITS,
      debugctlBits: DEBUGCTL_BITS,
    });
    const length = (): number => this.interpreter.currentLength;
    // The engine reckons with a tick for each instruction of a run: none may follow the access.
    const ports = new TimedPorts(this.board.ports, this.clock, () => this.interpreter.shorten(0));
    let vmx: VmxUnit | undefined;
    this.processor = new Processor(
      this.state,
      this.interpreter,
      {
        ports: {
          portRead: (port, size) => ports.read(port, size as 1 | 2 | 4),
          portWrite: (port, size, value) => ports.write(port, size as 1 | 2 | 4, value),
        },
        apic: this.board.lapic,
        instruction: { length },
        float: createFpu(this.state, this.interpreter, { length }),
        ticks: () => this.clock.ticks,
        random: () => this.random.next(),
        tlbBase: plan.tlb,
      },
      (processor) => (vmx = new VmxUnit(processor, this.memory, capabilities, !bare)),
    );
    this.vmx = vmx!;
    for (const [msr, value] of firmwareMemoryTypes()) this.processor.writeMsr(msr, value);
    const line = new HostLine();
    const { board, clock } = this;
    this.vcpu = new Vcpu({
      state: this.state,
      processor: this.processor,
      vmx: this.vmx,
      interpreter: this.interpreter,
      clock,
      interrupts: bare ? boardInterrupts(board) : line,
      nativeHost: !bare,
      deadline: () => (bare ? clock.deadline : Infinity),
      watched: (accesses) => this.stops.watched(accesses),
      isOver: () => this.isOver?.() === true,
    });
    clock.onEarlierDeadline(() => {
      if (bare) this.interpreter.shorten(Math.max(0, clock.deadline - clock.ticks - 1));
    });
    if (bare) {
      for (let page = LOW_HOLE.start / PAGE; page < (LOW_HOLE.start + LOW_HOLE.length) / PAGE; page++) {
        this.memory.setDevicePage(page, PAGE_FLAG.device);
      }
      this.guest = new BareGuest(this.vcpu, clock, options.sleep ?? 'skip');
      this.access = this.accessTo(undefined);
      this.stops = this.newStops();
      if ('state' in options) {
        this.restore(options.state);
        return;
      }
      const memory = { size: memoryBytes, write: (at: number, bytes: Uint8Array) => this.memory.write(at, bytes) };
      startBare(this.processor, load(options.kernel, options.boot, memory));
      return;
    }
    const ram = [
      { start: 0, length: LOW_HOLE.start },
      FIRMWARE_AREA,
      { start: HIGH_RAM_START, length: memoryBytes - HIGH_RAM_START },
    ];
    this.hypervisor = new Hypervisor(
      {
        memory: this.memory,
        processor: this.processor,
        vmx: this.vmx,
        engine: this.vcpu,
        clock,
        ports,
        interrupts: boardInterrupts(board),
        msrs: board.lapic,
        cpuid: (leaf, subleaf) => this.processor.cpuid(leaf, subleaf),
        line,
      },
      {
        policy: 'lazy64k',
        ...options.hypervisor,
        ram,
        openBus: OPTION_ROMS,
        sleep: options.sleep ?? 'skip',
        onExit: () => this.stops.exited(),
      },
    );
    this.guest = this.hypervisor;
    this.access = this.accessTo(this.hypervisor.guestMemory);
    this.stops = this.newStops();
    if ('state' in options) this.restore(options.state);
    else this.hypervisor.start(load(options.kernel, options.boot, this.hypervisor.guestMemory));
  }

  /**
   * A machine that goes on from `state`; it has not been entered by anybody else. Throws a `UserError` for a state that
   * no machine can be in or that another version saved.
   */
  static restore(options: MachineConnections, state: MachineState): Machine {
    return new Machine({ ...options, state });
  }

  /** The whole state, between two runs: plain data. Changes nothing. */
  save(): MachineState {
    const { hypervisor } = this;
    const sees = hypervisor?.seesAllMsrs === true;
    if (sees) hypervisor.interceptAllMsrs(false);
    const state = saveMachine(this.savedParts(), { ...this.size, ended: this.ended });
    if (sees) hypervisor.interceptAllMsrs(true);
    return state;
  }

  /** Instructions completed since power-on. */
  get instructions(): number {
    return this.clock.instructions;
  }

  get ticks(): number {
    return this.clock.ticks;
  }

  /** The exit log; undefined when the machine is bare. */
  get exits(): ExitLog | undefined {
    return this.hypervisor?.exits;
  }

  /**
   * Runs at most `maxInstructions` (1 or more). A machine that has ended stays ended. `isOver` is asked every few
   * milliseconds: true ends the run with `budget` before the instructions are spent.
   */
  run(maxInstructions: number, isOver?: () => boolean): RunResult {
    if (this.ended) return this.ended;
    this.stops.begin();
    this.isOver = isOver;
    const stop = this.guest.run(maxInstructions);
    const result = this.ended ?? this.resultOf(stop);
    if (isFinal(result)) this.ended = result;
    return result;
  }

  /** Makes the run at hand end soon with `stop requested`; for calls from within it. */
  requestStop(): void {
    this.stops.ask();
    this.guest.requestStop();
  }

  /** Lets `observer` look on, in the place of the one before. */
  observe(observer: MachineObserver): void {
    this.stops.observe(observer);
  }

  /**
   * True if the guest has come to the instruction at which it stands and no breakpoint was looked for there; going on then
   * finds none there. For who stops it elsewhere than at breakpoints.
   */
  arrives(): boolean {
    return this.stops.arrives(this.linearRip());
  }

  /**
   * To be called after a debugger changed registers or memory: an exception that is held back is raised anew if its cause
   * is still there, and a breakpoint where the guest now stands does not stop it.
   */
  edited(): void {
    this.stops.edited(this.linearRip());
  }

  /** Replaces the instruction breakpoints, or the debugger's own marks, by linear address. Guest memory is never patched. */
  setBreakpoints(linear: Iterable<bigint>, source: 'debugger' | 'marks' = 'debugger'): void {
    this.interpreter.setBreakpoints(linear, source);
  }

  /** Replaces the watched ranges of linear addresses. */
  setWatches(watches: readonly Watch[]): void {
    this.interpreter.setWatches(watches, 'debugger');
  }

  /** `run` stops with `vm exit` after every exit for which `filter` is true. */
  setExitFilter(filter: ((exit: ExitEntry) => boolean) | undefined): void {
    this.stops.setExitFilter(filter);
  }

  /** A byte arrives on the serial line; false when the UART has no room. */
  sendSerial(byte: number): boolean {
    const taken = this.board.uart.receive(byte);
    this.guest.noticeInput();
    return taken;
  }

  pressPowerButton(): void {
    this.board.pm.pressPowerButton();
    this.guest.noticeInput();
  }

  /** Somebody has changed devices from outside: what they ask for is looked at before the next instruction. */
  devicesEdited(): void {
    this.guest.noticeInput();
  }

  /** Lets `look` see the processor's state as the guest's, also between a VM exit and the next entry. */
  asGuest<T>(look: () => T): T {
    return this.vmx.asGuest(look);
  }

  /** Linear address of the guest's next instruction. */
  linearRip(): bigint {
    return this.asGuest(() => this.interpreter.linearRip());
  }

  /** Walks an address without side effects, as an access of `access` would. */
  walk(space: 'linear' | 'guestPhysical', address: bigint, access?: InspectedAccess): InspectedWalk {
    return this.access.walk(space, address, access);
  }

  /** Reads memory without side effects: up to `length` bytes, fewer from the first byte on that is not there. */
  readMemory(space: AddressSpace, address: bigint, length: number): Uint8Array {
    return this.access.read(space, address, length);
  }

  /** Writes memory as a debugger does, regardless of page permissions; gives the number of bytes written. */
  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    return this.access.write(space, address, bytes);
  }

  /** SHA-256 of what the guest can see of the machine, in hexadecimal, by `hasher`, a fresh SHA-256. Changes nothing. */
  stateHash(hasher: Hasher): string {
    return stateHash(this.hashedParts(), hasher);
  }

  /** What `stateHash` covers besides memory, by name: to see in what two machines differ. */
  guestState(): Readonly<Record<string, unknown>> {
    return guestState(this.hashedParts());
  }

  describeDevices(): DeviceDescription[] {
    return this.board.describe();
  }

  private accessTo(guestMemory: GuestMemory | undefined): MemoryAccess {
    const { state, memory } = this;
    return new MemoryAccess({ state, memory, guestMemory, asGuest: (look) => this.asGuest(look) });
  }

  private newStops(): Stops {
    const { processor, interpreter, vmx, vcpu, clock, hypervisor } = this;
    return new Stops({ processor, interpreter, vmx, vcpu, clock, hypervisor });
  }

  private restore(state: MachineState): void {
    restoreMachine(this.savedParts(), state);
    this.ended = state.ended;
  }

  private savedParts(): SavedParts {
    return { ...this.hashedParts(), vcpu: this.vcpu };
  }

  private hashedParts(): HashedParts {
    const { memory, processor, vmx, board, clock, random, hypervisor } = this;
    return { memory, processor, vmx, board, clock, random, hypervisor };
  }

  private end(result: FinalResult): void {
    this.ended ??= result;
    this.guest?.requestStop();
  }

  private resultOf(stop: BareStop | StopReason): RunResult {
    const canWake = (this.state.word(STATE.eflags) & EFLAGS.IF) !== 0;
    return stop.kind === 'stop' ? this.stops.take() : resultOf(stop, canWake);
  }
}

function boardInterrupts(board: Board) {
  return {
    pending: () => board.interruptPending(),
    acknowledge: () => board.acknowledge(),
    get nmiPending() {
      return board.nmiPending;
    },
    takeNmi: () => board.takeNmi(),
  };
}
