/** What can be wrong with a memory dump: every sentence said about it. */
import { UserError } from '../../common/errors';

/** The file cannot be read; `code` is the system's. */
export const unreadableDump = (path: string, code: string): UserError =>
  new UserError('dump/read', `The memory dump ${path} could not be read (${code}): check its path and permissions.`);

/** The file is no dump. */
export const notADump = (path: string): UserError =>
  new UserError(
    'dump/kind',
    `${path} is no memory dump of an x86 machine: name an ELF file of dump-guest-memory or \`virsh dump --memory-only\`, or a kdump vmcore.`,
  );

/** The file contradicts itself. */
export const damagedDump = (path: string, why: string): UserError =>
  new UserError('dump/damaged', `The memory dump ${path} is damaged: ${why}. Take it again, or use another copy.`);

/** Pages are packed in a way that is not known here. */
export const unknownPacking = (path: string, how: string): UserError =>
  new UserError('dump/packing', `The memory dump ${path} is packed with ${how}, which is not read: take it with zlib.`);

/** A dump does not go on. */
export const isAtRest = (): UserError =>
  new UserError('dump/at-rest', 'This is a memory dump: it does not run, and nothing of it can be changed.');

/** No such vCPU. */
export const noVcpu = (thread: number, count: number): UserError =>
  new UserError('target/thread', `There is no vCPU with id ${thread}: the dump has vCPUs 1 to ${count}.`);
