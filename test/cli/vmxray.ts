// Runs the built `vmxray` program in a process of its own.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const PROGRAM = join('dist', 'src', 'cli', 'main.js');

/** The sample guest of this name. */
export const guest = (name: string): string => join('test', 'guests', 'bin', `${name}.elf`);

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts the program; its standard input is open until `ended` or the test closes it. */
export function startVmxray(...args: string[]): { child: ChildProcessWithoutNullStreams; ended: () => Promise<Ended> } {
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
  return { child, ended };
}

/** Runs the program with nothing on its standard input. */
export function vmxray(...args: string[]): Promise<Ended> {
  const { child, ended } = startVmxray(...args);
  child.stdin.end();
  return ended();
}
