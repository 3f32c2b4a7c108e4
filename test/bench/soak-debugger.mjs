// The debugger's floors on Debian's kernel: no footprint, what breakpoints cost, how fast it steps. Minutes.
//   node test/bench/soak-debugger.mjs
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';

const outfile = 'dist/test/bench/soak-debugger.js';
buildSync({
  entryPoints: ['test/bench/soak-debugger.ts'],
  bundle: true,
  platform: 'node',
  packages: 'external',
  outfile,
});
process.exitCode = spawnSync(process.execPath, [outfile], { stdio: 'inherit' }).status ?? 1;
