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
import { inspectGuestPhysical, inspectLinear } from '../cpu/paging/inspect';
import type { InspectedAccess, InspectedWalk } from '../cpu/paging/inspect';
import { PHYSICAL_BITS } from '../cpu/paging/ept-walker';
import { Processor } from '../cpu/processor';
import { ProcessorState } from '../cpu/state';
import { vmxCapabilities } from '../cpu/vmx/capabilities';
import { VmxUnit } from '../cpu/vmx/unit';
import type { DeviceDescription } from '../devices/device';
import { Interpreter } from '../engine/interpreter';
import { Vcpu } from '../engine/vcpu';
import { PhysicalMemory } from '../memory/physical-memory';
import { PAGE, PAGE_FLAG, planMemory } from '../memory/plan';
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
import { FIRMWARE_AREA, HIGH_RAM_START, LOW_HOLE, requireRamSize } from './layout';
import { firmwareMemoryTypes } from './memory-types';
import { Random } from './random';
import type { FinalResult, RunResult } from './run-result';
import { restoreMachine, saveMachine } from './snapshot';
import type { MachineState, SavedParts } from './snapshot';
import { guestState, stateHash } from './state-hash';
import type { HashedParts, Hasher } from './state-hash';

/** How a machine is connected, and how it works where the guest cannot see it. */
export interface MachineConnections {
  /** How the hypervisor works: EPT policy, eviction, other controls. Tests use it. */
  readonly hypervisor?: Partial<Pick<HypervisorOptions, 'policy' | 'eviction' | 'controls' | 'logCapacity'>>;
  /** `skip`: HLT passes at once; `return`: `run` ends with `idle`, and the caller waits. */
  readonly sleep?: HypervisorOptions['sleep'];
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

/** Where an address counts. */
export type AddressSpace = 'linear' | 'guestPhysical' | 'physical';

/** 2026-01-01T00:00:00Z: the RTC's start unless somebody says otherwise, so that runs are equal. */
const DEFAULT_RTC = 1_767_225_600;
const DEFAULT_SEED = 1;
/** What a debugger's look counts as. */
const LOOK: InspectedAccess = { write: false, execute: false, user: false, unchecked: true };
/** No place where a run can begin. */
const NOWHERE = { instructions: -1, linear: 0n };

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
  private startedAt = NOWHERE;
  private breakpointSeen: bigint | undefined;
  private exitFilter: ((exit: ExitEntry) => boolean) | undefined;
  private exitSeen: ExitEntry | undefined;

  /** Throws a `UserError` for an image or a size that cannot be started. */
  constructor(options: MachineOptions | RestoredMachineOptions) {
    const { memoryBytes, bare = false } = 'state' in options ? options.state : options;
    const { seed = DEFAULT_SEED, rtcSeconds = DEFAULT_RTC } = 'state' in options ? {} : options;
    requireRamSize(memoryBytes);
    this.size = { memoryBytes, bare };
    const plan = planMemory(bare ? memoryBytes : machineBytes(memoryBytes));
    const wasm = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
    this.memory = new PhysicalMemory(wasm.buffer, plan);
    this.state = new ProcessorState(wasm.buffer);
    this.random = new Random(BigInt(seed));
    this.board = new Board({ rtcSeconds, ramBytes: memoryBytes }, this.clock, {
      serial: (byte) => options.onSerial(byte),
      powerOff: () => this.end({ reason: 'powered off' }),
      reset: () => this.end({ reason: 'reset' }),
      debugExit: (value) => this.end({ reason: 'debug exit', value }),
      interrupt: (level) => level && bare && this.vcpu?.notice(),
    });
    this.interpreter = new Interpreter(wasm, this.memory, this.state, INSTRUCTIONS, {
      slow: () => this.processor.slow,
      ...busTransfers(this.board.mmio),
      breakpointHit: (linear) => this.stopsAt(linear),
    });
    const capabilities = vmxCapabilities({
      physicalAddressWidth: PHYSICAL_BITS,
      cr4Bits: CR4_BITS,
      eferBits: EFER_BITS,
      debugctlBits: DEBUGCTL_BITS,
    });
    const length = (): number => this.interpreter.currentLength;
    let vmx: VmxUnit | undefined;
    this.processor = new Processor(
      this.state,
      this.interpreter,
      {
        ports: {
          portRead: (port, size) => this.board.ports.read(port, size as 1 | 2 | 4),
          portWrite: (port, size, value) => this.board.ports.write(port, size as 1 | 2 | 4, value),
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
    });
    clock.onEarlierDeadline(() => {
      if (bare) this.interpreter.shorten(Math.max(0, clock.deadline - clock.ticks - 1));
    });
    if (bare) {
      for (let page = LOW_HOLE.start / PAGE; page < (LOW_HOLE.start + LOW_HOLE.length) / PAGE; page++) {
        this.memory.setDevicePage(page, PAGE_FLAG.device);
      }
      this.guest = new BareGuest(this.vcpu, clock, options.sleep ?? 'skip');
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
        ports: board.ports,
        interrupts: boardInterrupts(board),
        msrs: board.lapic,
        cpuid: (leaf, subleaf) => this.processor.cpuid(leaf, subleaf),
        line,
      },
      { policy: 'lazy4k', ...options.hypervisor, ram, sleep: options.sleep ?? 'skip', onExit: () => this.exited() },
    );
    this.guest = this.hypervisor;
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
    return saveMachine(this.savedParts(), { ...this.size, ended: this.ended });
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
   * Runs at most `maxInstructions` (1 or more). A machine that has ended stays ended. `resumes`: a breakpoint at the first
   * instruction was met before and does not stop it again; false for the later slices of one run.
   */
  run(maxInstructions: number, resumes = true): RunResult {
    if (this.ended) return this.ended;
    this.exitSeen = this.breakpointSeen = undefined;
    this.startedAt = resumes ? { instructions: this.instructions, linear: this.linearRip() } : NOWHERE;
    const stop = this.guest.run(maxInstructions);
    const result = this.ended ?? this.resultOf(stop);
    if (isFinal(result)) this.ended = result;
    return result;
  }

  /** Makes the run at hand end soon with `stop requested`; for calls from within it. */
  requestStop(): void {
    this.guest.requestStop();
  }

  /** Replaces the instruction breakpoints, by linear address. Guest memory is never patched. */
  setBreakpoints(linear: Iterable<bigint>): void {
    this.interpreter.setBreakpoints(linear);
  }

  /** `run` stops with `vm exit` after every exit for which `filter` is true. */
  setExitFilter(filter: ((exit: ExitEntry) => boolean) | undefined): void {
    this.exitFilter = filter;
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

  /** Lets `look` see the processor's state as the guest's, also between a VM exit and the next entry. */
  asGuest<T>(look: () => T): T {
    return this.vmx.asGuest(look);
  }

  /** Linear address of the guest's next instruction. */
  linearRip(): bigint {
    return this.asGuest(() => this.interpreter.linearRip());
  }

  /** Walks an address without side effects, as an access of `access` would. */
  walk(space: 'linear' | 'guestPhysical', address: bigint, access: InspectedAccess = LOOK): InspectedWalk {
    const read = (physical: bigint): bigint | undefined =>
      this.memory.contains(Number(physical), 8) ? this.memory.read64(Number(physical)) : undefined;
    return this.asGuest(() =>
      space === 'linear'
        ? inspectLinear(this.state, read, address, access)
        : inspectGuestPhysical(this.state, read, address, access),
    );
  }

  /** Reads memory without side effects: up to `length` bytes, fewer from the first byte on that is not there. */
  readMemory(space: AddressSpace, address: bigint, length: number): Uint8Array {
    const out = new Uint8Array(length);
    let done = 0;
    for (const { at, size } of inPages(address, length)) {
      const part = this.readWithinPage(space, at, size);
      if (!part) break;
      out.set(part, done);
      done += size;
    }
    return out.subarray(0, done);
  }

  /** Writes memory as a debugger does, regardless of page permissions; gives the number of bytes written. */
  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    let done = 0;
    for (const { at, size } of inPages(address, bytes.length)) {
      if (!this.writeWithinPage(space, at, bytes.subarray(done, done + size))) break;
      done += size;
    }
    return done;
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

  private readWithinPage(space: AddressSpace, address: bigint, length: number): Uint8Array | undefined {
    const found = this.locate(space, address, length);
    if (found === undefined) return undefined;
    return found.space === 'physical'
      ? this.memory.read(found.at, length)
      : this.hypervisor!.guestMemory.read(found.at, length);
  }

  private writeWithinPage(space: AddressSpace, address: bigint, bytes: Uint8Array): boolean {
    const found = this.locate(space, address, bytes.length);
    if (found === undefined) return false;
    if (found.space === 'physical') this.memory.write(found.at, bytes);
    else this.hypervisor!.guestMemory.write(found.at, bytes);
    return true;
  }

  /** Where [address, address + length), within one page, lies: in machine memory, or in RAM that has no frame yet. */
  private locate(
    space: AddressSpace,
    address: bigint,
    length: number,
  ): { space: 'physical' | 'guest'; at: number } | undefined {
    const machine = (at: number): { space: 'physical'; at: number } | undefined =>
      this.memory.contains(at, length) ? { space: 'physical', at } : undefined;
    if (space === 'physical') return machine(Number(address));
    const guestPhysical = space === 'guestPhysical' ? address : this.guestPhysicalOf(address);
    if (guestPhysical === undefined) return undefined;
    const at = Number(guestPhysical);
    if (!this.hypervisor) return machine(at);
    return this.hypervisor.guestMemory.contains(at, length) ? { space: 'guest', at } : undefined;
  }

  /** Translates through the guest's tables alone: RAM that the EPT does not map yet is there all the same. */
  private guestPhysicalOf(linear: bigint): bigint | undefined {
    const guest = this.hypervisor?.guestMemory ?? this.memory;
    const read = (at: bigint): bigint | undefined =>
      guest.contains(Number(at), 8) ? new DataView(guest.read(Number(at), 8).buffer).getBigUint64(0, true) : undefined;
    return this.asGuest(() => inspectLinear(this.state, read, linear, LOOK, 0)).guestPhysical;
  }

  private stopsAt(linear: bigint): boolean {
    const { startedAt } = this;
    // Going on from a breakpoint does not stop at it again before anything ran.
    if (linear === startedAt.linear && this.clock.instructions === startedAt.instructions) return false;
    this.breakpointSeen = linear;
    return true;
  }

  private exited(): void {
    const { exits } = this.hypervisor!;
    const exit = this.exitFilter && exits.entry(exits.count - 1);
    if (!exit || !this.exitFilter!(exit)) return;
    this.exitSeen = exit;
    this.guest.requestStop();
  }

  private end(result: FinalResult): void {
    this.ended ??= result;
    this.guest?.requestStop();
  }

  private resultOf(stop: BareStop | StopReason): RunResult {
    switch (stop.kind) {
      case 'budget':
        return { reason: 'budget' };
      case 'stop':
        if (this.breakpointSeen !== undefined) return { reason: 'breakpoint', linear: this.breakpointSeen };
        return this.exitSeen ? { reason: 'vm exit', exit: this.exitSeen } : { reason: 'stop requested' };
      case 'idle':
        if (stop.wake === undefined && !this.canWake()) {
          return { reason: 'halted', detail: 'The guest executed HLT with interrupts off and can never wake.' };
        }
        return { reason: 'idle', wake: stop.wake };
      case 'shutdown':
        return { reason: 'triple fault', detail: 'The processor shut down after a triple fault.' };
      case 'stuck':
        return { reason: 'stuck', detail: 'Exceptions follow one another and no instruction completes.' };
      case 'crash':
        return { reason: CRASH_REASONS[stop.reason], detail: stop.detail };
    }
  }

  private canWake(): boolean {
    return (this.state.word(STATE.eflags) & EFLAGS.IF) !== 0;
  }
}

const CRASH_REASONS = {
  'triple-fault': 'triple fault',
  'never-wakes': 'halted',
  'entry-failure': 'vm entry failed',
  'no-memory': 'stuck',
  'no-progress': 'stuck',
  'unknown-exit': 'stuck',
} as const;

const NOT_FINAL: readonly string[] = ['budget', 'breakpoint', 'stop requested', 'vm exit', 'idle'];

function isFinal(result: RunResult): result is FinalResult {
  return !NOT_FINAL.includes(result.reason);
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

/** Cuts a range at page boundaries. */
function* inPages(address: bigint, length: number): Generator<{ at: bigint; size: number }> {
  for (let done = 0; done < length;) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const size = Math.min(length - done, PAGE - Number(at & 0xfffn));
    yield { at, size };
    done += size;
  }
}
