/**
 * A process's control groups on this machine: limits and present use, from the cgroup file systems, version 1 or 2 or
 * both. Source: cgroups(7); the kernel's admin-guide, cgroup-v1 and cgroup-v2.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memorySize } from '../amounts';

/** One control: what is used and what is allowed, as text. */
export interface CgroupControl {
  readonly name: string;
  readonly current: string;
  readonly limit: string;
  /** The folder that holds the control's files. */
  readonly folder: string;
}

// Version 1 writes "no limit" as the largest multiple of a page.
const NO_LIMIT = 2 ** 62;

/** The controls that bind a process; empty where there is no such process. */
export async function cgroupControls(pid: number): Promise<readonly CgroupControl[]> {
  const [paths, mounts] = await Promise.all([readText(`/proc/${pid}/cgroup`), readText('/proc/self/mountinfo')]);
  const folders = cgroupFolders(paths, mounts);
  const found = await Promise.all([memory(folders), cpu(folders), cpuset(folders), pids(folders)]);
  return found.filter((control) => control !== undefined);
}

/** The folder of each controller; `unified` is version 2's. */
export function cgroupFolders(paths: string, mounts: string): ReadonlyMap<string, string> {
  const mounted = new Map<string, { root: string; point: string }>();
  for (const line of mounts.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = left.split(' ');
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') mounted.set('unified', { root, point });
    if (type === 'cgroup') for (const name of options.split(',')) mounted.set(name, { root, point });
  }
  const folders = new Map<string, string>();
  for (const line of paths.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    for (const name of names === '' ? ['unified'] : names.split(',')) {
      const mount = mounted.get(name);
      // Where only a part of the hierarchy is mounted, paths begin with that part.
      if (mount)
        folders.set(
          name,
          join(mount.point, path.startsWith(mount.root) && mount.root !== '/' ? path.slice(mount.root.length) : path),
        );
    }
  }
  return folders;
}

type Folders = ReadonlyMap<string, string>;

async function memory(folders: Folders): Promise<CgroupControl | undefined> {
  const [folder, current, limit] = await firstOf(folders, [
    ['unified', 'memory.current', 'memory.max'],
    ['memory', 'memory.usage_in_bytes', 'memory.limit_in_bytes'],
  ]);
  if (folder === undefined) return undefined;
  return { name: 'memory', current: bytesText(current), limit: bytesText(limit), folder };
}

async function cpu(folders: Folders): Promise<CgroupControl | undefined> {
  const [unified, max] = await firstOf(folders, [['unified', 'cpu.max']]);
  const v1 = folders.get('cpu');
  const folder = unified ?? v1;
  if (folder === undefined) return undefined;
  const [quota = '', period = ''] =
    unified !== undefined
      ? (max ?? '').split(' ')
      : await Promise.all([readText(join(folder, 'cpu.cfs_quota_us')), readText(join(folder, 'cpu.cfs_period_us'))]);
  const weight = await readText(join(folder, unified !== undefined ? 'cpu.weight' : 'cpu.shares'));
  const cores = Number(quota) > 0 ? `${Number((Number(quota) / Number(period)).toFixed(3))} cores` : 'no limit';
  return { name: 'cpu', current: `${unified !== undefined ? 'weight' : 'shares'} ${weight}`, limit: cores, folder };
}

async function cpuset(folders: Folders): Promise<CgroupControl | undefined> {
  const [folder, cpus, effective] = await firstOf(folders, [
    ['unified', 'cpuset.cpus', 'cpuset.cpus.effective'],
    ['cpuset', 'cpuset.cpus', 'cpuset.effective_cpus'],
  ]);
  if (folder === undefined) return undefined;
  return {
    name: 'cpuset',
    current: `CPUs ${effective ?? cpus ?? ''}`,
    limit: cpus ? `CPUs ${cpus}` : 'no limit',
    folder,
  };
}

async function pids(folders: Folders): Promise<CgroupControl | undefined> {
  const [folder, current, limit] = await firstOf(folders, [
    ['unified', 'pids.current', 'pids.max'],
    ['pids', 'pids.current', 'pids.max'],
  ]);
  if (folder === undefined) return undefined;
  return { name: 'pids', current: current ?? '', limit: limit === 'max' ? 'no limit' : (limit ?? ''), folder };
}

/** The first of these controllers whose first file is there: its folder and the texts of its files. */
async function firstOf(
  folders: Folders,
  choices: readonly (readonly [string, ...string[]])[],
): Promise<readonly (string | undefined)[]> {
  for (const [controller, ...files] of choices) {
    const folder = folders.get(controller);
    if (folder === undefined) continue;
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8').catch(() => undefined)));
    if (texts[0] !== undefined) return [folder, ...texts.map((text) => text?.trim())];
  }
  return [];
}

function bytesText(text: string | undefined): string {
  if (text === undefined) return '';
  const bytes = Number(text);
  return text === 'max' || bytes >= NO_LIMIT ? 'no limit' : memorySize(bytes);
}

const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
