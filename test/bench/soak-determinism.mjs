// `npm run soak`: whole boots of Debian's kernel that must all end in one state, and 50 snapshots on the way. Minutes.
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';

const outfile = 'dist/test/bench/soak-determinism.js';
buildSync({
  entryPoints: ['test/bench/soak-determinism.ts'],
  bundle: true,
  platform: 'node',
  packages: 'external',
  outfile,
});
process.exitCode = spawnSync(process.execPath, [outfile], { stdio: 'inherit' }).status ?? 1;
