// What `npm run vscode` opens: the sample workspace with the extension, ready for F5, in the desktop VS Code where
// `code` is on PATH and there is a display, else in the user's browser.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SAMPLE_FILES, SAMPLE_FOLDER, SAMPLE_LAUNCH } from '../../../src/extension/sample-files';
import { cacheFolder } from '../lab/cache';
import { findCommand } from '../lab/command';
import { lab } from '../lab/lab';
import { isAbsent } from '../lab/missing';
import { startServer } from './server';

/** Opens VS Code on the sample with the extension of the folder `root`; in the browser until Ctrl-C. Gives the exit code. */
export async function openSample(root: string): Promise<number> {
  const home = join(cacheFolder(), 'vscode');
  const sample = join(home, SAMPLE_FOLDER);
  copySample(root, sample);
  const desktop = hasDisplay() ? findCommand('code') : undefined;
  return desktop ? openDesktop(desktop, root, sample, home) : serve(root, sample, home);
}

/** Copies the sample as it is now; a launch.json that is there stays. */
function copySample(root: string, sample: string): void {
  for (const [from, to] of SAMPLE_FILES) cpSync(join(root, from), join(sample, to), { recursive: true });
  const launch = join(sample, SAMPLE_LAUNCH.path);
  mkdirSync(dirname(launch), { recursive: true });
  if (!existsSync(launch)) writeFileSync(launch, SAMPLE_LAUNCH.text);
}

const hasDisplay = (): boolean =>
  process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);

function openDesktop(code: string, root: string, sample: string, home: string): Promise<number> {
  // VS Code does not start as root without these.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox', `--user-data-dir=${join(home, 'desktop')}`] : [];
  console.log(`VS Code opens ${sample} with the extension: press F5 there.`);
  const shell = process.platform === 'win32';
  const child = spawn(code, [...asRoot, `--extensionDevelopmentPath=${root}`, sample], { stdio: 'inherit', shell });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

async function serve(root: string, sample: string, home: string): Promise<number> {
  console.log(
    'No desktop VS Code is here ("code" on PATH, and a display): getting VS Code for the browser, which the first time takes some minutes.',
  );
  const vsCode = await lab.vsCodeServer();
  if (isAbsent(vsCode)) throw new Error(`There is no VS Code server: ${vsCode.missing}`);
  const connectionToken = randomBytes(16).toString('hex');
  const server = await startServer(vsCode, {
    userData: join(home, 'data'),
    extensions: join(home, 'extensions'),
    disableWorkspaceTrust: true,
    smokeTestDriver: false,
    installed: root,
    connectionToken,
  });
  const query = new URLSearchParams({ tkn: connectionToken, folder: sample });
  console.log(`\nVS Code with the extension and the sample workspace; press F5 there:\n
  http://127.0.0.1:${server.port}/?${query.toString()}\n\nCtrl-C ends it.`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve);
  });
  server.stop();
  return 0;
}
