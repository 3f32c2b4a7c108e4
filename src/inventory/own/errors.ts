/** What can be wrong with our own machines in the tree: every sentence said about it. */
import { UserError } from '../../common/errors';

/** A machine file that cannot be read; `code` is Node's. */
export const unreadableMachine = (path: string, code: string): UserError =>
  new UserError('inventory/read', `The machine file ${path} cannot be read (${code}): check that it is there.`);

/** A machine file that no machine can be started from. */
export const badMachine = (path: string, problem: string): UserError =>
  new UserError('inventory/machine-file', `The machine file ${path} has a mistake: ${problem}`);

/** An item that is gone. */
export const noItem = (): UserError =>
  new UserError('inventory/gone', 'This machine is no longer there: refresh the tree.');

/** Something that only a machine that runs can do. */
export const notRunning = (name: string): UserError =>
  new UserError('inventory/not-running', `${name} is not running: start it first.`);

/** Something is done to the machine already. */
export const isBusy = (name: string): UserError =>
  new UserError('inventory/busy', `Something is being done to ${name} already: wait for it, or abort its task.`);

/** Something that only a machine that does not run can take. */
export const isRunning = (name: string): UserError =>
  new UserError('inventory/running', `${name} is running: kill it first.`);

/** A machine without a machine file. */
export const noFile = (name: string): UserError =>
  new UserError(
    'inventory/no-file',
    `${name} has no machine file, so nothing of it can be kept: create a machine for it first.`,
  );

/** A machine file of this name is there already. */
export const nameTaken = (path: string): UserError =>
  new UserError('inventory/name', `${path} is there already: choose another name.`);

/** The state folder holds what cannot be read. */
export const damagedIndex = (path: string): UserError =>
  new UserError('inventory/index', `The list of snapshots ${path} is damaged: delete it to begin a new one.`);

/** An action that the provider does not have. */
export const noAction = (action: string): UserError =>
  new UserError('inventory/action', `There is no action "${action}" for machines of ours.`);

/** Something of a machine's cannot be written; `code` is Node's. */
export const notKept = (path: string, code: string): UserError =>
  new UserError(
    'inventory/write',
    code === 'ENOSPC'
      ? `The disk is full: ${path} could not be written. Make room, and try again.`
      : `${path} could not be written (${code}): check that you may write there.`,
  );
