// Builds the measurements named (`node test/bench/run.mjs soak-determinism soak-lockstep`) and runs them one after the
// other, with the options (`--quick`) that follow; ends with the first code that is not 0.
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';

const isOption = (argument) => argument.startsWith('--');
const options = process.argv.slice(2).filter(isOption);
for (const name of process.argv.slice(2).filter((argument) => !isOption(argument))) {
  const outfile = `dist/test/bench/${name}.js`;
  buildSync({ entryPoints: [`test/bench/${name}.ts`], bundle: true, platform: 'node', packages: 'external', outfile });
  process.exitCode = spawnSync(process.execPath, [outfile, ...options], { stdio: 'inherit' }).status ?? 1;
  if (process.exitCode !== 0) break;
}
