/**
 * What is kept beside a machine file, in a folder of the user's store: which process it runs as, how it ended, its
 * snapshots, and its state while it is suspended to disk.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetDescription } from '../../targets/target';
import { damagedIndex, noItem, notKept } from './errors';
import { removeFacts } from './machine-facts';

const MAX_FILE_BYTES = 4 * 2 ** 20;
const SNAPSHOT_ID = /^[0-9a-f]{8}$/;

/** One snapshot of a machine. */
export interface SnapshotEntry {
  /** 8 hexadecimal digits; names its file. */
  readonly id: string;
  readonly name: string;
  /** The snapshot that the machine came from when this one was taken. */
  readonly parent?: string | undefined;
  /** An ISO time. */
  readonly taken: string;
  readonly bytes: number;
  readonly instructions: number;
  readonly ticks: number;
  /** What the machine was. */
  readonly identity: TargetDescription;
}

/** How a machine file's machine runs, or how it ended last. */
export interface RunEntry {
  /** The id in the list of running machines. */
  readonly machine?: string | undefined;
  /** The snapshot that it goes on from. */
  readonly snapshot?: string | undefined;
  /** Why its process is gone, where it did not end by itself. */
  readonly crash?: string | undefined;
}

/** The state of one machine file. */
export class MachineState {
  private readonly folder: string;

  /** `store` is the user's folder of machines; nothing is made before there is something to keep. */
  constructor(store: string, machineFile: string) {
    const key = createHash('sha256').update(machineFile).digest('hex').slice(0, 16);
    this.folder = join(store, '.state', key);
  }

  run(): RunEntry {
    const read = this.read('run.json');
    if (typeof read !== 'object' || read === null) return {};
    const { machine, snapshot, crash } = read as Record<string, unknown>;
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
    return { machine: text(machine), snapshot: text(snapshot), crash: text(crash) };
  }

  setRun(run: RunEntry): void {
    this.write('run.json', run);
  }

  /** The snapshots, the oldest first. Throws a UserError for a list that is damaged. */
  snapshots(): readonly SnapshotEntry[] {
    const read = this.read('snapshots.json');
    if (read === undefined) return [];
    if (!Array.isArray(read) || !read.every(isSnapshot)) throw damagedIndex(join(this.folder, 'snapshots.json'));
    return read;
  }

  /** Throws a UserError if it is gone. */
  snapshot(id: string): SnapshotEntry {
    const found = this.snapshots().find((entry) => entry.id === id);
    if (!found || !existsSync(this.pathOf(id))) throw noItem();
    return found;
  }

  newSnapshotId(): string {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    return randomBytes(4).toString('hex');
  }

  /** The file of a snapshot. */
  pathOf(id: string): string {
    return join(this.folder, `${id}.vmxsnap`);
  }

  /** Removes a snapshot's file, and what is kept beside it. */
  removeFile(id: string): void {
    rmSync(this.pathOf(id), { force: true });
    removeFacts(this.pathOf(id));
  }

  /** Lists a snapshot; one that cannot be listed leaves no file. */
  addSnapshot(entry: SnapshotEntry): void {
    try {
      this.write('snapshots.json', [...this.snapshots(), entry]);
    } catch (error) {
      this.removeFile(entry.id);
      throw error;
    }
  }

  /** Takes a snapshot away; those that came from it now come from where it came from. */
  removeSnapshot(id: string): void {
    const { parent } = this.snapshot(id);
    const rest = this.snapshots().filter((entry) => entry.id !== id);
    this.write(
      'snapshots.json',
      rest.map((entry) => (entry.parent === id ? { ...entry, parent } : entry)),
    );
    this.removeFile(id);
    const run = this.run();
    if (run.snapshot === id) this.setRun({ ...run, snapshot: parent });
  }

  /** What the machine goes on from after it has been suspended to disk. */
  suspended(): SnapshotEntry | undefined {
    const read = this.read('suspended.json');
    return isSnapshot(read) && existsSync(this.pathOf(read.id)) ? read : undefined;
  }

  setSuspended(entry: SnapshotEntry | undefined): void {
    const before = this.suspended();
    if (entry) this.write('suspended.json', entry);
    else rmSync(join(this.folder, 'suspended.json'), { force: true });
    if (before) this.removeFile(before.id);
  }

  /** Removes everything that is kept of the machine. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private read(name: string): unknown {
    try {
      const text = readFileSync(join(this.folder, name), 'utf8');
      return text.length > MAX_FILE_BYTES ? undefined : JSON.parse(text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      return null;
    }
  }

  private write(name: string, value: unknown): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, name);
    // Whole or not at all.
    try {
      writeFileSync(`${path}.new`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      rmSync(`${path}.new`, { force: true });
      throw notKept(path, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
    }
  }
}

function isSnapshot(value: unknown): value is SnapshotEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, parent, taken, bytes, instructions, ticks, identity } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    SNAPSHOT_ID.test(id) &&
    [name, taken].every((text) => typeof text === 'string') &&
    (parent === undefined || typeof parent === 'string') &&
    [bytes, instructions, ticks].every(Number.isSafeInteger) &&
    isDescription(identity)
  );
}

function isDescription(value: unknown): value is TargetDescription {
  if (typeof value !== 'object' || value === null) return false;
  const { name, kernel, memoryBytes, bare } = value as Record<keyof TargetDescription, unknown>;
  return (
    typeof name === 'string' &&
    typeof kernel === 'string' &&
    Number.isSafeInteger(memoryBytes) &&
    typeof bare === 'boolean'
  );
}
