// A Target whose stops a test hands in, for what no guest does on demand. It keeps what it was asked.
import { UserError } from '../../src/common/errors';
import type { Access, AddressSpace } from '../../src/protocol/address';
import type { ExitDescription, ExitsAnswer } from '../../src/protocol/exit';
import type { WalkAnswer } from '../../src/protocol/walk';
import type { Expression, Value } from '../../src/symbols/expression/ast';
import { evaluate } from '../../src/symbols/expression/evaluate';
import type {
  BreakpointSet,
  Position,
  Register,
  Resume,
  Stop,
  Target,
  TargetEvent,
  TargetState,
  TargetThread,
} from '../../src/targets/target';

/** Sixteen bytes of NOP from this linear address on are all the memory there is. */
export const CODE = 0xffffffff81000000n;
const CODE_BYTES = 16n;
const COUNTERS = { instructions: 5, ticks: 7, exits: 3 };

export class ScriptedTarget implements Target {
  readonly resumed: Resume[] = [];
  readonly sent: number[] = [];
  readonly written = new Map<string, bigint>();
  breakpoints: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };
  disposed = false;
  detached = false;
  running = false;
  private listener: (event: TargetEvent) => void = () => {};
  private readonly memory = new Uint8Array(Number(CODE_BYTES)).fill(0x90);

  describe() {
    return Promise.resolve({ name: 'scripted', kernel: 'k', memoryBytes: 2 ** 28, bare: false });
  }
  state(): Promise<TargetState> {
    return Promise.resolve({ ...COUNTERS, running: this.running });
  }
  threads(): Promise<readonly TargetThread[]> {
    return Promise.resolve([{ id: 1, name: 'vCPU 0' }]);
  }
  onEvent(listener: (event: TargetEvent) => void): void {
    this.listener = listener;
  }
  /** Tells the session something. */
  emit(event: TargetEvent): void {
    this.listener(event);
  }
  resume(_thread: number, how: Resume): Promise<void> {
    if (how.kind === 'stepExit' && how.reasons?.includes('nonsense'))
      return Promise.reject(new UserError('exit/reason', 'There is no exit reason "nonsense".'));
    this.resumed.push(how);
    this.running = true;
    this.emit({ kind: 'running' });
    return Promise.resolve();
  }
  /** Ends the run at hand. */
  stop(stop: Stop): void {
    this.running = false;
    this.emit({ kind: 'stopped', thread: 1, stop });
  }
  /** Is gone, as a process that died. */
  die(reason: string): void {
    this.emit({ kind: 'closed', reason, last: COUNTERS });
  }
  pause(): Promise<void> {
    if (this.running) this.stop({ reason: 'pause' });
    return Promise.resolve();
  }
  setBreakpoints(breakpoints: BreakpointSet): Promise<void> {
    this.breakpoints = breakpoints;
    return Promise.resolve();
  }
  position(): Promise<Position> {
    return Promise.resolve({
      rip: CODE,
      linear: CODE,
      codeBits: 64,
      mode: '64-bit mode',
      rsp: 0n,
      rbp: 0n,
      stackBase: 0n,
      instructions: 5,
      ticks: 7,
    });
  }
  registerGroups(): Promise<readonly string[]> {
    return Promise.resolve(['General', 'Flags']);
  }
  registers(_thread: number, group: string): Promise<readonly Register[]> {
    const fields = [
      { name: 'CF', high: 0, low: 0 },
      { name: 'IOPL', high: 13, low: 12, values: { 3: 'user' } },
    ];
    const value = (name: string, initial: bigint): bigint => this.written.get(name) ?? initial;
    return Promise.resolve(
      group === 'General'
        ? [
            { group, name: 'RAX', value: value('RAX', 0x1234n), bits: 64 },
            { group, name: 'RIP', value: CODE, bits: 64, readOnly: true },
          ]
        : [{ group, name: 'RFLAGS', value: value('RFLAGS', 0x3001n), bits: 32, fields }],
    );
  }
  writeRegister(_thread: number, _group: string, name: string, value: bigint): Promise<bigint> {
    this.written.set(name, value);
    return Promise.resolve(value);
  }
  evaluate(_thread: number, expression: Expression): Promise<Value> {
    return Promise.resolve().then(() =>
      evaluate(expression, {
        register: (name) => (name === 'rax' ? { value: this.written.get('RAX') ?? 0x1234n, bits: 64 } : undefined),
        variable: () => undefined,
        read: (_space, address, length) => this.read(address, length),
      }),
    );
  }
  readMemory(_thread: number, _space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.read(address, length));
  }
  writeMemory(_thread: number, _space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<number> {
    this.memory.set(bytes, Number(address - CODE));
    return Promise.resolve(bytes.length);
  }
  walk(_thread: number, _space: 'linear' | 'guestPhysical', _address: bigint, access: Access): Promise<WalkAnswer> {
    return Promise.resolve({ levels: [], fault: { kind: 'page fault', bit: access, text: 'scripted' } });
  }
  mappings() {
    return Promise.resolve({ ranges: [] });
  }
  memoryMap() {
    return Promise.resolve({ regions: [] });
  }
  lastExit(): Promise<ExitDescription | undefined> {
    return Promise.resolve(undefined);
  }
  exits(): Promise<ExitsAnswer> {
    return Promise.resolve({ exits: [], first: '0', total: '0', totals: {} });
  }
  vmcs() {
    return Promise.resolve({ fields: [] });
  }
  devices() {
    return Promise.resolve({ devices: [] });
  }
  interrupts() {
    return Promise.resolve({ lines: [] });
  }
  /** Sends bytes on the guest's serial line. */
  say(text: string): void {
    this.emit({ kind: 'serial', bytes: Buffer.from(text) });
  }
  sendSerial(bytes: Uint8Array): Promise<void> {
    this.sent.push(...bytes);
    return Promise.resolve();
  }
  detach(): Promise<void> {
    this.detached = true;
    return Promise.resolve();
  }
  dispose(): Promise<void> {
    this.disposed = true;
    return this.pause();
  }

  private read(address: bigint, length: number): Uint8Array {
    if (address < CODE || address >= CODE + CODE_BYTES) return new Uint8Array(0);
    const at = Number(address - CODE);
    return this.memory.slice(at, at + length);
  }
}
