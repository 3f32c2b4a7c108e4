/** What can be wrong between a debugger and a gdb stub: every sentence said about it. */
import { UserError } from '../../common/errors';

const quoted = (text: string): string => `"${text.slice(0, 100)}"`;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** What is named as a stub's or a QMP door's place is none. */
export const notAnEndpoint = (attribute: string, text: string): UserError =>
  new UserError(
    'gdb-remote/place',
    `The attribute "${attribute}" is ${quoted(text)}, which is no place: write HOST:PORT or the path of a socket.`,
  );

/** Nothing listens there; `why` is the system's word. */
export const cannotConnect = (place: string, why: string): UserError =>
  new UserError(
    'gdb-remote/connect',
    `There is no gdb stub at ${place} (${why}): is the VM running, and was it started with that door?`,
  );

/** The stub has said nothing for too long. */
export const noAnswer = (place: string, request: string, seconds: number): UserError =>
  new UserError(
    'gdb-remote/timeout',
    `The gdb stub at ${place} did not answer for ${seconds} s (to ${quoted(request)}): it hangs, or another debugger has it.`,
  );

/** What came is not the protocol. */
export const notTheProtocol = (place: string, why: string): UserError =>
  new UserError('gdb-remote/protocol', `What answers at ${place} does not speak the gdb remote protocol: ${why}.`);

/** The connection has ended. */
export const lost = (place: string): UserError =>
  new UserError('gdb-remote/lost', `The gdb stub at ${place} has hung up: the VM has ended, or its stub was closed.`);

/** The stub refused a request, with its own error number or text. */
export const refused = (what: string, reply: string): UserError =>
  new UserError('gdb-remote/refused', `The gdb stub cannot ${what} (it says ${quoted(reply || 'nothing')}).`);

/** The guest cannot be asked while it runs. */
export const isRunning = (): UserError => new UserError('target/running', 'The guest runs: pause it first.');

/** Nothing runs any more. */
export const hasEnded = (text: string): UserError =>
  new UserError('target/ended', `The guest cannot go on: ${text} Attach again.`);

/** No such vCPU. */
export const noThread = (thread: number, count: number): UserError =>
  new UserError('target/thread', `There is no vCPU with id ${thread}: this machine has vCPUs 1 to ${count}.`);

/** The stub does not stop. */
export const doesNotStop = (seconds: number): UserError =>
  new UserError('gdb-remote/pause', `The guest did not stop within ${seconds} s of being asked: try again.`);

/** A breakpoint that the stub does not take. */
export const cannotBreak = (kind: string, linear: bigint, reply: string): UserError =>
  new UserError(
    'gdb-remote/breakpoint',
    `The gdb stub takes no ${kind} at ${hex(linear)} (it says ${quoted(reply || 'nothing')}): delete others, or make it smaller.`,
  );
