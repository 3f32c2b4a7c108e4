// What takes too long for `npm test`: Debian's kernel booted to power-off several times, on two versions of Node and
// under every policy, to one hash; another seed, to another KASLR slide; and 50 snapshots of the first 100 M
// instructions, each run on in a fresh process.
import { execFileSync } from 'node:child_process';
import { encodeSnapshot } from '../../src/machine/snapshot-file';
import { resumedElsewhere } from '../machine/fresh-process';
import { fingerprint, hashOf, linuxGuest, policies, randomFrom, runTo, start } from '../machine/runs';
import type { Fingerprint, Guest, Policy } from '../machine/runs';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';

const FOREVER = 2 ** 53;
const SNAPSHOTS = 50;
const BATCH = 5;
const LAST_PLACE = 100e6;
const RUN_ON_TO = 110e6;

interface Boot extends Fingerprint {
  /** Where the kernel's system-call entry lies: another KASLR slide, another place. */
  readonly systemCallEntry: string;
  readonly exits: number;
  readonly seconds: number;
}

async function guest(seed?: number): Promise<Guest> {
  const [kernel, initrd] = [await lab.kernel(), await lab.initrd()];
  if (isAbsent(kernel)) throw new Error(kernel.missing);
  if (isAbsent(initrd)) throw new Error(initrd.missing);
  return { ...linuxGuest(kernel.image, initrd), ...(seed === undefined ? {} : { seed }) };
}

/** One boot in this process. */
async function boot(policy: Policy, seed?: number): Promise<Boot> {
  const began = performance.now();
  const machine = start(await guest(seed), { hypervisor: policies[policy]() });
  const { reason } = runTo(machine, FOREVER);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const { IA32_LSTAR } = machine.guestState().registers as Readonly<Record<string, bigint>>;
  const exits = machine.exits!.count;
  return { ...fingerprint(machine, reason), systemCallEntry: IA32_LSTAR!.toString(16), exits, seconds };
}

/** One boot in a process of its own, run by `node`. */
function bootElsewhere(node: string, policy: Policy, seed?: number): Boot {
  const argument = JSON.stringify({ policy, seed });
  return JSON.parse(execFileSync(node, [__filename, argument], { maxBuffer: 1 << 24 }).toString()) as Boot;
}

async function bootsAgree(): Promise<boolean> {
  const node24 = await lab.node24();
  const rows: [name: string, boot: Boot][] = [];
  const run = (name: string, node: string, policy: Policy, seed?: number): Boot => {
    const row = bootElsewhere(node, policy, seed);
    rows.push([name, row]);
    const { reason, instructions, ticks, hash, systemCallEntry, exits, seconds } = row;
    console.log(`${name}: ${reason}, ${instructions} instructions, ${ticks} ticks, ${exits} exits, ${seconds} s`);
    console.log(`  ${hash}, system calls enter at ${systemCallEntry}`);
    return row;
  };
  const here = process.execPath;
  for (const number of [1, 2, 3]) run(`Node ${process.versions.node}, run ${number}`, here, 'lazy4k');
  if (isAbsent(node24)) console.log(`Node 24 left out: ${node24.missing}`);
  else run('Node 24', node24.command, 'lazy4k');
  run('eager 2 MiB', here, 'eager2m');
  run('eviction', here, 'eviction');
  const [, first] = rows[0]!;
  const isEqual = rows.every(
    ([, { hash, instructions }]) => hash === first.hash && instructions === first.instructions,
  );
  const other = run('seed 2', here, 'lazy4k', 2);
  const slides = other.systemCallEntry !== first.systemCallEntry;
  console.log(isEqual ? 'All boots are equal.' : 'The boots DIFFER.');
  console.log(slides ? 'Another seed, another slide.' : 'Another seed gave THE SAME slide.');
  return isEqual && slides && first.reason === 'powered off';
}

async function snapshotsAgree(): Promise<boolean> {
  const machine = start(await guest());
  const random = randomFrom(50);
  const places = Array.from({ length: SNAPSHOTS }, () => 1 + Math.floor(random() * LAST_PLACE)).sort((a, b) => a - b);
  const ends: string[] = [];
  for (let i = 0; i < SNAPSHOTS; i += BATCH) {
    const batch = places.slice(i, i + BATCH).map((place) => {
      runTo(machine, place);
      return encodeSnapshot(machine.save());
    });
    ends.push(...resumedElsewhere(batch, RUN_ON_TO).map(({ hash }) => hash));
    console.log(`${i + batch.length} of ${SNAPSHOTS} snapshots run on`);
  }
  runTo(machine, RUN_ON_TO);
  const through = hashOf(machine);
  const wrong = places.filter((_, i) => ends[i] !== through);
  console.log(wrong.length === 0 ? `All snapshots end in ${through}.` : `Saved at ${wrong.join(', ')}: they DIFFER.`);
  return wrong.length === 0;
}

async function main(): Promise<void> {
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) {
    const { policy, seed } = JSON.parse(argument) as { policy: Policy; seed?: number };
    console.log(JSON.stringify(await boot(policy, seed)));
    return;
  }
  const agreements = [await bootsAgree(), await snapshotsAgree()];
  process.exitCode = agreements.every(Boolean) ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
