// `npm test`: everything, from a fresh clone on. Installs, builds, checks types, lints, fetches the lab (the guests and
// programs that the tests compare with) and runs the tests. Each of these steps counts as one test. The last line is
// `N passed, N failed, N skipped`; the exit code is 0 if nothing failed.
//   node test/support/run-tests.mjs [--update] [folder or file under test/ ...]
// `--update` writes the goldens anew instead of comparing with them. Folders leave out checks, lint and the lab.
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { install, nodeStep, root } from './steps.mjs';

const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (process.argv.includes('--update')) process.env.VMXRAY_UPDATE = '1';

const total = { passed: 0, failed: 0, skipped: 0 };
const failedSteps = [];

async function counted(name, run) {
  const start = Date.now();
  const code = await run().catch((error) => {
    console.error(error.message);
    return 1;
  });
  total[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 0) failedSteps.push(name);
  console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  return code === 0;
}

const bin = (name, ...args) => nodeStep(join('node_modules', ...name.split('/')), ...args);
const tsc = (project) => bin('typescript/bin/tsc', '-p', project);

async function main() {
  if (!(await counted('install', install))) return;
  if (!(await counted('build', () => nodeStep('esbuild.mjs')))) return;
  if (folders.length === 0) {
    await counted('types', () => tsc('.'));
    await counted('types of floors 0-7', () => tsc('src/tsconfig.core.json'));
    await counted('lint', () => bin('eslint/bin/eslint.js', '.'));
    await counted('formatting', () => bin('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'));
    await counted('lab', fetchLab);
  }
  await runMocha();
}

async function fetchLab() {
  const { code, message } = await forked('dist/test/support/lab/main.js');
  process.env.VMXRAY_LAB_ABSENT = JSON.stringify(message ?? {});
  return code;
}

async function runMocha() {
  const files = testFiles().map((file) => join(root, 'dist', file.replace(/\.ts$/, '.js')));
  const { code, message } = await forked('test/support/run-mocha.mjs', files);
  if (!message) console.log(`FAILED: the test process died (${code})`);
  const counts = message ?? { passed: 0, failed: 1, skipped: 0 };
  for (const key of Object.keys(total)) total[key] += counts[key];
}

/** Runs a script of ours; resolves to its exit code (or the signal that ended it) and the last message that it sent. */
function forked(script, args = []) {
  return new Promise((resolve, reject) => {
    const child = fork(join(root, script), args, { cwd: root, execArgv: ['--enable-source-maps'] });
    let message;
    child.on('message', (sent) => (message = sent));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code: code ?? signal, message }));
  });
}

/** The test files among the sources, so that a leftover in dist/ of a test that is gone does not run. */
function testFiles() {
  return readdirSync(join(root, 'test'), { recursive: true })
    .map((name) => `test/${String(name).replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => folders.length === 0 || folders.some((folder) => file.startsWith(folder)))
    .sort();
}

await main().catch((error) => {
  console.error(error);
  total.failed += 1;
});
if (failedSteps.length > 0) console.log(`Failed before the tests, see above: ${failedSteps.join(', ')}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
