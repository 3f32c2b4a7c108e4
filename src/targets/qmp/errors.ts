/** What can go wrong between us and a QEMU's monitor: every sentence said about it. */
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
