/** What can be wrong with what is asked of a machine: every sentence said about it. */
import { UserError } from '../../common/errors';

/** The machine has one vCPU. */
export const noThread = (thread: number): UserError =>
  new UserError('target/thread', `There is no vCPU with id ${thread}: this machine has vCPU 1 only.`);

/** Wants a stopped guest. */
export const isRunning = (): UserError => new UserError('target/running', 'The guest runs: pause it first.');

/** Nothing runs any more. */
export const hasEnded = (text: string): UserError =>
  new UserError('target/ended', `The guest cannot go on: ${text} Restart it.`);

/** The target was disposed of. */
export const isGone = (): UserError => new UserError('target/gone', 'This machine is gone: launch it again.');

/** A data breakpoint that no guest can have. */
export const badWatch = (length: number): UserError =>
  new UserError(
    'breakpoint/length',
    `A data breakpoint on ${length} bytes cannot be: write a length from 1 to 1048576 that ends below 2^64.`,
  );
