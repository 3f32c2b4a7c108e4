// The steps that `npm test` and `npm start` share: they must run on a fresh clone, so this file uses Node alone.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Runs a program in the checkout with this terminal; resolves to its exit code (1 if it was ended by a signal). */
export function step(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Runs a script of Node's in the checkout; resolves to its exit code. */
export const nodeStep = (...args) => step(process.execPath, args);

/** Installs the packages of the lock file unless they are there already. Resolves to npm's exit code. */
export async function install() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new Error(`VMXray needs Node 20 or later; this is ${process.version}.`);
  if (isInstalled()) return 0;
  const windows = process.platform === 'win32';
  // npm's own path, when npm started us; else the one on PATH.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...args] = [...npm, 'ci', '--no-audit', '--no-fund'];
  return step(windows && command === 'npm' ? 'npm.cmd' : command, args, npmEnvironment());
}

/** True if node_modules holds every package of the lock file in its version. */
function isInstalled() {
  const packages = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return false;
  const installed = packages('node_modules/.package-lock.json');
  return Object.entries(packages('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

/** Gives npm a cache of its own where there is no home folder to keep one in. */
function npmEnvironment() {
  try {
    mkdirSync(join(homedir(), '.npm'), { recursive: true });
    return {};
  } catch {
    return { npm_config_cache: join(tmpdir(), 'vmxray-npm') };
  }
}
