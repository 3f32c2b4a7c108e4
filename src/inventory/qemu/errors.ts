/** What can go wrong between us and a QEMU: every sentence said about it, besides those of its monitor. */
import { UserError } from '../../common/errors';

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
