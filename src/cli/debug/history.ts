/**
 * The lines that were typed, kept from session to session in a file of the user's alone. Where it lies: XDG Base
 * Directory Specification, `XDG_STATE_HOME`. A history that cannot be kept is no reason to complain.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Most lines that are kept. */
export const HISTORY_LINES = 1000;
const MAX_LINE = 1000;

/** The file, undefined where the user has no folder for it. */
export function historyPath(environment: NodeJS.ProcessEnv): string | undefined {
  const { XDG_STATE_HOME: state, LOCALAPPDATA: local } = environment;
  const base = [state, local].find((folder) => folder !== undefined && isAbsolute(folder));
  if (base !== undefined) return join(base, 'vmxray', 'debug-history');
  const home = environment.HOME ?? homedir();
  return home === '' ? undefined : join(home, '.local', 'state', 'vmxray', 'debug-history');
}

/** Lines of earlier sessions, the newest first. */
export function loadHistory(path: string | undefined): string[] {
  if (path === undefined) return [];
  try {
    const lines = readFileSync(path, 'utf8').split('\n').filter(isKept);
    return lines.slice(-HISTORY_LINES).reverse();
  } catch {
    return [];
  }
}

/** Writes `lines`, the newest first. */
export function saveHistory(path: string | undefined, lines: readonly string[]): void {
  if (path === undefined) return;
  const kept = lines.filter(isKept).slice(0, HISTORY_LINES).reverse();
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch {
    return;
  }
}

const isKept = (line: string): boolean => line !== '' && line.length <= MAX_LINE && !line.includes('\n');
