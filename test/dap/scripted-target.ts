// A Target whose stops a test hands in, for what no guest does on demand. It keeps what it was asked.
import type { Access, AddressSpace } from '../../src/protocol/address';
import type { ExitDescription } from '../../src/protocol/exit';
import type { WalkAnswer } from '../../src/protocol/walk';
import type { Position, Register, Resume, Run, Stop, Target, TargetThread } from '../../src/targets/target';

/** Sixteen bytes of NOP from this linear address on are all the memory there is. */
export const CODE = 0xffffffff81000000n;
const CODE_BYTES = 16n;

export class ScriptedTarget implements Target {
  readonly resumed: Resume[] = [];
  readonly sent: number[] = [];
  breakpoints: readonly bigint[] = [];
  disposed = false;
  private settle: { resolve: (stop: Stop) => void; reject: (error: Error) => void } | undefined;
  private serial: (bytes: Uint8Array) => void = () => {};

  threads(): Promise<readonly TargetThread[]> {
    return Promise.resolve([{ id: 1, name: 'vCPU 0' }]);
  }
  resume(_thread: number, how: Resume): Promise<Run> {
    this.resumed.push(how);
    return Promise.resolve({ stopped: new Promise((resolve, reject) => (this.settle = { resolve, reject })) });
  }
  /** Ends the run at hand. */
  stop(stop: Stop): void {
    this.settle?.resolve(stop);
  }
  /** Makes the run at hand fail as a bug does. */
  fail(error: Error): void {
    this.settle?.reject(error);
  }
  pause(): void {
    this.stop({ reason: 'pause' });
  }
  position(): Promise<Position> {
    return Promise.resolve({ rip: CODE, linear: CODE, codeBits: 64, mode: '64-bit mode', instructions: 5, ticks: 7 });
  }
  registers(): Promise<readonly Register[]> {
    const fields = [
      { name: 'CF', high: 0, low: 0 },
      { name: 'IOPL', high: 13, low: 12, values: { 3: 'user' } },
    ];
    return Promise.resolve([
      { group: 'General', name: 'RAX', value: 0x1234n, bits: 64 },
      { group: 'Flags', name: 'RFLAGS', value: 0x3001n, bits: 32, fields },
    ]);
  }
  setBreakpoints(linear: readonly bigint[]): Promise<void> {
    this.breakpoints = linear;
    return Promise.resolve();
  }
  readMemory(_thread: number, _space: AddressSpace, address: bigint, length: number): Promise<Uint8Array> {
    const left = address >= CODE && address < CODE + CODE_BYTES ? Number(CODE + CODE_BYTES - address) : 0;
    return Promise.resolve(new Uint8Array(Math.min(length, left)).fill(0x90));
  }
  walk(_thread: number, _space: 'linear' | 'guestPhysical', _address: bigint, access: Access): Promise<WalkAnswer> {
    return Promise.resolve({ levels: [], fault: { kind: 'page fault', bit: access, text: 'scripted' } });
  }
  lastExit(): Promise<ExitDescription | undefined> {
    return Promise.resolve(undefined);
  }
  onSerial(listener: (bytes: Uint8Array) => void): void {
    this.serial = listener;
  }
  /** Sends bytes on the guest's serial line. */
  say(text: string): void {
    this.serial(Buffer.from(text));
  }
  sendSerial(bytes: Uint8Array): void {
    this.sent.push(...bytes);
  }
  dispose(): Promise<void> {
    this.disposed = true;
    this.pause();
    return Promise.resolve();
  }
}
