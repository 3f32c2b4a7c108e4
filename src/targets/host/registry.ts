/**
 * Which machines run: each has a file `ID.json` beside its socket, `ID.sock`, and what its process has complained of in
 * `ID.log`. A machine is alive if its socket takes connections; the files of one that is not are removed.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { MachineEntry } from '../../protocol/host';
import { candidateFolders, checkPrivateFolder } from './private-folder';

const ENTRY_FILE = /^([0-9a-f]{8})\.json$/;
const MAX_ENTRY_BYTES = 64 * 1024;
const MOST_ENTRIES = 1000;
// A process that is stopped or swapped out still has its connections taken by the system.
const CONNECT_MS = 1000;
const PIPES = '\\\\.\\pipe\\vmxray-';

/** A new machine's id: 8 hexadecimal digits. */
export const newMachineId = (): string => randomBytes(4).toString('hex');

/** Where a new machine of this id listens. */
export const newSocketPath = (folder: string, id: string): string =>
  process.platform === 'win32' ? `${PIPES}${id}-${randomBytes(16).toString('hex')}` : join(folder, `${id}.sock`);

/** The file that lists a machine. */
export const entryPath = (folder: string, id: string): string => join(folder, `${id}.json`);

/** Where a machine's process writes what it has to complain of. */
export const logPath = (folder: string, id: string): string => join(folder, `${id}.log`);

/** Lists a machine that listens already. */
export function writeEntry(folder: string, entry: MachineEntry): void {
  const path = entryPath(folder, entry.id);
  // Whole or not at all, for who reads it meanwhile.
  writeFileSync(`${path}.new`, `${JSON.stringify(entry, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Removes a machine's files, whichever are there. */
export function removeEntry(folder: string, id: string): void {
  for (const ending of ['json', 'json.new', 'sock', 'log']) rmSync(join(folder, `${id}.${ending}`), { force: true });
}

/** A machine, and the folder that lists it. */
export interface ListedMachine extends MachineEntry {
  readonly folder: string;
}

/** The machines that run, the oldest first. Removes what ended ones have left; a folder that is not safe is passed over. */
export async function listMachines(folders: readonly string[] = candidateFolders()): Promise<readonly ListedMachine[]> {
  const entries = folders.flatMap((folder) => entriesIn(folder));
  const alive = await Promise.all(
    entries.map(async (entry) => {
      if (await takesConnections(entry.socket)) return [entry];
      removeEntry(entry.folder, entry.id);
      return [];
    }),
  );
  return alive.flat().sort((a, b) => (a.started < b.started ? -1 : Number(a.started > b.started)));
}

function entriesIn(folder: string): ListedMachine[] {
  let names: string[];
  try {
    checkPrivateFolder(folder);
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const ids = names.flatMap((name) => ENTRY_FILE.exec(name)?.[1] ?? []).slice(0, MOST_ENTRIES);
  return ids.flatMap((id) => {
    const entry = readEntry(folder, id);
    return entry ? [{ ...entry, folder }] : [];
  });
}

/** What a machine's file says, if it is one. */
function readEntry(folder: string, id: string): MachineEntry | undefined {
  let file: number | undefined;
  try {
    file = openSync(
      entryPath(folder, id),
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    const status = fstatSync(file);
    if (!status.isFile() || status.size > MAX_ENTRY_BYTES) return undefined;
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return isEntry(value) && value.id === id && isSocketOf(folder, value) ? value : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isEntry(value: unknown): value is MachineEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, ...texts } = value as Record<keyof MachineEntry, unknown>;
  const { id, name, kernel, socket, started, version } = texts;
  return (
    Number.isSafeInteger(pid) && [id, name, kernel, socket, started, version].every((text) => typeof text === 'string')
  );
}

const isSocketOf = (folder: string, { id, socket }: MachineEntry): boolean =>
  process.platform === 'win32' ? socket.startsWith(PIPES) : socket === newSocketPath(folder, id);

function takesConnections(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const settle = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.setTimeout(CONNECT_MS, () => settle(true));
    probe.on('connect', () => settle(true));
    // Only what says that nobody is there: a full queue (EAGAIN) or too many open files are no death.
    probe.on('error', ({ code }: NodeJS.ErrnoException) => settle(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
