/**
 * A QEMU that is started from a machine file. Its sockets lie in a folder of its own in the user's private folder, whose
 * name is made from the file's path: so a window that comes later finds it again by its process alone.
 * Source: QEMU's manual (7.2), -daemonize: the command returns once the machine is set up, or with the reason why not.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { candidateFolders, makePrivateFolder } from '../../targets/host/private-folder';
import { parseSize } from '../../targets/machine-settings';
import { debugSettingsOf, type MachineFile, settingsOf } from '../own/machine-file';
import type { Emulator } from './emulator';
import { noProgram, notStarted } from './errors';
import { escapeCommas } from './socket-address';

const START_MS = 20_000;
const DEFAULT_MEMORY = '256M';

/** The program that machine files are run with. */
export const QEMU_PROGRAM = 'qemu-system-x86_64';

/** Paths of a started machine's sockets. */
export interface MachineSockets {
  readonly qmp: string;
  /** A second monitor, for a debugger: QEMU serves one client on each. */
  readonly debuggerQmp: string;
  readonly gdb: string;
  readonly serial: string;
  readonly serialLog: string;
}

/** How a machine is started. */
export interface LaunchOptions {
  /** It stands before its first instruction. */
  readonly paused?: boolean | undefined;
  /** It waits for a migration. */
  readonly incoming?: boolean | undefined;
}

const folderName = (path: string): string => `q-${createHash('sha256').update(path).digest('hex').slice(0, 10)}`;

/** Whether that QEMU was started from the machine file `path`. */
export function isLaunchedFrom(path: string, { place: { monitors } }: Emulator): boolean {
  const folders = candidateFolders().map((folder) => join(folder, folderName(path)));
  return monitors.some((address) => address.kind === 'unix' && folders.includes(dirname(address.path)));
}

/** The sockets of the machine's next process: two live at once while one migrates to the other. */
export function newSockets(path: string): MachineSockets {
  const folder = join(makePrivateFolder(), folderName(path));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const used = readdirSync(folder).map((name) => Number.parseInt(name, 10) || 0);
  const at = (name: string): string => join(folder, `${Math.max(0, ...used) + 1}.${name}`);
  return { qmp: at('qmp'), debuggerQmp: at('qmp2'), gdb: at('gdb'), serial: at('tty'), serialLog: at('log') };
}

/** Forgets the sockets of earlier processes of the machine; only for one that does not run. */
export function removeSockets(path: string): void {
  for (const folder of candidateFolders()) rmSync(join(folder, folderName(path)), { recursive: true, force: true });
}

/** The arguments that a machine file stands for. */
export function launchArguments(
  path: string,
  file: MachineFile,
  sockets: MachineSockets,
  { paused = false, incoming = false }: LaunchOptions,
): readonly string[] {
  const { kernel, initrd, cmdline, memory, name = '', rtc, seed } = settingsOf(path, file);
  const listen = (socket: string): string => `unix:${escapeCommas(socket)},server=on,wait=off`;
  const serial = [
    'socket,id=vmxray-serial',
    `path=${escapeCommas(sockets.serial)}`,
    'server=on,wait=off',
    `logfile=${escapeCommas(sockets.serialLog)}`,
  ].join();
  return [
    '-name',
    `guest=${escapeCommas(name)}`,
    '-m',
    `size=${parseSize(memory ?? DEFAULT_MEMORY) / 2 ** 10}K`,
    '-kernel',
    kernel,
    ...(initrd === undefined ? [] : ['-initrd', initrd]),
    ...(cmdline === undefined ? [] : ['-append', cmdline]),
    ...(rtc === undefined ? [] : ['-rtc', `base=${rtc === 'now' ? 'utc' : new Date(rtc).toISOString().slice(0, 19)}`]),
    ...(seed === undefined ? [] : ['-seed', seed]),
    '-display',
    'none',
    '-chardev',
    serial,
    '-serial',
    'chardev:vmxray-serial',
    '-monitor',
    'none',
    '-qmp',
    listen(sockets.qmp),
    '-qmp',
    listen(sockets.debuggerQmp),
    '-gdb',
    listen(sockets.gdb),
    ...(paused ? ['-S'] : []),
    ...(incoming ? ['-incoming', 'defer'] : []),
    ...(file.arguments ?? []),
    '-daemonize',
  ];
}

/** Starts a machine; resolves once its monitor listens. Rejects with a UserError that holds QEMU's own words. */
export function launch(
  path: string,
  file: MachineFile,
  options: LaunchOptions,
  program = QEMU_PROGRAM,
): Promise<MachineSockets> {
  const sockets = newSockets(path);
  const args = launchArguments(path, file, sockets, options);
  const { name = path } = settingsOf(path, file);
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: dirname(path), timeout: START_MS, windowsHide: true }, (error, _, complaint) => {
      if (!error) return resolve(sockets);
      if (error.code === 'ENOENT') return reject(noProgram(program));
      reject(notStarted(name, complaint.trim().split('\n').at(-1)?.slice(0, 500) ?? ''));
    });
  });
}

/** What a debugger is told of the guest: `kernel`, `symbols` and `sourceMap`. */
export const guestOf = (path: string, file: MachineFile): Readonly<Record<string, unknown>> => ({
  kernel: settingsOf(path, file).kernel,
  ...debugSettingsOf(path, file),
});
