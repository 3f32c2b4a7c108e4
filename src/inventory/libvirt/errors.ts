/** What can go wrong between us and a libvirt daemon: every sentence said about it. */
import { UserError } from '../../common/errors';

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "is not running: its socket does not exist. Start libvirtd or the driver's own daemon, then refresh",
  ECONNREFUSED: "refuses connections. Start libvirtd or the driver's own daemon, then refresh",
  EACCES: 'may not be reached: this user has no right to its socket. Join the group "libvirt", or use qemu:///session',
  EPERM: 'may not be reached: this user has no right to its socket. Join the group "libvirt", or use qemu:///session',
  ENOTSOCK: 'has an address that is no socket: check it',
  ENOTFOUND: 'has a host name that nobody knows: check the address',
  EAI_AGAIN: 'has a host name that could not be looked up: check the network',
  EHOSTUNREACH: 'cannot be reached: check the network',
  ENETUNREACH: 'cannot be reached: check the network',
  ETIMEDOUT: 'does not answer: check the address and the network',
  ECONNRESET: 'broke off the connection. It may be restarting: refresh',
  EPIPE: 'broke off the connection. It may be restarting: refresh',
};

/** The failure of a connection as a sentence; a UserError stays itself. `name` names the engine and where it is. */
export function connectionError(failure: unknown, name: string): UserError {
  if (failure instanceof UserError) return failure;
  const { code = '', message } = failure as NodeJS.ErrnoException;
  const reason = SOCKET_REASONS[code];
  if (reason !== undefined) return new UserError(`libvirt/${code}`, `${name} ${reason}.`);
  return new UserError('libvirt/failure', `${name} could not be asked: ${message}`);
}

/** The connection has ended while something was asked, or before. */
export const connectionLost = (name: string): UserError =>
  new UserError('libvirt/lost', `${name} has ended the connection: it may be restarting. Refresh.`);

/** A call that was not answered in time. */
export const slowAnswer = (name: string, seconds: number): UserError =>
  new UserError('libvirt/slow', `${name} has not answered within ${seconds} s: it may be busy. Try again.`);

/** A packet that is none of libvirt's. */
export const strangeAnswer = (why: string): UserError =>
  new UserError('libvirt/strange', `What answers there does not speak libvirt's protocol (${why}): check the address.`);

/** The daemon wants a password. */
export const wantsPassword = (name: string): UserError =>
  new UserError(
    'libvirt/sasl',
    `${name} asks for SASL authentication, which is not supported: connect by its local socket or by ssh.`,
  );

/** libvirt's error numbers (virErrorNumber, include/libvirt/virterror.h) that mean that something is gone. */
const GONE = new Set([42, 43, 49, 50, 72]);
const NO_SUPPORT = 3;
const AUTH_CANCELLED = new Set([45, 79, 80, 88]);

/** What the daemon itself refuses; `says` is its own sentence, `code` its virErrorNumber. */
export class LibvirtError extends UserError {
  constructor(
    readonly number: number,
    says: string,
  ) {
    super(`libvirt/${GONE.has(number) ? 'gone' : number}`, sentenceOf(number, says));
  }

  /** The driver has no such function. */
  get isUnsupported(): boolean {
    return this.number === NO_SUPPORT;
  }

  /** The object is not there any more. */
  get isGone(): boolean {
    return GONE.has(this.number);
  }
}

function sentenceOf(number: number, says: string): string {
  const text = says.trim() || `error ${number}`;
  const sentence = `libvirt says: ${text}${/[.!?]$/.test(text) ? '' : '.'}`;
  if (GONE.has(number)) return `${sentence} It may have been removed in the meantime.`;
  if (AUTH_CANCELLED.has(number)) return `${sentence} Join the group "libvirt", or connect as a user that may do it.`;
  return sentence;
}

/** A row that is gone. */
export const gone = (): UserError =>
  new UserError('libvirt/gone', 'This is no longer there: it may have been removed in the meantime.');

/** An action that the provider does not have. */
export const noAction = (action: string): UserError =>
  new UserError('libvirt/action', `There is no action "${action}" for libvirt.`);

/** An address that is none. */
export const notAUri = (text: string, why: string): UserError =>
  new UserError(
    'libvirt/uri',
    `"${text}" is not a libvirt URI: ${why}. Write such as qemu:///system, qemu:///session or qemu+ssh://user@host/system.`,
  );

/** XML that cannot be read. */
export const badXml = (why: string, line: number): UserError =>
  new UserError('libvirt/xml', `The XML has a mistake in line ${line}: ${why}.`);

/** ssh could not be run, or ended before the daemon answered. */
export const sshFailed = (destination: string, why: string): UserError =>
  new UserError(
    'libvirt/ssh',
    `ssh to ${destination} failed: ${why}. Check that "ssh ${destination} virt-ssh-helper" connects without asking for anything.`,
  );

/** The user has given up, and the daemon has undone it. */
export const givenUp = (what: string): UserError => new UserError('libvirt/given-up', `${what} was given up.`);
