// One long-lived gdb with the kernel's vmlinux, connected to the guest: tells the stack of each stop (tell-stops.py).
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ToldFrame } from '../../symbols/dwarf/gdb-stops';

/** A frame as gdb tells it; numbers in `variables` are decimal. */
export interface KernelFrame extends Omit<ToldFrame, 'name'> {
  /** Null where gdb knows no symbol. */
  readonly name: string | null;
  readonly file: string | null;
  /** It has debug information: it is not assembly. */
  readonly debug: boolean;
  /** Not on the stack: gdb infers it from a jump that ended its function. */
  readonly tail: boolean;
}

/** A stack as gdb tells it. */
export interface KernelStack {
  readonly frames: readonly KernelFrame[];
  /** What gdb complained of where the stack ends. */
  readonly error: string | null;
}

/** As many rows of a stack as are compared, and as gdb tells: what it says of a variable further out may decide. */
export const MOST_FRAMES = 12;
export const TOLD_FRAMES = 20;
const SCRIPT = 'test/bench/soak-symbols/tell-stops.py';

export class GdbTeller {
  private readonly lines: AsyncIterator<string>;
  private readonly closed: Promise<void>;

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Resolves when gdb has read its symbols and is connected. */
  static async start(gdb: string, vmlinux: string, port: number): Promise<GdbTeller> {
    const args = ['-nx', '-q', '-batch', '-iex', 'set debuginfod enabled off', '-x', SCRIPT, vmlinux];
    const env = { ...process.env, LC_ALL: 'C.UTF-8', DOOR: `127.0.0.1:${port}`, FRAMES: String(TOLD_FRAMES) };
    const teller = new GdbTeller(spawn(gdb, args, { stdio: ['pipe', 'pipe', 'inherit'], env }));
    await teller.line('READY');
    return teller;
  }

  /** The stack of the guest as it stands. */
  async stack(): Promise<KernelStack> {
    this.child.stdin.write('tell\n');
    return JSON.parse(await this.line('STOP ')) as KernelStack;
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await this.closed;
  }

  /** The rest of the next line that begins so; gdb may say other things in between. */
  private async line(begin: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error('gdb has ended');
      if (value.startsWith(begin)) return value.slice(begin.length);
    }
  }
}
