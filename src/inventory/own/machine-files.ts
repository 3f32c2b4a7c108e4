/** The machine files that there are, each with what it says and what is wrong with it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { unreadableMachine } from './errors';
import { checkMachineFile, type KindOfPath, MACHINE_FILE_SUFFIX, type MachineFile, type Problem } from './machine-file';

const MAX_BYTES = 2 ** 20;

/** A machine file that has been read. */
export interface ReadMachineFile {
  readonly path: string;
  /** Absent where nothing can be made of it. */
  readonly file?: MachineFile;
  readonly problems: readonly Problem[];
}

/** The user's own folder of machines: below XDG_DATA_HOME (XDG Base Directory Specification), APPDATA on Windows. */
export function userStore(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_DATA_HOME, APPDATA } = environment;
  if (process.platform === 'win32' && APPDATA) return join(APPDATA, 'vmxray', 'machines');
  const data = XDG_DATA_HOME && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(homedir(), '.local', 'share');
  return join(data, 'vmxray', 'machines');
}

/** The paths of the machine files in a folder, by name. */
export function machineFilesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(MACHINE_FILE_SUFFIX));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** What a path on this computer names. */
export const kindOfPath: KindOfPath = (path) => {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
};

/** Reads and checks a machine file; what is wrong with it is in `problems`. */
export function readMachineFile(path: string): ReadMachineFile {
  let content: unknown;
  try {
    if (statSync(path).size > MAX_BYTES) throw unreadableMachine(path, 'it is larger than 1 MiB');
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem =
      error instanceof SyntaxError ? `This is no JSON: ${message}` : unreadableMachine(path, code ?? message).message;
    return { path, problems: [{ at: [], message: problem, bySchema: true }] };
  }
  const problems = checkMachineFile(path, content, kindOfPath);
  // What only a start needs does not keep the rest from being shown.
  const isFile = typeof content === 'object' && content !== null && problems.every(({ bySchema }) => !bySchema);
  return { path, problems, ...(isFile && { file: content as MachineFile }) };
}
