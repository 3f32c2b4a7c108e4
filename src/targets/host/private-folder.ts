/**
 * The folder that holds the sockets of a user's machines: nobody else may look into it, and that is all that protects
 * them. `$XDG_RUNTIME_DIR/vmxray` (XDG Base Directory Specification) if the user owns that directory, else
 * `vmxray-UID` among the temporary files. On Windows sockets are named pipes with random names, and the folder, in the
 * user's own temporary folder, only lists them.
 */
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { noFolder, pathTooLong, unsafeFolder } from './errors';

/** Room in `sockaddr_un.sun_path` on the narrowest system (macOS: 104 bytes, one for the end). */
const MAX_SOCKET_PATH_BYTES = 103;
const LONGEST_NAME = '/12345678.sock';
const OTHERS = 0o077;

/** Where machines may be listed, the best place first; they need not exist. */
export function candidateFolders(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const user = process.getuid?.();
  if (user === undefined) return [join(tmpdir(), 'vmxray')];
  const runtime = environment['XDG_RUNTIME_DIR'];
  // `sudo` may leave another user's directory in the environment.
  const isOwn = runtime !== undefined && isAbsolute(runtime) && ownerOf(runtime) === user;
  return [...(isOwn ? [join(runtime, 'vmxray')] : []), join(tmpdir(), `vmxray-${user}`)];
}

/** Makes the folder for a new machine's socket, if need be. Throws UserErrors if it is not the user's alone. */
export function makePrivateFolder(candidates: readonly string[] = candidateFolders()): string {
  const folder = candidates.find(
    (path) => process.platform === 'win32' || Buffer.byteLength(path + LONGEST_NAME) <= MAX_SOCKET_PATH_BYTES,
  );
  if (folder === undefined) throw pathTooLong(candidates[0] ?? '');
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw noFolder(folder, String(code));
  }
  checkPrivateFolder(folder);
  return folder;
}

/** Throws a UserError unless `folder` is a directory of this user's that nobody else may enter. */
export function checkPrivateFolder(folder: string): void {
  const status = lstatSync(folder);
  if (status.isSymbolicLink()) throw unsafeFolder(folder, 'is a symbolic link');
  if (!status.isDirectory()) throw unsafeFolder(folder, 'is not a folder');
  const user = process.getuid?.();
  if (user === undefined) return;
  if (status.uid !== user) throw unsafeFolder(folder, 'belongs to another user');
  if (status.mode & OTHERS) throw unsafeFolder(folder, 'is open to other users');
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}
