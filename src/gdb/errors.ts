/** What can be wrong with a debugger's requests: every sentence said about them. */
import { UserError } from '../common/errors';

/** Nothing is mapped there. */
export const noMemory = (address: bigint): UserError =>
  new UserError('gdb/memory', `There is no memory at 0x${address.toString(16)}: nothing is mapped there.`);

/** No register has this number. */
export const noRegister = (number: number): UserError =>
  new UserError('gdb/register', `There is no register number ${number}: target.xml lists them.`);

/** One breakpoint more than there can be. */
export const tooManyBreakpoints = (most: number): UserError =>
  new UserError('gdb/breakpoints', `There are ${most} breakpoints already: delete some.`);

/** A thread that no vCPU is. */
export const noThread = (id: string): UserError =>
  new UserError('gdb/thread', `There is no thread ${id.slice(0, 20)}: this machine has one vCPU, thread 1.`);

/** The guest cannot be asked while it runs. */
export const stillRuns = (): UserError => new UserError('gdb/running', 'The guest runs: interrupt it first.');

/** The port is taken, or may not be listened on. */
export const cannotListen = (port: number, why: string): UserError =>
  new UserError('gdb/port', `Port ${port} cannot be listened on (${why}): choose another one, or 0 for any.`);
