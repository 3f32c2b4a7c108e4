// Whether Linux weighs a process by its session, as the system's own files tell it.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isWeighedBySession } from '../../src/cli/host-priority';

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly weighs: boolean;
}

const AUTOGROUP = { 'proc/autogroup': '/autogroup-7 nice 0\n' };
const CASES: readonly Case[] = [
  { name: 'no autogroups', files: { 'proc/cgroup': '0::/\n' }, weighs: false },
  { name: 'no control groups', files: { ...AUTOGROUP, 'proc/cgroup': '' }, weighs: true },
  { name: 'nothing that can be read', files: AUTOGROUP, weighs: false },
  { name: 'version 2, the root', files: { ...AUTOGROUP, 'proc/cgroup': '0::/\n' }, weighs: true },
  {
    name: 'version 2, a group without a processor weight',
    files: { ...AUTOGROUP, 'proc/cgroup': '0::/user.slice/a.scope\n', 'cgroup/user.slice/a.scope/pids.max': 'max\n' },
    weighs: true,
  },
  {
    name: 'version 2, a weight of its own',
    files: { ...AUTOGROUP, 'proc/cgroup': '0::/a/b\n', 'cgroup/a/b/cpu.weight': '100\n' },
    weighs: false,
  },
  {
    name: 'version 2, a weight further up',
    files: { ...AUTOGROUP, 'proc/cgroup': '0::/a/b\n', 'cgroup/a/cpu.weight': '100\n' },
    weighs: false,
  },
  {
    name: 'version 2, a container, which sees its group as the root',
    files: { ...AUTOGROUP, 'proc/cgroup': '0::/\n', 'cgroup/cpu.weight': '100\n' },
    weighs: false,
  },
  {
    name: 'version 1, the root',
    files: { ...AUTOGROUP, 'proc/cgroup': '4:memory:/a\n3:cpuset:/b\n2:cpu,cpuacct:/\n0::/\n' },
    weighs: true,
  },
  {
    name: 'version 1, a group',
    files: { ...AUTOGROUP, 'proc/cgroup': '2:cpuacct,cpu:/a\n0::/\n' },
    weighs: false,
  },
];

describe("a machine's priority", () => {
  for (const { name, files, weighs } of CASES)
    it(`goes by the session: ${name}`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'vmxray-priority-'));
      try {
        for (const [path, text] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, path)), { recursive: true });
          writeFileSync(join(folder, path), text);
        }
        assert.equal(isWeighedBySession(join(folder, 'proc'), join(folder, 'cgroup')), weighs);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});
