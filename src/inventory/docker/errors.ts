/** What can go wrong between us and an engine with a Docker API: every sentence said about it. */
import { UserError } from '../../common/errors';
import { registryOf } from './registry-credentials';

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'is not running: its socket does not exist. Start the engine, then refresh',
  ECONNREFUSED: 'refuses connections. Start the engine, then refresh',
  EACCES:
    'may not be reached: this user has no right to its socket. Join the group that owns it, or use a rootless engine',
  EPERM:
    'may not be reached: this user has no right to its socket. Join the group that owns it, or use a rootless engine',
  ENOTFOUND: 'has a host name that nobody knows: check the address',
  EAI_AGAIN: 'has a host name that could not be looked up: check the network',
  EHOSTUNREACH: 'cannot be reached: check the network',
  ENETUNREACH: 'cannot be reached: check the network',
  ETIMEDOUT: 'does not answer: check the address and the network',
  ECONNRESET: 'broke off the connection. It may be restarting: refresh',
  EPIPE: 'broke off the connection. It may be restarting: refresh',
  ERR_STREAM_PREMATURE_CLOSE: 'broke off the connection. It may be restarting: refresh',
};

/** The failure of a call as a sentence for the user; a UserError stays itself. `engine` names the engine and where it is. */
export function engineError(failure: unknown, engine: string): UserError {
  if (failure instanceof UserError) return failure;
  const error = failure as NodeJS.ErrnoException & { statusCode?: number; json?: unknown };
  if (error.name === 'TimeoutError') {
    return new UserError('engine/slow', `${engine} did not answer in time. It may be busy: try again.`);
  }
  if (error.name === 'AbortError') return new UserError('engine/given-up', 'Given up.');
  if (error.statusCode !== undefined) return refusal(error.statusCode, said(error.json) ?? error.message, engine);
  const reason = SOCKET_REASONS[error.code ?? ''];
  if (reason !== undefined) return new UserError(`engine/${error.code}`, `${engine} ${reason}.`);
  if (/socket hang up/.test(error.message)) {
    return new UserError('engine/ECONNRESET', `${engine} ${SOCKET_REASONS.ECONNRESET}.`);
  }
  return new UserError('engine/failure', `${engine} could not be asked: ${error.message}`);
}

function refusal(status: number, message: string, engine: string): UserError {
  switch (status) {
    case 401:
    case 403:
      return new UserError('engine/forbidden', `${engine} forbids it: ${message}. Check your rights there.`);
    case 404:
      return new UserError('engine/gone', `${sentence(message)} It may have been removed in the meantime.`);
    case 409:
      return new UserError('engine/conflict', sentence(message));
    default:
      return new UserError(`engine/${status}`, `${engine} says: ${sentence(message)}`);
  }
}

function said(body: unknown): string | undefined {
  if (Buffer.isBuffer(body)) return body.toString('utf8').trim() || undefined;
  const { message, cause } = (body ?? {}) as { message?: unknown; cause?: unknown };
  return typeof message === 'string' && message !== '' ? message : typeof cause === 'string' ? cause : undefined;
}

/** The text with a capital and a full stop. */
export function sentence(text: string): string {
  const line = text.trim();
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? '' : '.'}`;
}

/** The ssh program could not be run, or ended before the engine answered. */
export const sshFailed = (destination: string, why: string): UserError =>
  new UserError(
    'engine/ssh',
    `ssh to ${destination} failed: ${why}. Check that "ssh ${destination}" connects without asking for anything.`,
  );

/** Something else than an engine answers there. */
export const strangeEngine = (engine: string): UserError =>
  new UserError('engine/strange', `${engine} is no engine that is known here: check the address.`);

/** A container that is not there any more, or never was. */
export const noSuchItem = (what: string): UserError =>
  new UserError('engine/gone', `There is no such ${what}: it may have been removed in the meantime.`);

/** A container without a shell to open. */
export const noShell = (name: string): UserError =>
  new UserError(
    'container/no-shell',
    `${name} has neither bash nor sh: debug it from a container that shares its namespaces.`,
  );

/** Something that needs a running container. */
export const notRunning = (name: string, what: string): UserError =>
  new UserError('container/not-running', `${name} is not running: start it before ${what}.`);

/** A registry that wants to know who pulls. */
export function unknownToRegistry(reference: string, isPodman: boolean): UserError {
  const login = `${isPodman ? 'podman' : 'docker'} login ${registryOf(reference)}`;
  return new UserError(
    'image/login',
    `${reference} could not be pulled: its registry does not know you, or no longer. Run "${login}", then try again.`,
  );
}
