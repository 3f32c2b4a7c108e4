// What takes too long for `npm test`: Debian's kernel booted and the bench's workload run with every instruction
// interpreted, hot code compiled, and all code compiled as soon as it has run; state hashes are equal every 10 million
// instructions, on this Node and on Node 24.
//   node test/bench/run.mjs soak-jit --divisor=8    a shorter workload
import { spawn } from 'node:child_process';
import { DEFAULT_POLICY, EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import type { JitPolicy } from '../../src/engine/jit/jit';
import { hashOf, linuxGuest, runTo, start } from '../machine/runs';
import type { Guest } from '../machine/runs';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';
import { workloadInit } from './speed/workload';

const STEP = 10e6;
const POLICIES: Readonly<Record<string, JitPolicy>> = {
  interpreted: NO_JIT,
  compiled: DEFAULT_POLICY,
  'compiled at once': EAGER_JIT,
};
const divisor = Number(process.argv.find((argument) => argument.startsWith('--divisor='))?.split('=')[1] ?? 1);

async function guests(): Promise<Guest[]> {
  const kernel = await lab.kernel();
  const initrds = [await lab.initrd(), await lab.initrd(workloadInit(divisor))];
  if (isAbsent(kernel)) throw new Error(kernel.missing);
  return initrds.map((initrd, i) => {
    if (isAbsent(initrd)) throw new Error(initrd.missing);
    return { ...linuxGuest(kernel.image, initrd), name: i === 0 ? 'boot' : 'workload' };
  });
}

/** Runs one guest to its end; a line per 10 million instructions on standard output. */
async function run(guestName: string, policy: string): Promise<void> {
  const guest = (await guests()).find(({ name }) => name === guestName)!;
  const machine = start(guest, { jit: POLICIES[policy]! });
  for (let at = STEP; ; at += STEP) {
    const { reason } = runTo(machine, at);
    process.stdout.write(`${machine.instructions} ${hashOf(machine)} ${reason}\n`);
    if (reason !== 'budget') break;
  }
  const { maxRSS } = process.resourceUsage();
  process.stderr.write(
    `${guestName}, ${policy}: ${machine.instructions} instructions, ${Math.round(maxRSS / 1024)} MiB\n`,
  );
}

/** The lines of a run in a process of its own. */
function linesOf(node: string, guest: string, policy: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [__filename, 'run', guest, policy, `--divisor=${divisor}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output.trim().split('\n')) : reject(new Error(`code ${code}`))));
  });
}

async function main(): Promise<void> {
  const [, , mode, guestName, policyName] = process.argv;
  if (mode === 'run') return run(guestName!, policyName!);
  const node24 = await lab.node24();
  if (isAbsent(node24)) console.log(`Node 24 left out: ${node24.missing}`);
  let isEqual = true;
  for (const { name } of await guests()) {
    const reference = await linesOf(process.execPath, name, 'interpreted');
    const others: [node: string, policy: string][] = [
      [process.execPath, 'compiled'],
      [process.execPath, 'compiled at once'],
      ...(isAbsent(node24) ? [] : ([[node24.command, 'compiled']] as [string, string][])),
    ];
    for (const [node, policy] of others) {
      const lines = await linesOf(node, name, policy);
      const first = reference.findIndex((line, i) => line !== lines[i]);
      const same = first < 0 && lines.length === reference.length;
      isEqual &&= same;
      const how = same ? `equal at ${lines.length} places` : `DIFFERS by ${(first + 1) * STEP} instructions`;
      console.log(`${name}, ${policy}, ${node === process.execPath ? process.version : 'Node 24'}: ${how}`);
    }
  }
  process.exitCode = isEqual ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
