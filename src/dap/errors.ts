/** What can be wrong with a request: every sentence that the session answers with. */
import { UserError } from '../common/errors';
import type { Image } from './images/image';

/** Error responses carry this number; the sentence says the rest. */
export const ERROR_ID = 1;

/** An argument of a request is missing or makes no sense; `what` says what it must be. */
export const badArgument = (name: string, what: string): UserError =>
  new UserError('request/argument', `The argument "${name}" must be ${what}.`);

/** A command that is not in the table. */
export const unknownRequest = (command: string): UserError =>
  new UserError('request/unknown', `The request "${command}" is not supported.`);

/** No machine has been launched. */
export const notLaunched = (): UserError =>
  new UserError('request/not-launched', 'There is no machine yet: send "launch" first.');

/** Launched twice. */
export const launchedAlready = (): UserError =>
  new UserError('request/launched', 'This session has a machine already: start another session for another one.');

/** The request needs a machine at rest. */
export const running = (): UserError => new UserError('request/running', 'The machine is running: pause it first.');

/** The guest's run is over. */
export const ended = (text: string): UserError => new UserError('request/ended', `The guest cannot go on: ${text}`);

/** No such thread (vCPU). */
export const noThread = (id: number): UserError =>
  new UserError('request/thread', `There is no thread ${id}: ask for "threads" again.`);

/** No such frame, scope or variable: references hold until the machine goes on. */
export const staleReference = (what: string, id: number | string): UserError =>
  new UserError('request/reference', `There is no ${what} ${id} at this stop: ask for it again.`);

/** A memory reference that does not read as one. */
export const badMemoryReference = (text: string): UserError =>
  new UserError(
    'request/memory-reference',
    `"${text.slice(0, 60)}" is not a memory reference: write 0x… (linear), guestPhysical:0x… or physical:0x…, below 2^64.`,
  );

/** A value that nobody may write. */
export const notWritable = (name: string): UserError =>
  new UserError('request/read-only', `${name} cannot be written.`);

/** The guest has no place to go on at. */
export const noCaller = (): UserError =>
  new UserError('request/caller', 'The caller of this function is not known here: the stack has no frame for it.');

/** A stock kernel that carries no symbols for itself. */
export const noKallsyms = (): UserError =>
  new UserError('symbols/kallsyms', 'This kernel has no kallsyms: name its vmlinux as "symbols".');

/** An object file or a kernel module, which lies nowhere until something loads it. */
export const notLinked = (path: string): UserError =>
  new UserError(
    'symbols/object',
    `${path} is an object file, which has no place of its own: name a linked program. Modules of Linux are found by themselves.`,
  );

/** Told once, when a symbol file does not belong to the kernel that runs. */
export const otherBuild = (named: Image, kernel: Image): string =>
  `${named.name} is of another build than ${kernel.name} and is left out: its build-id is ` +
  `${named.symbols.buildId}, the kernel's ${kernel.symbols.buildId}.`;

/** A request that was cancelled before it was answered. */
export const cancelled = (): UserError => new UserError('request/cancelled', 'cancelled');

/** More requests than anybody waits for. */
export const tooManyRequests = (): UserError =>
  new UserError('request/too-many', 'Too many requests wait for an answer: wait for some of them.');

/** A launch attribute that is not in the schema. */
export const unknownAttribute = (name: string, known: readonly string[]): UserError =>
  new UserError('launch/unknown', `There is no attribute "${name}": the attributes are ${known.join(', ')}.`);

/** A launch attribute of another type or value than the schema's. */
export const badAttribute = (name: string, what: string): UserError =>
  new UserError('launch/attribute', `The attribute "${name}" must be ${what}.`);

/** The target's devices are not ours to write. */
export const noDeviceEdits = (): UserError =>
  new UserError('device/edit', 'The registers of these devices cannot be written: only those of machines of ours can.');

/** An attach names nothing, or several things. */
export const whatToAttachTo = (): UserError =>
  new UserError(
    'launch/attach',
    'Name what to attach to: "machine" must be the name of a running machine, or "gdb" the place of a gdb stub, or "dump" a memory dump; just one of them.',
  );

/** The target is another engine's, which lacks what this needs. */
export const lackingEvents = (): string => "This VM's engine cannot stop at such events: VMXray's own machines can.";

/** Said of a breakpoint in what does not run. */
export const neverRuns = (): string => 'A memory dump does not run: nothing stops there.';
