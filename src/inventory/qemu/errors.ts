/** What can go wrong between us and a QEMU: every sentence said about it. */
import { UserError } from '../../common/errors';

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'has no QMP socket any more: it may have ended. Refresh',
  ECONNREFUSED: 'refuses connections to its QMP socket: it may have ended. Refresh',
  EACCES: 'may not be reached: this user has no right to its QMP socket. Run VS Code as the user that runs QEMU',
  EPERM: 'may not be reached: this user has no right to its QMP socket. Run VS Code as the user that runs QEMU',
  ENOTSOCK: 'has a QMP address that is no socket: check it',
  ECONNRESET: 'broke off the connection. It may have ended: refresh',
  EPIPE: 'broke off the connection. It may have ended: refresh',
  ENOTFOUND: 'has a host name that nobody knows: check the address',
  ETIMEDOUT: 'does not answer: check the address and the network',
};

/** The failure of a connection as a sentence; a UserError stays itself. `name` names the QEMU. */
export function connectionError(failure: unknown, name: string): UserError {
  if (failure instanceof UserError) return failure;
  const { code = '', message } = failure as NodeJS.ErrnoException;
  const reason = SOCKET_REASONS[code];
  if (reason !== undefined) return new UserError(`qemu/${code}`, `${name} ${reason}.`);
  return new UserError('qemu/failure', `${name} could not be asked: ${message}`);
}

/** Nobody greets on the socket: QEMU serves one client at a time. */
export const monitorBusy = (name: string): UserError =>
  new UserError(
    'qemu/busy',
    `${name} takes connections to its QMP socket but does not greet: another program holds its monitor, or it hangs. Give QEMU a second -qmp socket.`,
  );

/** What answers there is no QEMU. */
export const strangeMonitor = (name: string, why: string): UserError =>
  new UserError('qemu/strange', `${name} does not speak QMP (${why}): check the address of its socket.`);

/** A command that was not answered in time. */
export const slowAnswer = (name: string, command: string, seconds: number): UserError =>
  new UserError('qemu/slow', `${name} has not answered "${command}" within ${seconds} s: it may hang. Try again.`);

/** The connection has ended while something was asked. */
export const connectionLost = (name: string): UserError =>
  new UserError('qemu/lost', `${name} has ended the connection: it may have ended. Refresh.`);

/** What QEMU itself refuses; `says` is its own sentence. */
export const refused = (errorClass: string, says: string): UserError =>
  new UserError(`qemu/${errorClass}`, says === '' ? 'QEMU refuses it and gives no reason.' : `QEMU says: ${says}`);

/** A QEMU whose monitor cannot be reached at all. */
export const noMonitor = (name: string): UserError =>
  new UserError(
    'qemu/no-monitor',
    `${name} has no QMP socket: start it with -qmp unix:PATH,server=on,wait=off to manage it here.`,
  );

/** A row that is gone. */
export const gone = (): UserError =>
  new UserError('qemu/gone', 'This QEMU is no longer there: it may have ended in the meantime.');

/** An action that the provider does not have. */
export const noAction = (action: string): UserError =>
  new UserError('qemu/action', `There is no action "${action}" for QEMU.`);

/** QEMU's program is not on this machine. */
export const noProgram = (program: string): UserError =>
  new UserError('qemu/program', `${program} cannot be run: install QEMU, or put it on PATH.`);

/** QEMU did not start; `says` is the end of what it wrote. */
export const notStarted = (name: string, says: string): UserError =>
  new UserError('qemu/start', `QEMU could not start ${name}: ${says === '' ? 'it ended without a word' : says}`);

/** A machine that runs already. */
export const runsAlready = (name: string): UserError =>
  new UserError('qemu/running', `${name} is running already: attach to it.`);

/** Snapshots need a disk that can hold them. */
export const noSnapshotDisk = (name: string): UserError =>
  new UserError(
    'qemu/no-disk',
    `${name} has no disk that can hold snapshots: give it a writable qcow2 image (-drive file=disk.qcow2,if=virtio).`,
  );

/** A job of QEMU's that failed. */
export const jobFailed = (what: string, says: string): UserError =>
  new UserError('qemu/job', `${what} failed: ${says === '' ? 'QEMU gives no reason' : says}`);

/** The user has given up, and QEMU has undone it. */
export const givenUp = (what: string): UserError => new UserError('qemu/given-up', `${what} was given up.`);

/** A gdb stub that serves somebody else. */
export const stubBusy = (name: string): UserError =>
  new UserError('qemu/stub-busy', `Another debugger is attached to the gdb stub of ${name}: detach it first.`);

/** A machine without a serial line that can be reached. */
export const noSerial = (name: string): UserError =>
  new UserError(
    'qemu/no-serial',
    `${name} has no serial line at a socket: start it with -serial unix:PATH,server=on,wait=off.`,
  );

/** An address in the settings that is none. */
export const notAnAddress = (text: string): UserError =>
  new UserError('qemu/address', `"${text}" is no QMP socket: write qmp:/path/to/socket or qmp:host:port.`);
