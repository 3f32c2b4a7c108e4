/**
 * Machines in processes of their own: launching forks `vmxray host` and connects to it; attaching finds a
 * machine that runs already. Forked machines lead process groups of their own, so that they can outlive who started them,
 * and what a terminal sends to its programs does not reach them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { UserError } from '../../common/errors';
import type { HostOrder, HostReport, MachineEntry } from '../../protocol/host';
import type { MachineSettings, Pace, RestoredSettings } from '../machine-settings';
import { describeDeath, readComplaint, type Exit } from './death';
import { ambiguousMachine, noMachine, notStarted, unknownMachine } from './errors';
import { HostClient } from './host-client';
import { hostedMachine, type HostedMachine } from './hosted-machine';
import { GRACE_MS } from './machine-host';
import { makePrivateFolder } from './private-folder';
import { listMachines, logPath, newMachineId, removeEntry } from './registry';

/** How machines are forked. */
export interface HostLaunch {
  /** Path of the built `vmxray` program. */
  readonly program: string;
  /** The product's version; both ends must have the same. */
  readonly version: string;
  /** The machine stays when its last client goes away without a word. */
  readonly keep?: boolean;
  /** How long it waits for a client otherwise, in milliseconds; 10,000 if left out. */
  readonly graceMs?: number;
  /** Who the launching client is, in a few words for people. */
  readonly who?: string;
}

/** A machine makes few objects that die young: 16 MB for them, V8's usual, would stay with it while it is idle. */
const FRUGAL = ['--max-semi-space-size=1'];
/** What V8's compilers have used is theirs again: glibc else keeps as much for each of their threads (mallopt(3)). */
const FRUGAL_MALLOC = { MALLOC_ARENA_MAX: '1' };

/** What the launching process and the machine's agree on. */
export type Order = HostOrder<MachineSettings | RestoredSettings, Pace>;

/**
 * Boots a machine in a process of its own; it has not run yet. What is wrong with the settings comes back as the same
 * UserErrors.
 */
export async function launchHosted(
  settings: MachineSettings | RestoredSettings,
  pace: Pace,
  how: HostLaunch,
): Promise<HostedMachine> {
  const folder = makePrivateFolder();
  const id = newMachineId();
  const child = forkHost(folder, id, how.program);
  const exited = exitOf(child);
  const order: Order = {
    version: how.version,
    settings,
    pace,
    keep: how.keep ?? false,
    graceMs: how.graceMs ?? GRACE_MS,
    folder,
    id,
  };
  try {
    const entry = await entryFrom(child, order, exited);
    const client = await HostClient.connect(entry.socket, how.version, how.who);
    child.disconnect();
    child.unref();
    return hostedMachine(client, entry, { folder, id, exited, kill: () => child.kill('SIGKILL') });
  } catch (error) {
    child.kill('SIGKILL');
    removeEntry(folder, id);
    throw error;
  }
}

/**
 * Connects to a running machine: `machine` is its name, process id, id or socket; without it, to the only one. Rejects
 * with UserErrors (`host/...`).
 */
export async function attachHosted(machine: string | undefined, version: string, who?: string): Promise<HostedMachine> {
  const entry = chooseMachine(machine, await listMachines());
  const { folder, id, socket } = entry;
  const client = await HostClient.connect(socket, version, who);
  const { pid } = client;
  return hostedMachine(client, entry, { folder, id, kill: () => killProcess(pid) });
}

/** The machine that `machine` (a name, process id, id or socket) names. Throws UserErrors unless there is exactly one. */
export function chooseMachine<M extends MachineEntry>(machine: string | undefined, running: readonly M[]): M {
  if (running.length === 0) throw noMachine();
  const fits = (entry: M): boolean =>
    machine === undefined || [entry.name, String(entry.pid), entry.id, entry.socket].includes(machine);
  const fitting = running.filter(fits);
  if (fitting.length > 1) throw ambiguousMachine(fitting);
  if (!fitting[0]) throw unknownMachine(machine ?? '', running);
  return fitting[0];
}

function forkHost(folder: string, id: string, program: string): ChildProcess {
  const log = openSync(logPath(folder, id), 'wx', 0o600);
  try {
    return spawn(process.execPath, [...FRUGAL, program, 'host'], {
      detached: true,
      windowsHide: true,
      // Under VS Code this process's program is Electron.
      env: { ...FRUGAL_MALLOC, ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', 'ignore', log, 'ipc'],
      serialization: 'advanced',
    });
  } finally {
    closeSync(log);
  }
}

const exitOf = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
    // Without a process there is no exit either.
    child.on('error', () => child.pid === undefined && resolve({ code: null, signal: null }));
  });

/** Waits until the forked machine listens. */
function entryFrom(child: ChildProcess, order: Order, exited: Promise<Exit>): Promise<MachineEntry> {
  return new Promise((resolve, reject) => {
    child.once('error', ({ message }) => reject(notStarted(message)));
    child.once('message', (message) => {
      const report = message as HostReport;
      if (report.kind === 'ready') resolve(report.entry);
      else reject(errorOf(report));
    });
    void exited.then((exit) =>
      reject(notStarted(describeDeath(child.pid ?? 0, exit, readComplaint(order.folder, order.id)))),
    );
    child.send(order, () => {});
  });
}

function errorOf(report: Exclude<HostReport, { kind: 'ready' }>): Error {
  if (report.kind === 'refusal') return new UserError(report.code, report.sentence);
  const error = new Error(report.message);
  error.stack = report.stack;
  return error;
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
