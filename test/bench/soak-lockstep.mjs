// `npm run soak`: every sample guest and Debian's kernel beside QEMU's TCG, instruction by instruction. Many minutes.
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';

const outfile = 'dist/test/bench/soak-lockstep.js';
buildSync({
  entryPoints: ['test/bench/soak-lockstep.ts'],
  bundle: true,
  platform: 'node',
  packages: 'external',
  outfile,
});
process.exitCode = spawnSync(process.execPath, [outfile], { stdio: 'inherit' }).status ?? 1;
