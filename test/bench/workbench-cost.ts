// What the extension costs: how long its activation takes in a real VS Code, how large its VSIX is, and the memory of a
// machine whose Linux sits idle at its shell, beyond the pages that its guest has touched. Asked: under 100 ms, at most
// 5 MB, at most 80 MB.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchHosted } from '../../src/targets/host/launch';
import type { HostedMachine } from '../../src/targets/host/hosted-machine';
import { Workbench } from '../e2e/workbench-screen';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';

const ROUNDS = 3;
const MB = 1e6;
const VCPU = 1;
/** In which VS Code has started. */
const START_MS = 8000;
const BOOT_MS = 240_000;
const INIT = `#!/bin/sh
export PATH=/bin
mkdir -p /dev /proc
mount -t devtmpfs none /dev
exec setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
`;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/**
 * Milliseconds of activation, as VS Code itself counts them for its list of running extensions: by opening the tree of a
 * window that is up, or (`atStart`) by a machine file in the folder, while VS Code and all its extensions start.
 */
async function activation(atStart: boolean): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const nobody = {
      skip: (): never => {
        throw new Error('skipped: there is no VS Code here');
      },
    };
    const bench = await Workbench.open(nobody, (folder) => {
      if (atStart) writeFileSync(join(folder, 'One.vmxray.json'), '{ "kernel": "gone" }\n');
    });
    try {
      const { screen } = bench;
      await sleep(START_MS);
      await bench.showTree();
      await sleep(2000);
      await screen.run('Developer: Show Running Extensions');
      const row = screen.page.locator('.runtime-extensions-editor .extension').filter({ hasText: 'VMXray' }).first();
      await screen.sees(row);
      const time = /Activation[^0-9]*([0-9]+) ?ms/.exec(await row.innerText())?.[1];
      if (time === undefined) throw new Error(`no time in: ${await row.innerText()}`);
      times.push(Number(time));
    } finally {
      await bench.close();
    }
  }
  return times;
}

/** Bytes of the VSIX. */
function vsix(): number {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-vsix-'));
  try {
    const file = join(folder, 'vmxray.vsix');
    const { status, stderr } = spawnSync(process.execPath, ['test/support/vsix.mjs', file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return statSync(file).size;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes in RAM of a process, and those that are its own alone: what its end would give back (proc(5)). */
function residentBytes(pid: number): { readonly resident: number; readonly own: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
  return { resident: bytes('Rss'), own: bytes('Private_Clean') + bytes('Private_Dirty') };
}

/** Bytes of guest-physical memory that the guest has touched: what its EPT maps when it is filled page by page. */
async function touchedBytes(machine: HostedMachine): Promise<number> {
  const { ranges } = await machine.mappings(VCPU, { space: 'guestPhysical', count: 10_000 });
  return ranges.reduce((sum, { start, end }) => sum + Number(BigInt(end) - BigInt(start)), 0);
}

interface Memory {
  readonly resident: number;
  readonly own: number;
  readonly touched: number;
}

async function idle(): Promise<Memory | undefined> {
  const kernel = await lab.kernel();
  const initrd = await lab.initrd(INIT);
  if (isAbsent(kernel) || isAbsent(initrd) || process.platform !== 'linux') return undefined;
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const settings = {
    kernel: kernel.image,
    initrd,
    cmdline: 'console=ttyS0 quiet',
    memory: '256M',
    ept: 'lazy4k',
  } as const;
  const machine = await launchHosted(settings, 'wall', { program: 'dist/src/cli/main.js', version });
  try {
    await machine.resume(VCPU, { kind: 'continue' });
    const hasPrompt = async (): Promise<boolean> => Buffer.from(await machine.serialLog()).includes('# ');
    for (const deadline = Date.now() + BOOT_MS; !(await hasPrompt()); await sleep(500))
      if (Date.now() > deadline) throw new Error('Linux did not come to its shell');
    // A rest, in which what the boot has left over is given back.
    await sleep(20_000);
    return { ...residentBytes(machine.entry.pid), touched: await touchedBytes(machine) };
  } finally {
    await machine.dispose();
  }
}

async function main(): Promise<number> {
  const checks: boolean[] = [];
  const report = (what: string, value: number, limit: number, unit: string, more = ''): void => {
    checks.push(value <= limit);
    console.log(`${what.padEnd(52)}${value.toFixed(1).padStart(9)} ${unit}, at most ${limit} asked${more}`);
  };
  report('VSIX', vsix() / MB, 5, 'MB');
  const memory = await idle();
  if (memory) {
    const { resident, own, touched } = memory;
    const [all, alone, used] = [resident, own, touched].map((bytes) => (bytes / MB).toFixed(1));
    const more = ` (${used} MB touched; ${alone} MB of its own, ${all} MB with what all Node processes share)`;
    report('an idle Linux, beyond the pages it has touched', (own - touched) / MB, 80, 'MB', more);
  } else console.log('an idle Linux: skipped, there is no kernel here, or no proc(5)');
  const times = await activation(false);
  const atStart = await activation(true);
  const more = ` (${times.join(', ')}; among all others at a window's start ${atStart.join(', ')})`;
  report(`activation, median of ${ROUNDS}`, median(times), 100, 'ms', more);
  return checks.every(Boolean) ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
