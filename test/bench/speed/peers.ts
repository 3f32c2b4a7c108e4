// Who runs the workload: this machine with and without its compiler, QEMU's TCG, QEMU recording, and v86 for a 32-bit
// kernel. A peer that cannot be had is left out by name.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lab } from '../../support/lab/lab';
import { isAbsent } from '../../support/lab/missing';
import { workloadInit } from './workload';

const COMMAND_LINE = 'console=ttyS0 panic=-1';
const MEGABYTES = 256;
const VMXRAY = 'dist/src/cli/main.js';

/** A program that runs the workload to power-off, its guest's serial line on standard output. */
export interface Peer {
  readonly name: string;
  /** The guest: peers of one guest are compared. */
  readonly guest: '64-bit' | '32-bit';
  readonly command: string;
  readonly args: readonly string[];
  /** Where it writes figures of its own as JSON (`vmxray run --stats`). */
  readonly stats?: string;
}

export interface Peers {
  readonly peers: readonly Peer[];
  /** Sentences about who is left out, and why. */
  readonly absent: readonly string[];
}

/** The peers that can be had here. */
export async function findPeers(divisor: number): Promise<Peers> {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-bench-'));
  const peers: Peer[] = [];
  const absent: string[] = [];
  const init = workloadInit(divisor);
  const qemu = await lab.qemu();
  if (isAbsent(qemu)) absent.push(`QEMU is left out: ${qemu.missing}`);
  const guests = [
    { guest: '64-bit', kernel: await lab.kernel(), initrd: await lab.initrd(init) },
    { guest: '32-bit', kernel: await lab.kernel686(), initrd: await lab.initrd(init, 'i386') },
  ] as const;
  for (const { guest, kernel, initrd } of guests) {
    if (isAbsent(kernel) || isAbsent(initrd)) {
      const { missing } = isAbsent(kernel) ? kernel : (initrd as { missing: string });
      absent.push(`The ${guest} guest is left out: ${missing}`);
      continue;
    }
    const ours = (name: string, file: string, ...options: string[]): Peer => {
      const stats = join(folder, file);
      const boot = ['--kernel', kernel.image, '--initrd', initrd, '--append', COMMAND_LINE];
      const args = [VMXRAY, 'run', ...boot, '--memory', `${MEGABYTES}M`, '--stats', stats, ...options];
      return { name, guest, command: process.execPath, args, stats };
    };
    peers.push(ours('VMXray', `jit-${guest}.json`));
    if (guest === '64-bit') peers.push(ours('VMXray --no-jit', 'no-jit.json', '--no-jit'));
    if (!isAbsent(qemu)) {
      const theirs = (name: string, ...options: string[]): Peer => ({
        name,
        guest,
        command: qemu.command,
        args: [
          ...['-accel', 'tcg', '-m', String(MEGABYTES), '-kernel', kernel.image, '-initrd', initrd],
          ...['-append', COMMAND_LINE, '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
          ...['-net', 'none', ...options],
        ],
      });
      peers.push(theirs('QEMU TCG'));
      if (guest === '64-bit')
        peers.push(theirs('QEMU record', '-icount', `shift=0,rr=record,rrfile=${join(folder, 'record')}`));
    }
    if (guest === '64-bit') continue;
    const v86 = await lab.v86();
    if (isAbsent(v86)) absent.push(`v86 is left out: ${v86.missing}`);
    else {
      const settings = { ...v86, kernel: kernel.image, initrd, cmdline: COMMAND_LINE, megabytes: MEGABYTES };
      const file = join(folder, 'v86.json');
      writeFileSync(file, JSON.stringify(settings));
      peers.push({ name: 'v86', guest, command: process.execPath, args: ['test/bench/speed/v86-peer.mjs', file] });
    }
  }
  return { peers, absent };
}
