// A target that does as a test says: it keeps what it was asked, counts what it is told to, and stops when the test wants.
import { UserError } from '../../../src/common/errors';
import type {
  BreakpointSet,
  Resume,
  Stop,
  Target,
  TargetDescription,
  TargetEvent,
  TargetState,
} from '../../../src/targets/target';

const notAsked = (): Promise<never> => Promise.reject(new Error('the test asks for no such thing'));

export class ScriptedTarget implements Target {
  readonly resumed: Resume[] = [];
  readonly typed: number[] = [];
  breakpoints: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };
  memory = new Uint8Array(4096);
  disposed = false;
  instructions = 0;
  running = false;
  stop: Stop | undefined;
  private listener: (event: TargetEvent) => void = () => {};

  readonly registerGroups = notAsked;
  readonly registers = notAsked;
  readonly evaluate = notAsked;
  readonly walk = notAsked;
  readonly mappings = notAsked;
  readonly memoryMap = notAsked;
  readonly exits = notAsked;
  readonly vmcs = notAsked;
  readonly devices = notAsked;
  readonly interrupts = notAsked;

  emit(event: TargetEvent): void {
    if (event.kind === 'stopped') [this.running, this.stop] = [false, event.stop];
    this.listener(event);
  }

  onEvent(listener: (event: TargetEvent) => void): void {
    this.listener = listener;
  }

  async describe(): Promise<TargetDescription> {
    return { name: 'scripted.elf', kernel: '/guests/scripted.elf', memoryBytes: 4096, bare: false };
  }

  async state(): Promise<TargetState> {
    const { instructions, running, stop } = this;
    return { instructions, ticks: 2 * instructions, exits: 1, running, stop };
  }

  async threads(): Promise<[{ id: number; name: string }]> {
    return [{ id: 1, name: 'vCPU 0' }];
  }

  /** A step stops at once, even before the answer could be sent. */
  async resume(_thread: number, how: Resume): Promise<void> {
    if (this.running) throw new UserError('target/running', 'It runs.');
    this.running = true;
    this.resumed.push(how);
    this.emit({ kind: 'running' });
    if (how.kind !== 'step') return;
    this.instructions++;
    this.emit({ kind: 'stopped', thread: 1, stop: { reason: 'step' } });
  }

  async pause(): Promise<void> {
    if (this.running) this.emit({ kind: 'stopped', thread: 1, stop: { reason: 'pause' } });
  }

  async setBreakpoints(breakpoints: BreakpointSet): Promise<void> {
    if (breakpoints.code.some(({ linear }) => linear === 0xbadn)) throw new UserError('breakpoint/bad', 'Not there.');
    this.breakpoints = breakpoints;
  }

  async position(): Promise<Awaited<ReturnType<Target['position']>>> {
    const { instructions } = this;
    const place = { rip: 0xfff0n, linear: 0xffff_fff0n, rsp: 0n, rbp: 0n, stackBase: 0n };
    return { ...place, codeBits: 16, mode: 'real mode', instructions, ticks: 2 * instructions };
  }

  async writeRegister(_thread: number, _group: string, name: string, value: bigint): Promise<bigint> {
    if (name === 'bug') throw new TypeError('a bug in writeRegister');
    return value;
  }

  async readMemory(_thread: number, _space: string, address: bigint, length: number): Promise<Uint8Array> {
    return address === 0n ? this.memory.slice(0, length) : new Uint8Array(length);
  }

  async writeMemory(_thread: number, _space: string, address: bigint, bytes: Uint8Array): Promise<number> {
    this.memory.set(bytes, Number(address));
    return bytes.length;
  }

  async lastExit(): Promise<undefined> {
    return undefined;
  }

  async sendSerial(bytes: Uint8Array): Promise<void> {
    this.typed.push(...bytes);
  }

  async detach(): Promise<void> {}

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}
