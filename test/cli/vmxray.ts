// Runs the built `vmxray` program in a process of its own.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The built program. */
export const PROGRAM = join('dist', 'src', 'cli', 'main.js');

/** The sample guest of this name. */
export const guest = (name: string): string => join('test', 'guests', 'bin', `${name}.elf`);

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when it has ended. */
  ended(): Promise<Ended>;
  /** Resolves when it writes to standard output; rejects when it ends without. */
  speaks(): Promise<void>;
}

/** Starts the program; its standard input is open until the test closes it. */
export function startVmxray(...args: string[]): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args]);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (errors += String(data)));
  child.stdin.on('error', () => {}); // a program that has ended reads nothing
  const closed = once(child, 'close');
  const ended = async (): Promise<Ended> => {
    await closed;
    return { code: child.exitCode, output, errors };
  };
  const speaks = async (): Promise<void> => {
    const silent = closed.then(() => Promise.reject(new Error(`ended without a word: ${errors}`)));
    await Promise.race([once(child.stdout, 'data'), silent]);
  };
  return { child, ended, speaks };
}

/** Runs the program with nothing on its standard input. */
export function vmxray(...args: string[]): Promise<Ended> {
  const { child, ended } = startVmxray(...args);
  child.stdin.end();
  return ended();
}
