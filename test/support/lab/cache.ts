// The lab's cache: a folder outside the checkout that holds what was downloaded or built once. An entry appears whole
// or not at all, and two processes that want the same entry do not make it twice.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** VMXRAY_CACHE, else vmxray in the user's cache folder, else (no HOME, or not writable) in the temporary folder. */
export function cacheFolder(): string {
  const { VMXRAY_CACHE, XDG_CACHE_HOME } = process.env;
  if (VMXRAY_CACHE) return usable(VMXRAY_CACHE) ?? fail(`VMXRAY_CACHE=${VMXRAY_CACHE} is not a writable folder.`);
  const home = homedir();
  const wishes = [XDG_CACHE_HOME && join(XDG_CACHE_HOME, 'vmxray'), home && join(home, '.cache', 'vmxray')];
  const fallback = join(tmpdir(), `vmxray-${process.getuid?.() ?? 'user'}`);
  for (const folder of [...wishes, fallback]) if (folder && usable(folder)) return folder;
  return fail(`Neither the home folder nor ${tmpdir()} is writable: set VMXRAY_CACHE to a folder that is.`);
}

/**
 * The path of the entry `name`, which is made by `make` if it is not there. `make` fills the empty folder that it
 * is given; if it rejects, nothing stays behind.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const entry = join(cacheFolder(), name);
  if (exists(entry)) return entry;
  const release = await lock(`${entry}.lock`);
  const partial = `${entry}.${process.pid}.partial`;
  try {
    if (exists(entry)) return entry;
    mkdirSync(partial, { recursive: true });
    await make(partial);
    renameSync(partial, entry);
    return entry;
  } finally {
    rmSync(partial, { recursive: true, force: true });
    release();
  }
}

/** Takes the lock, a file that holds its owner's pid; waits while that process lives. Returns the way to free it. */
async function lock(path: string): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (isAbandoned(path)) rmSync(path, { force: true });
      else await sleep(200);
    }
  }
}

function isAbandoned(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, 'utf8'));
    // The file is empty for an instant between its creation and its first write.
    if (!owner) return Date.now() - statSync(path).mtimeMs > 10_000;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function usable(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    const probe = join(folder, `.probe-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
    return folder;
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function fail(message: string): never {
  throw new Error(message);
}
