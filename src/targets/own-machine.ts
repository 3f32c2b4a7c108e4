/**
 * Our own machine as a target, running inside this process. A machine in a process of its own will be another maker of
 * the same interface.
 */
import { UserError } from '../common/errors';
import { MODE, STATE } from '../cpu/layout';
import { createDecoder, MAX_INSTRUCTION_LENGTH } from '../isa/decode';
import { INSTRUCTIONS } from '../isa/records';
import type { Machine } from '../machine/machine';
import type { Access, AddressSpace } from '../protocol/address';
import type { ExitDescription } from '../protocol/exit';
import type { WalkAnswer } from '../protocol/walk';
import { createMachine } from './create-machine';
import { describeExit, exitReasonNumbers } from './exit-description';
import { describeEnd, MachineLoop, type LoopEnd } from './machine-loop';
import type { MachineSettings, Pace } from './machine-settings';
import { describeRegisters } from './registers';
import { SerialInput } from './serial-input';
import type { Position, Register, Resume, Run, Stop, Target, TargetThread } from './target';
import { walkAnswer } from './walk-answer';

const VCPU: TargetThread = { id: 1, name: 'vCPU 0' };
const RSP = 4;
/** What `stepOver` runs to its end: they come back to the next instruction. */
const CALLS: ReadonlySet<string> = new Set(['CALL', 'INT', 'INT3', 'INT1', 'INTO', 'SYSCALL', 'SYSENTER']);

/** Boots a machine as its user describes it. Rejects with UserErrors. */
export function startOwnMachine(settings: MachineSettings, pace: Pace): Promise<Target> {
  return new Promise((resolve) => resolve(new OwnMachine(settings, pace)));
}

class OwnMachine implements Target {
  private readonly machine: Machine;
  private readonly loop: MachineLoop;
  private readonly input: SerialInput;
  private readonly decoder = createDecoder(INSTRUCTIONS);
  private breakpoints: readonly bigint[] = [];
  private spoken: number[] = [];
  private listener: (bytes: Uint8Array) => void = () => {};
  private runs = false;
  private hasRun = false;
  private disposed = false;

  constructor(settings: MachineSettings, pace: Pace) {
    this.machine = createMachine(settings, pace, (byte) => this.spoken.push(byte));
    this.loop = new MachineLoop(this.machine);
    this.input = new SerialInput(this.machine);
  }

  threads(): Promise<readonly TargetThread[]> {
    return Promise.resolve([VCPU]);
  }

  async resume(_thread: number, how: Resume): Promise<Run> {
    const start = this.starter(how);
    const isFirst = !this.hasRun;
    this.hasRun = true;
    const linear = this.machine.linearRip();
    // Going on from a breakpoint passes it; but nobody has stopped at the guest's first instruction yet.
    if (isFirst && how.kind === 'continue' && this.breakpoints.includes(linear))
      return { stopped: Promise.resolve({ reason: 'instruction breakpoint', linear }) };
    return { stopped: this.run(how, start) };
  }

  pause(): void {
    if (this.runs) this.loop.stop();
  }

  async position(): Promise<Position> {
    const { machine } = this;
    const [rip, mode] = machine.asGuest(() => [machine.state.rip, machine.state.word(STATE.mode)] as const);
    return {
      rip,
      linear: machine.linearRip(),
      codeBits: codeBits(mode),
      mode: modeName(mode),
      instructions: machine.instructions,
      ticks: machine.ticks,
    };
  }

  async registers(): Promise<readonly Register[]> {
    return this.machine.asGuest(() => describeRegisters(this.machine.state));
  }

  async setBreakpoints(linear: readonly bigint[]): Promise<void> {
    this.breakpoints = linear;
    this.machine.setBreakpoints(linear);
  }

  async readMemory(_thread: number, space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    return this.machine.readMemory(space, address, length);
  }

  async walk(_thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer> {
    const { machine } = this;
    const user = machine.asGuest(() => ((machine.state.word(STATE.mode) >> MODE.cplShift) & 3) === 3);
    const kind = { write: access === 'write', execute: access === 'execute', user };
    return walkAnswer(machine.walk(space, address, kind));
  }

  async lastExit(): Promise<ExitDescription | undefined> {
    const last = this.machine.exits?.last;
    return last && describeExit(last);
  }

  onSerial(listener: (bytes: Uint8Array) => void): void {
    this.listener = listener;
  }

  sendSerial(bytes: Uint8Array): void {
    this.input.push(bytes);
    this.loop.wake();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.listener = () => {};
    this.pause();
  }

  private async run(how: Resume, start: () => Promise<LoopEnd>): Promise<Stop> {
    this.runs = true;
    try {
      return this.stopOf(how, await start());
    } finally {
      this.runs = false;
      this.machine.setExitFilter(undefined);
      this.machine.setBreakpoints(this.breakpoints);
    }
  }

  /** What runs the machine as asked; wrong wishes are refused before anything runs. */
  private starter(how: Resume): () => Promise<LoopEnd> {
    const { machine, loop } = this;
    const between = (): boolean => this.exchange();
    switch (how.kind) {
      case 'continue':
        return () => loop.run(Infinity, between);
      case 'step':
        return () => loop.run(1, between);
      case 'stepOver':
        return () => this.stepOver(between);
      case 'stepExit': {
        if (!machine.exits)
          throw new UserError(
            'exit/bare',
            'A bare machine has no hypervisor of ours to exit to: launch without "bare".',
          );
        const reasons = how.reasons && exitReasonNumbers(how.reasons);
        machine.setExitFilter((exit) => reasons?.has(exit.reason & 0xffff) ?? true);
        return () => loop.run(Infinity, between);
      }
    }
  }

  /** A call, software interrupt or repeated instruction runs until the instruction after it, on the same stack. */
  private async stepOver(between: () => boolean): Promise<LoopEnd> {
    const { machine, loop } = this;
    const here = machine.linearRip();
    const length = this.callLength(here);
    if (length === undefined) return loop.run(1, between);
    const after = BigInt.asUintN(64, here + BigInt(length));
    const stackPointer = (): bigint => machine.asGuest(() => machine.state.general(RSP));
    const floor = stackPointer();
    machine.setBreakpoints([...this.breakpoints, after]);
    for (;;) {
      const end = await loop.run(Infinity, between);
      if (end.reason !== 'breakpoint' || end.linear !== after || this.breakpoints.includes(after)) return end;
      // Deeper on the stack: a recursion of what was called.
      if (stackPointer() >= floor) return { reason: 'limit' };
    }
  }

  /** Length in bytes of the instruction at `linear` if `stepOver` runs it whole. */
  private callLength(linear: bigint): number | undefined {
    const { machine } = this;
    const bytes = machine.readMemory('linear', linear, MAX_INSTRUCTION_LENGTH);
    const mode = machine.asGuest(() => machine.state.word(STATE.mode));
    const decoded = this.decoder.decode(bytes, 0, bytes.length, codeBits(mode));
    if ('failure' in decoded) return undefined;
    return CALLS.has(decoded.instruction.name) || decoded.repeat !== 0 ? decoded.length : undefined;
  }

  private stopOf(how: Resume, end: LoopEnd): Stop {
    this.exchange();
    if (this.disposed) return { reason: 'pause' };
    switch (end.reason) {
      case 'stop requested':
        return { reason: 'pause' };
      case 'limit':
        return { reason: how.kind === 'continue' ? 'pause' : 'step' };
      case 'breakpoint':
        return { reason: 'instruction breakpoint', linear: end.linear };
      case 'vm exit':
        return { reason: 'vm exit', exit: describeExit(end.exit) };
      default: {
        const { sentence, debugExit } = describeEnd(this.machine, end);
        return { reason: 'ended', end: { reason: end.reason, text: sentence, debugExit } };
      }
    }
  }

  /** Passes on what the guest has sent and what was typed for it; true if the guest got something. */
  private exchange(): boolean {
    if (this.spoken.length > 0) {
      const bytes = Uint8Array.from(this.spoken);
      this.spoken = [];
      this.listener(bytes);
    }
    return this.input.feed();
  }
}

function codeBits(mode: number): 16 | 32 | 64 {
  const size = mode & MODE.codeMask;
  return size === MODE.code64 ? 64 : size === MODE.code32 ? 32 : 16;
}

/** SDM Vol. 3A 2.2: the mode of operation. */
function modeName(mode: number): string {
  const ring = `ring ${(mode >> MODE.cplShift) & 3}`;
  const bits = codeBits(mode);
  if ((mode & MODE.protected) === 0) return 'real mode';
  if (mode & MODE.virtual8086) return 'virtual-8086 mode';
  if (bits === 64) return `64-bit mode, ${ring}`;
  return `${mode & MODE.long ? 'compatibility' : 'protected'} mode, ${bits}-bit, ${ring}`;
}
