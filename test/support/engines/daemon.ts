// Real daemons for tests: each in a folder of its own, waited for until it answers, and ended by its own pid.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A new folder for one daemon, with a short path: socket paths are limited to 108 bytes. */
export const privateFolder = (name: string): string => mkdtempSync(join(tmpdir(), `vmxray-${name}-`));

/**
 * A network namespace of a daemon's own, in which all bridges, routes and packet filters that it makes live and die.
 * `enter` is put before a command line.
 */
export class PrivateNetwork {
  readonly enter: readonly string[];
  private readonly name: string;

  constructor(folder: string) {
    this.name = basename(folder);
    this.enter = ['nsenter', `--net=/run/netns/${this.name}`, '--'];
    execFileSync('ip', ['netns', 'add', this.name]);
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
  }

  dispose(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}

/** One daemon process. */
export class Daemon {
  private child: ChildProcess | undefined;

  /** `commandLine` runs the daemon itself: what stands before it (nsenter) becomes it. */
  constructor(
    private readonly commandLine: readonly string[],
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv = {},
  ) {}

  private get log(): string {
    return join(this.folder, 'daemon.log');
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it; resolves when `isReady` does not reject any more. */
  async start(isReady: () => Promise<unknown>, seconds = 20): Promise<void> {
    const output = openSync(this.log, 'a');
    const [command = '', ...args] = this.commandLine;
    const child = spawn(command, args, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...this.env },
    });
    closeSync(output);
    this.child = child;
    let problem: Error | undefined;
    child.on('error', (error) => (problem = error));
    for (const end = Date.now() + seconds * 1000; ; await sleep(50)) {
      const error = await isReady().then(
        () => undefined,
        (reason: unknown) => reason as Error,
      );
      if (!error) return;
      problem ??= child.exitCode === null ? undefined : new Error(`it ended with code ${child.exitCode}`);
      if (problem || Date.now() > end) {
        throw new Error(
          `${this.commandLine.join(' ')} did not start: ${(problem ?? error).message}\n${this.lastWords()}`,
        );
      }
    }
  }

  /** Ends it; resolves when it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await gone;
    clearTimeout(killer);
  }

  /** The end of what it wrote. */
  lastWords(): string {
    return readFileSync(this.log, 'utf8').split('\n').slice(-12).join('\n');
  }
}

/** Removes a daemon's folder, after what still runs out of it and what is still mounted below it. */
export async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    for (const pid of processesOf(folder)) endProcess(pid);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '');
    for (const path of mounts.filter((mount) => mount.startsWith(`${folder}/`)).reverse())
      spawnSync('umount', ['-l', path]);
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(100);
    }
  }
}

/** Processes whose command line names the folder, which is one daemon's alone, and their children. */
function processesOf(folder: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const own = new Set(all.filter((pid) => readProc(pid, 'cmdline').includes(`${folder}/`)));
  const parentOf = (pid: number): number => Number(/\) \S+ (\d+)/.exec(readProc(pid, 'stat'))?.[1]);
  return all.filter((pid) => pid !== process.pid && (own.has(pid) || own.has(parentOf(pid))));
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/**
 * Removes control groups of that name in every hierarchy; they are empty once their processes have ended; those of
 * another run that is still busy stay.
 */
export async function removeControlGroups(name: string): Promise<void> {
  const remove = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(folder, entry.name));
    rmdirSync(folder);
  };
  const roots = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((entry) => join('/sys/fs/cgroup', entry))];
  for (const folder of roots.map((root) => join(root, name)).filter((path) => existsSync(path))) {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        remove(folder);
        break;
      } catch {
        await sleep(100);
      }
    }
  }
}
