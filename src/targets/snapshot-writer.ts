/** Writes a machine's state to a file, whole or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { encodeSnapshot } from '../machine/snapshot-file';
import type { MachineState } from '../machine/snapshot';
import { badSnapshotPath, unwritableSnapshot } from './errors';

/** Writes `state` to `path` beside which it needs as much room again; gives its size in bytes. Throws UserErrors. */
export function writeSnapshot(path: string, state: MachineState): number {
  if (!isAbsolute(path)) throw badSnapshotPath(path);
  const bytes = encodeSnapshot(state);
  const unfinished = `${path}.${process.pid}.new`;
  try {
    const file = openSync(unfinished, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw unwritableSnapshot(path, (error as NodeJS.ErrnoException).code ?? String(error));
  }
  return bytes.length;
}
