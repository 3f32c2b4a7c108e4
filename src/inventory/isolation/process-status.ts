/**
 * What the kernel says of a process's rights: users, capabilities, seccomp.
 * Source: proc(5), /proc/PID/status and uid_map.
 */
import { readFile } from 'node:fs/promises';
import { CAPABILITY_COUNT, capabilityNames } from './capabilities-table';

const SECCOMP: Readonly<Record<string, string>> = { '0': 'off', '1': 'strict', '2': 'filter' };

/** Rights of a process, as named values; undefined where it cannot be looked at. */
export async function processRights(pid: number): Promise<readonly (readonly [string, string])[] | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  if (status === undefined) return undefined;
  const uidMap = await readFile(`/proc/${pid}/uid_map`, 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const capabilities = (name: string): string => {
    const names = capabilityNames(field(name));
    return names.length >= CAPABILITY_COUNT ? 'all' : names.length === 0 ? 'none' : names.join(' ');
  };
  return [
    ['user ids (real effective saved file)', field('Uid').replaceAll('\t', ' ')],
    ['group ids', field('Gid').replaceAll('\t', ' ')],
    ['user map (inside outside count)', describeMap(uidMap)],
    ['effective capabilities', capabilities('CapEff')],
    ['bounding capabilities', capabilities('CapBnd')],
    ['seccomp', SECCOMP[field('Seccomp')] ?? field('Seccomp')],
    ['no new privileges', field('NoNewPrivs') === '1' ? 'yes' : 'no'],
  ];
}

function describeMap(map: string): string {
  const lines = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).join(' '));
  return lines.length === 1 && lines[0] === '0 0 4294967295' ? 'none: users are those of the host' : lines.join(', ');
}
