// Runs programs for the lab: output captured, a failure told with the end of what the program said.
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How a program is started; `timeout` is in milliseconds (default 10 minutes). */
export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeout?: number;
}

/** The program's standard output. Rejects if it cannot start, fails, or takes too long. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { cwd, env = process.env, timeout = 600_000 } = options;
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, timeout, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = (stderr || stdout || error.message).trim().split('\n').slice(-3).join(' | ');
      reject(new Error(`${command} ${args.slice(0, 3).join(' ')} failed: ${said}`));
    });
  });
}

/** The path of the first executable of these names on PATH, if any. */
export function findCommand(...names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
