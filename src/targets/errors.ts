/** What can be wrong with the files and values that a user starts a machine with: every sentence said about them. */
import { UserError } from '../common/errors';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: check the path',
  EACCES: 'may not be read: check its permissions',
  EPERM: 'may not be read: check its permissions',
  EISDIR: 'is a directory: name a file',
  ENOTDIR: 'does not exist, since a part of its path is a file: check the path',
  ELOOP: 'is a loop of symbolic links: name the file itself',
  ENAMETOOLONG: 'has a path that is too long: check it',
};

/** `what` (`kernel`, `initrd`) could not be read from `path`; `code` is Node's. */
export const unreadableFile = (what: string, path: string, code: string): UserError =>
  new UserError(`file/${code}`, `The ${what} file ${path} ${REASONS[code] ?? `could not be read (${code})`}.`);

/** A device, a pipe or a socket stands where a file is wanted. */
export const notAFile = (what: string, path: string): UserError =>
  new UserError('file/not-a-file', `The ${what} ${path} is not a regular file: name a file.`);

/** The file is larger than any machine's memory. */
export const fileTooLarge = (what: string, path: string): UserError =>
  new UserError(
    'file/too-large',
    `The ${what} file ${path} is larger than the 3G that a machine can have: name another.`,
  );

/** An amount of memory that does not read as one. */
export const notASize = (text: string): UserError =>
  new UserError('memory/syntax', `"${text}" is not an amount of memory: write a number and K, M or G, such as 256M.`);

/** An RTC start that does not read as one. */
export const notATime = (text: string): UserError =>
  new UserError(
    'rtc/syntax',
    `"${text}" is not a time for the RTC: write "now" or an ISO time such as 2026-01-31T12:00:00Z, from 1970 to 2099.`,
  );

/** A seed that does not read as one. */
export const notASeed = (text: string): UserError =>
  new UserError('seed/syntax', `"${text}" is not a seed: write a whole number from 0 to 4294967295.`);

/** A place for a flat binary that does not read as one. */
export const notAPlacement = (text: string): UserError =>
  new UserError(
    'flat/syntax',
    `"${text}" is not a place for a flat binary: write ADDRESS:MODE with real16, protected32 or long64, such as 0x7c00:real16.`,
  );

/** A snapshot's place that is none; `path` must be absolute, since another process writes it. */
export const badSnapshotPath = (path: string): UserError =>
  new UserError('snapshot/path', `"${path.slice(0, 200)}" is no place for a snapshot: give an absolute path.`);

/** The snapshot could not be written; `code` is Node's. What was there before is whole. */
export const unwritableSnapshot = (path: string, code: string): UserError =>
  new UserError(
    'snapshot/write',
    code === 'ENOSPC'
      ? `There is no room left for the snapshot ${path}: delete other snapshots, or make room on that disk.`
      : `The snapshot ${path} could not be written (${code}): check its folder and its permissions.`,
  );
