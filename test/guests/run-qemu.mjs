// Runs one sample guest on QEMU (TCG) and prints its serial lines and its result.
// Usage: node test/guests/run-qemu.mjs NAME [QEMU OPTION...]; exit code 0 pass or known deviations only, 1 else.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report } from './report.mjs';

const [name, ...more] = process.argv.slice(2);
const elf = join(dirname(fileURLToPath(import.meta.url)), 'bin', `${name}.elf`);
const args = [
  '-accel',
  'tcg',
  '-cpu',
  'max,vendor=GenuineIntel',
  '-m',
  '128',
  '-display',
  'none',
  '-no-reboot',
  '-nodefaults',
];
args.push('-serial', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', elf, ...more);
const run = spawnSync('qemu-system-x86_64', args, {
  encoding: 'latin1',
  timeout: 20_000,
  killSignal: 'SIGKILL',
  stdio: ['ignore', 'pipe', 'pipe'],
});
if (run.error && run.error.code !== 'ETIMEDOUT') throw run.error;
process.stdout.write(run.stdout);
process.stderr.write(run.stderr);
const status =
  run.status === null
    ? 'no end within 20 s'
    : run.status & 1
      ? `debug exit ${run.status >> 1}`
      : `status ${run.status}`;
process.exitCode = report(name, 'qemu', run.stdout, status);
