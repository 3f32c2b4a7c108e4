// The speed bench: the workload of `speed/workload.ts` on every peer in turn, user CPU seconds per section, as medians and
// as ratios to the guest's reference (QEMU's TCG; for the 32-bit guest also v86).
//   npm run bench                      five rounds of the whole workload
//   npm run bench -- --quick           one round of an eighth of it, without the slowest peers
//   npm run bench -- --rounds=3 --divisor=2 --only=64-bit --peers=VMXray,v86 --json=FILE
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { measure } from './speed/measure';
import type { Run } from './speed/measure';
import { findPeers } from './speed/peers';
import { SECTIONS } from './speed/workload';

const SLOW_PEERS = ['QEMU record', 'VMXray --no-jit'];
const TOTAL = 'total';

const options = new Map(
  process.argv.slice(2).map((argument) => argument.replace(/^--/, '').split('=') as [string, string]),
);
const isQuick = options.has('quick');
const rounds = Number(options.get('rounds') ?? (isQuick ? 1 : 5));
const divisor = Number(options.get('divisor') ?? (isQuick ? 8 : 1));
const only = options.get('only');
const named = options.get('peers')?.split(',');
const json = options.get('json') ?? 'dist/bench-speed.json';

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Median seconds of each peer and section. */
type Medians = Readonly<Record<string, Readonly<Record<string, number>>>>;

function mediansOf(runs: readonly Run[]): Medians {
  const names = [...new Set(runs.map(({ peer }) => peer))];
  const of = (peer: string, get: (run: Run) => number): number =>
    median(runs.filter((run) => run.peer === peer).map(get));
  return Object.fromEntries(
    names.map((peer) => [
      peer,
      {
        ...Object.fromEntries(SECTIONS.map((section) => [section, of(peer, (run) => run.sections[section]!)])),
        [TOTAL]: of(peer, ({ seconds }) => seconds),
      },
    ]),
  );
}

/** A Markdown table: seconds, and in brackets the ratio to `reference`. */
function table(medians: Medians, reference: string): string {
  const peers = Object.keys(medians);
  const cell = (peer: string, row: string): string => {
    const seconds = medians[peer]![row]!;
    const base = medians[reference]?.[row];
    return base === undefined || peer === reference
      ? seconds.toFixed(2)
      : `${seconds.toFixed(2)} (${(seconds / base).toFixed(2)}x)`;
  };
  return [
    `| user CPU, s | ${peers.join(' | ')} |`,
    `|---|${peers.map(() => '---').join('|')}|`,
    ...[...SECTIONS, TOTAL].map((row) => `| ${row} | ${peers.map((peer) => cell(peer, row)).join(' | ')} |`),
  ].join('\n');
}

async function main(): Promise<void> {
  execFileSync(process.execPath, ['esbuild.mjs', 'src/cli'], { stdio: 'inherit' });
  const { peers, absent } = await findPeers(divisor);
  for (const sentence of absent) console.log(sentence);
  const chosen = peers.filter(
    ({ name, guest }) =>
      (!only || guest === only) &&
      (!named || named.includes(name)) &&
      !(isQuick && (SLOW_PEERS.includes(name) || guest === '32-bit')),
  );
  const left = peers.filter((peer) => !chosen.includes(peer)).map(({ name, guest }) => `${name} (${guest})`);
  if (left.length > 0) console.log(`Not run this time: ${left.join(', ')}.`);
  const began = loadavg()[0]!;
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const peer of chosen) {
      const run = await measure(peer);
      runs.push(run);
      console.log(`round ${round + 1}, ${peer.guest}, ${peer.name}: ${run.seconds.toFixed(1)} s`);
    }
  }
  const results = (['64-bit', '32-bit'] as const).map((guest) => {
    const medians = mediansOf(runs.filter((run) => run.guest === guest));
    return { guest, reference: medians.v86 ? 'v86' : 'QEMU TCG', medians };
  });
  const host = { cpu: cpus()[0]?.model, cpus: cpus().length, node: process.version, load: [began, loadavg()[0]] };
  writeFileSync(json, JSON.stringify({ host, rounds, divisor, results, runs }, undefined, 2));
  console.log(`\n${host.cpus} x ${host.cpu}, Node ${host.node}, load ${began.toFixed(1)} at the start`);
  console.log(`medians of ${rounds} in turn, work divided by ${divisor}; JSON in ${json}`);
  for (const { guest, reference, medians } of results) {
    if (Object.keys(medians).length > 0)
      console.log(`\n${guest} guest; ratios to ${reference}\n\n${table(medians, reference)}`);
  }
}

main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
