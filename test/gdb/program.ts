// `vmxray run --gdb` in a process of its own, and a real gdb at it.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Ended, startVmxray } from '../cli/vmxray';

/** A guest that lets debuggers in. */
export interface Door {
  readonly port: number;
  readonly child: ChildProcessWithoutNullStreams;
  ended(): Promise<Ended>;
}

const PORT = /target remote 127\.0\.0\.1:(\d+)/;

/** Starts `vmxray run` with a door at a free port, and standard input at its end. */
export async function openDoor(...args: readonly string[]): Promise<Door> {
  const { child, ended } = startVmxray('run', '--gdb', '127.0.0.1:0', ...args);
  child.stdin.end();
  let said = '';
  while (!PORT.test(said)) {
    const next = await Promise.race([once(child.stderr, 'data'), ended()]);
    if (!Array.isArray(next)) throw new Error(`ended before it listened: ${next.errors}`);
    said += String(next[0]);
  }
  return { port: Number(PORT.exec(said)![1]), child, ended };
}

/** A gdb that runs. */
export interface RunningGdb {
  readonly child: ChildProcess;
  /** Resolves to all that it has said when it has ended. */
  ended(): Promise<string>;
}

/** Starts gdb at a door; its commands come after `target remote`. `file`: the program with symbols. */
export function startGdb(command: string, { port }: Door, commands: readonly string[], file?: string): RunningGdb {
  const setup = ['set debuginfod enabled off', 'set width 0', 'set confirm off'];
  const args = ['-nx', '-q', '-batch', ...setup.flatMap((one) => ['-iex', one])];
  const all = [`target remote 127.0.0.1:${port}`, ...commands].flatMap((one) => ['-ex', one]);
  // One pipe for both of its outputs keeps their order.
  const whole = [command, ...args, ...all, ...(file === undefined ? [] : [file])];
  const child = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', ...whole], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // What it says must not be in the tester's language.
    env: { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'dumb' },
  });
  let said = '';
  child.stdout.on('data', (data) => (said += String(data)));
  const closed = once(child, 'close');
  return {
    child,
    ended: async () => {
      await closed;
      return said;
    },
  };
}
