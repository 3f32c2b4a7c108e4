/**
 * What a symbol file's index of names holds, kept from session to session by build-id: a kernel's takes seconds to make.
 * Where it lies: XDG Base Directory Specification, `$XDG_CACHE_HOME`; `%LOCALAPPDATA%` on Windows. Whatever fails here costs
 * time, never a session.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { SymbolFile } from '../../symbols/symbol-file';

const BUILD_ID = /^[0-9a-f]{8,128}$/;
const ENDING = '.names';
/** A kernel's takes 4 MB; those that were not used for longest go first. */
const MOST_FILES = 32;
const MAX_BYTES = 64 << 20;

/** Where indexes are kept. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'vmxray', 'symbols');
  const cache = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(cache, 'vmxray', 'symbols');
}

/** Gives a symbol file the index that an earlier session kept; true if there is one. */
export function restoreIndex({ buildId, typeIndex }: SymbolFile, folder = cacheFolder()): boolean {
  if (!typeIndex || !buildId || !BUILD_ID.test(buildId)) return false;
  const path = join(folder, buildId + ENDING);
  return quietly(() => {
    if (statSync(path).size > MAX_BYTES) return false;
    const restored = typeIndex.restore(readFileSync(path));
    const now = new Date();
    utimesSync(path, now, now);
    return restored;
  });
}

/** Keeps a symbol file's index, if it has made one; true if it did. */
export function keepIndex({ buildId, typeIndex }: SymbolFile, folder = cacheFolder()): boolean {
  if (!typeIndex || !buildId || !BUILD_ID.test(buildId)) return false;
  const bytes = typeIndex.serialise();
  if (!bytes) return false;
  return quietly(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, buildId + ENDING);
    // Whole or not at all, for who reads it meanwhile.
    const part = `${path}.${process.pid}`;
    writeFileSync(part, bytes, { mode: 0o600 });
    renameSync(part, path);
    dropOldest(folder);
    return true;
  });
}

function dropOldest(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => ({ path: join(folder, name), used: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.used - a.used);
  for (const { path } of files.slice(MOST_FILES)) rmSync(path, { force: true });
}

function quietly(work: () => boolean): boolean {
  try {
    return work();
  } catch {
    return false;
  }
}
