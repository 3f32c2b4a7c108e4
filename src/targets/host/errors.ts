/** What can be wrong between a user and a machine in a process of its own: every sentence said about it. */
import { UserError } from '../../common/errors';
import type { MachineEntry } from '../../protocol/host';

/** The folder of sockets is not the user's alone; `why` says in what way. */
export const unsafeFolder = (folder: string, why: string): UserError =>
  new UserError(
    'host/folder',
    `The folder ${folder}, where machines have their sockets, ${why}: remove it, or run \`chmod 700\` on it if it is yours.`,
  );

/** The folder of sockets cannot be made; `code` is Node's. */
export const noFolder = (folder: string, code: string): UserError =>
  new UserError(
    'host/folder',
    `The folder ${folder} for machines' sockets cannot be made (${code}): set XDG_RUNTIME_DIR to a folder of yours.`,
  );

/** No folder is near enough to the root for the operating system's limit of a socket's path. */
export const pathTooLong = (folder: string): UserError =>
  new UserError(
    'host/path',
    `The folder ${folder} has a path too long for a socket: set XDG_RUNTIME_DIR to a folder with a shorter one.`,
  );

/** Both ends are of different versions. */
export const otherVersion = (host: string, client: string): UserError =>
  new UserError(
    'host/version',
    `The machine was started by VMXray ${host}, and this is VMXray ${client}: end the machine, or use the same version.`,
  );

/** Both ends run on JavaScript engines that clone values differently. */
export const otherEngine = (): UserError =>
  new UserError(
    'host/engine',
    'The machine runs on another version of Node, whose messages this one cannot read: use the same Node for both.',
  );

/** Nothing answers at a machine's socket. */
export const noAnswer = (socket: string, why: string): UserError =>
  new UserError('host/no-answer', `The machine at ${socket} does not answer (${why}): it has ended, or is stuck.`);

/** A call after the machine's end, or one that its end has cut off. */
export const gone = (reason: string): UserError =>
  new UserError('host/gone', `The machine is gone: ${reason} Start it again.`);

/** A message beyond what a frame may hold. */
export const tooLarge = (limitBytes: number): UserError =>
  new UserError('host/too-large', `That is more than ${limitBytes / 2 ** 20} MiB at once: ask for less.`);

/** A call that is no method of a target, or whose arguments are of the wrong shape. */
export const badCall = (method: string): UserError =>
  new UserError('host/call', `The machine got a call that it does not understand: ${method}.`);

/** Nothing of ours runs. */
export const noMachine = (): UserError =>
  new UserError('host/none', 'No machine runs: start one, by launching a debug session or with `vmxray host`.');

const listed = (machines: readonly MachineEntry[]): string =>
  machines
    .slice(0, 10)
    .map(({ name, pid }) => `${name} (${pid})`)
    .join(', ');

/** No machine has this name, process id or socket. */
export const unknownMachine = (machine: string, running: readonly MachineEntry[]): UserError =>
  new UserError('host/unknown', `No machine "${machine}" runs: name one of ${listed(running)}.`);

/** Several machines fit. */
export const ambiguousMachine = (running: readonly MachineEntry[]): UserError =>
  new UserError('host/ambiguous', `Several machines fit: name one by its process id: ${listed(running)}.`);

/** The process could not be started at all. */
export const notStarted = (why: string): UserError =>
  new UserError('host/start', `The machine's process did not start: ${why}`);
