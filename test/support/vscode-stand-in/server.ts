// Starts the VS Code server that code-server carries, on a free port of the loopback interface, with data folders of
// its own, and ends its whole process group afterwards.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VsCodeServer } from '../lab/lab';

/** How the server is set up: its data folders and what differs between runs. */
export interface ServerOptions {
  userData: string;
  extensions: string;
  /** False shows VS Code's question whether the workspace is trusted. */
  disableWorkspaceTrust: boolean;
  /** The driver takes extensions under development and runs their tests, but hides notification toasts. */
  smokeTestDriver: boolean;
  /** The folder of an extension that is installed, as a user has it; it stays where it is. */
  installed?: string | undefined;
  /** What the address must know to be let in; without one the server answers everybody on this computer. */
  connectionToken?: string | undefined;
}

/** A running server. */
export interface RunningServer {
  port: number;
  stop(): void;
}

// Quiet: nothing opens by itself, nothing is fetched, so that a picture shows the extension and little else.
const SETTINGS = {
  'files.autoSave': 'off',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'remote.autoForwardPorts': false,
  'window.autoDetectColorScheme': true,
  // Drawn as text, which a test can read.
  'terminal.integrated.gpuAcceleration': 'off',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
};

/** Starts the server and waits until it answers. Rejects if it ends or stays silent for 60 s. */
export async function startServer(vsCode: VsCodeServer, options: ServerOptions): Promise<RunningServer> {
  const settings = join(options.userData, 'data', 'User');
  mkdirSync(settings, { recursive: true });
  mkdirSync(options.extensions, { recursive: true });
  const file = join(settings, 'settings.json');
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(SETTINGS, undefined, 2));
  if (options.installed) install(options.installed, options.extensions);

  const port = await freePort();
  const args = [
    vsCode.server,
    ...['--host', '127.0.0.1', '--port', String(port), '--accept-server-license-terms'],
    ...(options.connectionToken ? ['--connection-token', options.connectionToken] : ['--without-connection-token']),
    ...['--server-data-dir', options.userData, '--extensions-dir', options.extensions, '--disable-telemetry'],
    ...(options.smokeTestDriver ? ['--enable-smoke-test-driver'] : []),
    ...(options.disableWorkspaceTrust ? ['--disable-workspace-trust'] : []),
  ];
  const server = spawn(vsCode.node, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => said.push(String(data)));
  const stop = (): void => {
    if (server.pid === undefined || server.exitCode !== null) return;
    try {
      process.kill(-server.pid, 'SIGKILL');
    } catch {
      // The group has ended by itself in the meantime.
    }
  };

  for (const deadline = Date.now() + 60_000; Date.now() < deadline && server.exitCode === null;) {
    if (await answers(port)) return { port, stop };
    await sleep(100);
  }
  stop();
  throw new Error(`The VS Code server did not start:\n${said.join('')}`);
}

/** Lists an extension as installed: what VS Code writes itself after an installation. */
function install(folder: string, extensions: string): void {
  const { publisher, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    publisher: string;
    name: string;
    version: string;
  };
  const location = { $mid: 1, path: folder, scheme: 'file' };
  const listed = [{ identifier: { id: `${publisher}.${name}` }, version, location, metadata: {} }];
  writeFileSync(join(extensions, 'extensions.json'), JSON.stringify(listed));
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/version`).then(
    (response) => response.ok,
    () => false,
  );

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
