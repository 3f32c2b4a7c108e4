// `npm start`: installs and builds what is missing, then runs the sample guest, whose serial line appears in this
// terminal, and prints how often it left for the hypervisor, by reason.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, nodeStep } from './steps.mjs';

const GUEST = 'test/guests/bin/tour.elf';

async function main() {
  const ready = (await install()) || (await nodeStep('esbuild.mjs', 'src/cli'));
  if (ready !== 0) return ready;
  const stats = join(tmpdir(), `vmxray-start-${process.pid}.json`);
  try {
    const code = await nodeStep(
      'dist/src/cli/main.js',
      'run',
      '--kernel',
      GUEST,
      '--serial',
      'stdio',
      '--stats',
      stats,
    );
    if (code === 0) report(JSON.parse(readFileSync(stats, 'utf8')));
    return code;
  } finally {
    rmSync(stats, { force: true });
  }
}

function report({ instructions, exits, endReason }) {
  console.log(`\n${GUEST} ended (${endReason}) after ${instructions} instructions. VM exits by reason:`);
  for (const [reason, count] of Object.entries(exits)) console.log(`${String(count).padStart(10)}  ${reason}`);
}

process.exitCode = await main();
