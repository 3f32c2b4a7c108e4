/**
 * Our own machine as a target, running inside this process in slices. Breakpoints, conditions and steps are computed here,
 * beside the machine: see `own-machine/`.
 */
import type { Expression, Value } from '../symbols/expression/ast';
import { evaluate } from '../symbols/expression/evaluate';
import { MODE, STATE } from '../cpu/layout';
import { SEGMENT } from '../isa/semantics';
import type { Machine } from '../machine/machine';
import type { Access, AddressSpace } from '../protocol/address';
import type { DevicesAnswer } from '../protocol/devices';
import type { ExitDescription, ExitsAnswer, ExitsQuery } from '../protocol/exit';
import type { InterruptsAnswer } from '../protocol/interrupts';
import type { MappingsAnswer, MappingsQuery, MemoryMapAnswer } from '../protocol/mappings';
import type { VmcsAnswer } from '../protocol/vmcs';
import type { WalkAnswer } from '../protocol/walk';
import { createMachine } from './create-machine';
import { devicesAnswer } from './inspection/devices-answer';
import { describeExit, exitReasonNumbers } from './inspection/exit-description';
import { writeDeviceRegister } from './inspection/edit-device';
import { exitsAnswer } from './inspection/exits-answer';
import { interruptsAnswer } from './inspection/interrupts-answer';
import { mappingsAnswer } from './inspection/mappings-answer';
import { memoryMapAnswer } from './inspection/memory-map';
import { registerGroups, registersOf, writeRegisterOf } from './inspection/registers';
import { vmcsAnswer } from './inspection/vmcs-answer';
import { walkAnswer } from './inspection/walk-answer';
import { Limiter, type Limits } from './limits';
import { describeEnd, isFinal, MachineLoop } from './machine-loop';
import { DEFAULT_MEMORY, parseSize } from './machine-settings';
import { modeName } from './mode-name';
import type { MachineSettings, Pace, RestoredSettings } from './machine-settings';
import type { MachineControl, SnapshotFacts } from './machine-control';
import { writeSnapshot } from './snapshot-writer';
import { noExits } from './inspection/errors';
import { badWatch, hasEnded, isGone, isRunning, noThread } from './own-machine/errors';
import { guestScope } from './own-machine/event-scope';
import { mergedStop, Watcher } from './own-machine/watcher';
import { codeBits } from './own-machine/frame';
import { Stepper } from './own-machine/stepper';
import type { StepEnd } from './own-machine/stepper';
import { SerialInput } from './serial-input';
import type {
  BreakpointSet,
  Counters,
  EndReason,
  EventKind,
  Position,
  Register,
  Resume,
  Stop,
  Target,
  TargetDescription,
  TargetEvent,
  TargetState,
  TargetThread,
} from './target';

const VCPU: TargetThread = { id: 1, name: 'vCPU 0' };
const RSP = 4;
const RBP = 5;
/** Breakpoint kinds that need a hypervisor of ours. */
const EXIT_KINDS: readonly EventKind[] = ['exit', 'mmio', 'portIo', 'msr'];
/** Which kind of breakpoint waits for which end. */
const END_KINDS: Partial<Record<EndReason, EventKind>> = {
  'triple fault': 'tripleFault',
  reset: 'reset',
  'vm entry failed': 'entryFailure',
};
const LONGEST_WATCH = 2 ** 20;

/** Boots a machine as its user describes it, or goes on from a snapshot. Rejects with UserErrors. */
export async function startOwnMachine(settings: MachineSettings | RestoredSettings, pace: Pace): Promise<OwnMachine> {
  return new OwnMachine(
    (onSerial) => createMachine(settings, pace, onSerial),
    descriptionOf(settings),
    settings.limits,
  );
}

function descriptionOf(settings: MachineSettings | RestoredSettings): TargetDescription {
  if ('restore' in settings) {
    const { restore, identity } = settings;
    return identity ?? { name: basename(restore), kernel: restore, memoryBytes: 0, bare: false };
  }
  const { kernel, name = basename(kernel), memory = DEFAULT_MEMORY, bare = false } = settings;
  return { name, kernel, memoryBytes: parseSize(memory), bare };
}

/** Makes the machine, which gives each byte that its guest sends to `onSerial`. */
export type MakeMachine = (onSerial: (byte: number) => void) => Machine;

/** A machine with one debugger at it. */
export class OwnMachine implements Target, MachineControl {
  private readonly machine: Machine;
  private readonly loop: MachineLoop;
  private readonly input: SerialInput;
  private readonly watcher: Watcher;
  private readonly stepper: Stepper;
  private readonly limiter: Limiter | undefined;
  private excess: string | undefined;
  private spoken: number[] = [];
  private listener: (event: TargetEvent) => void = () => {};
  private runs = false;
  private lastStop: Stop | undefined;
  private disposed = false;

  constructor(
    make: MakeMachine,
    private readonly description: TargetDescription,
    limits?: Limits,
  ) {
    this.machine = make((byte) => this.spoken.push(byte));
    this.limiter = limits && new Limiter(limits);
    this.loop = new MachineLoop(this.machine, undefined, this.limiter);
    this.input = new SerialInput(this.machine);
    this.watcher = new Watcher(this.machine, (id, text) => this.emit({ kind: 'log', id, text }));
    this.stepper = new Stepper(this.machine, this.watcher, (limit) => this.loop.run(limit, () => this.exchange()));
  }

  async describe(): Promise<TargetDescription> {
    return this.description;
  }

  async state(): Promise<TargetState> {
    return { ...this.counters(), running: this.runs, ...(this.lastStop && { stop: this.lastStop }) };
  }

  async threads(): Promise<readonly TargetThread[]> {
    return [VCPU];
  }

  onEvent(listener: (event: TargetEvent) => void): void {
    this.listener = listener;
  }

  async resume(thread: number, how: Resume): Promise<void> {
    requireVcpu(thread);
    this.requireStopped();
    if (this.lastStop?.reason === 'ended') throw hasEnded(this.lastStop.end.text);
    if (how.kind === 'stepExit' && !this.machine.exits) throw noExits();
    const exits = how.kind === 'stepExit' && how.reasons ? exitReasonNumbers(how.reasons) : undefined;
    // A breakpoint at the guest's very first instruction stops who lets it run, but nobody who steps.
    if (this.lastStop || how.kind !== 'continue') this.machine.arrives();
    this.runs = true;
    this.excess = undefined;
    this.loop.forgetStop();
    this.emit({ kind: 'running' });
    // The answer to this comes before what follows from it.
    setImmediate(() => void this.run(how, exits));
  }

  async pause(): Promise<void> {
    if (this.runs) this.loop.stop();
  }

  async setBreakpoints(breakpoints: BreakpointSet): Promise<void> {
    this.requirePresent();
    for (const { linear, length } of breakpoints.data) {
      const isWhole = Number.isInteger(length) && length >= 1 && length <= LONGEST_WATCH;
      if (!isWhole || linear < 0n || linear + BigInt(length) > 1n << 64n) throw badWatch(length);
    }
    const needsExits =
      breakpoints.events.some(({ kind }) => EXIT_KINDS.includes(kind)) || breakpoints.data.some(({ space }) => space);
    if (this.description.bare && needsExits) throw noExits();
    this.watcher.setBreakpoints(breakpoints);
  }

  async position(thread: number): Promise<Position> {
    requireVcpu(thread);
    const { machine } = this;
    const linear = machine.linearRip();
    return machine.asGuest(() => {
      const { state } = machine;
      const mode = state.word(STATE.mode);
      return {
        rip: state.rip,
        linear,
        codeBits: codeBits(mode),
        mode: modeName(mode),
        rsp: state.general(RSP),
        rbp: state.general(RBP),
        stackBase: codeBits(mode) === 64 ? 0n : state.segmentBase(SEGMENT.SS),
        instructions: machine.instructions,
        ticks: machine.ticks,
      };
    });
  }

  async registerGroups(thread: number): Promise<readonly string[]> {
    requireVcpu(thread);
    return registerGroups(this.machine);
  }

  async registers(thread: number, group: string): Promise<readonly Register[]> {
    requireVcpu(thread);
    return registersOf(this.machine, group);
  }

  async writeRegister(thread: number, group: string, name: string, value: bigint): Promise<bigint> {
    requireVcpu(thread);
    this.requireStopped();
    const written = writeRegisterOf(this.machine, group, name, value);
    this.machine.edited();
    return written;
  }

  async evaluate(thread: number, expression: Expression): Promise<Value> {
    requireVcpu(thread);
    return evaluate(expression, guestScope(this.machine));
  }

  async readMemory(thread: number, space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    requireVcpu(thread);
    return this.machine.readMemory(space, address, length);
  }

  async writeMemory(thread: number, space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<number> {
    requireVcpu(thread);
    this.requirePresent();
    const written = this.machine.writeMemory(space, address, bytes);
    if (!this.runs) this.machine.edited();
    return written;
  }

  async walk(thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer> {
    requireVcpu(thread);
    const { machine } = this;
    const user = machine.asGuest(() => ((machine.state.word(STATE.mode) >> MODE.cplShift) & 3) === 3);
    const kind = { write: access === 'write', execute: access === 'execute', user };
    return walkAnswer(machine.walk(space, address, kind));
  }

  async mappings(thread: number, query: MappingsQuery): Promise<MappingsAnswer> {
    requireVcpu(thread);
    return mappingsAnswer(this.machine, query);
  }

  async memoryMap(): Promise<MemoryMapAnswer> {
    return memoryMapAnswer(this.machine);
  }

  async lastExit(thread: number): Promise<ExitDescription | undefined> {
    requireVcpu(thread);
    const last = this.machine.exits?.last;
    return last && describeExit(last);
  }

  async exits(query: ExitsQuery): Promise<ExitsAnswer> {
    return exitsAnswer(this.machine, query);
  }

  async vmcs(thread: number): Promise<VmcsAnswer> {
    requireVcpu(thread);
    return vmcsAnswer(this.machine);
  }

  async devices(): Promise<DevicesAnswer> {
    return devicesAnswer(this.machine);
  }

  async interrupts(): Promise<InterruptsAnswer> {
    return interruptsAnswer(this.machine);
  }

  async writeDevice(device: string, register: string, value: bigint): Promise<void> {
    this.requireStopped();
    writeDeviceRegister(this.machine, device, register, value);
    this.machine.edited();
  }

  async sendSerial(bytes: Uint8Array): Promise<void> {
    this.input.push(bytes);
    this.loop.wake();
  }

  async saveSnapshot(path: string): Promise<SnapshotFacts> {
    this.requireStopped();
    const { machine } = this;
    const { instructions, ticks } = machine;
    return { bytes: writeSnapshot(path, machine.save()), instructions, ticks };
  }

  async pressPowerButton(): Promise<void> {
    this.requirePresent();
    this.machine.pressPowerButton();
    this.loop.wake();
  }

  /** Without a process of its own the guest ends with its debugger. */
  detach(): Promise<void> {
    return this.dispose();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.listener = () => {};
    await this.pause();
  }

  private async run(how: Resume, exits: ReadonlySet<number> | undefined): Promise<void> {
    try {
      const end = await this.stepper.go(how, exits);
      this.exchange();
      const stop = this.stopOf(end);
      this.lastStop = stop;
      this.runs = false;
      this.emit({ kind: 'stopped', thread: VCPU.id, stop });
    } catch (error) {
      // Nothing that a guest does throws: this machine cannot be trusted any more.
      this.runs = false;
      this.disposed = true;
      const reason = `A bug in VMXray stopped the machine: ${(error as Error).message}`;
      this.emit({ kind: 'closed', reason, last: this.counters() });
    }
  }

  private stopOf(end: StepEnd): Stop {
    const { watcher, machine } = this;
    const cause = watcher.take();
    if (end !== 'done' && isFinal(end)) {
      const { sentence, debugExit } = describeEnd(machine, end);
      const kind = END_KINDS[end.reason];
      const met = kind && watcher.ended(kind);
      return { reason: 'ended', end: { reason: end.reason, text: sentence, debugExit }, ...met };
    }
    const here = watcher.lookHere();
    if (cause && cause.reason !== 'mark') return here ? mergedStop(cause, here) : cause;
    if (end !== 'done') return { reason: 'pause', ...(this.excess && { note: this.excess }), ...here };
    return here ? { reason: 'breakpoint', linear: machine.linearRip(), ...here } : { reason: 'step' };
  }

  private counters(): Counters {
    const { machine } = this;
    return { instructions: machine.instructions, ticks: machine.ticks, exits: machine.exits?.count ?? 0 };
  }

  private emit(event: TargetEvent): void {
    this.listener(event);
  }

  /** Passes on what the guest has sent and what was typed for it; true if the guest got something. */
  private exchange(): boolean {
    if (this.spoken.length > 0) {
      const bytes = Uint8Array.from(this.spoken);
      this.spoken = [];
      this.emit({ kind: 'serial', bytes });
    }
    this.excess = this.limiter?.excess() ?? this.excess;
    if (this.excess) this.loop.stop();
    return this.input.feed();
  }

  private requirePresent(): void {
    if (this.disposed) throw isGone();
  }

  private requireStopped(): void {
    this.requirePresent();
    if (this.runs) throw isRunning();
  }
}

function requireVcpu(thread: number): void {
  if (thread !== VCPU.id) throw noThread(thread);
}

/** The last part of a path, however it is written. */
function basename(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
