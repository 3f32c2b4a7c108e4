// Installs what is missing and builds: what F5 in a fresh clone runs before the extension starts.
import { install, nodeStep } from './steps.mjs';

process.exitCode = (await install()) || (await nodeStep('esbuild.mjs', ...process.argv.slice(2)));
