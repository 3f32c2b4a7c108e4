// One VS Code window in a headless Chromium: opens the workbench, carries the extension host's console and the tests'
// verdict out of the page, and takes pictures of it.
// Pictures: where VMXRAY_SCREENSHOTS names a folder, a console line `VMXRAY-SCREENSHOT name` from the extension host
// writes name.png there, and the end of a run writes end.png.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import type { BrowsedVsCode } from '../lab/lab';
import { startServer, type ServerOptions } from './server';

/** What a window opens. All paths are absolute. */
export interface WindowOptions extends ServerOptions {
  /** The workspace folder; none opens an empty window. */
  folder?: string | undefined;
  /** Folders of extensions under development; the server needs its smoke test driver for them. */
  extensionDevelopmentPaths?: readonly string[];
  /** The module whose `run()` is the test suite. */
  extensionTestsPath?: string | undefined;
  /** Called for each console message; `type` is `log` for the extension host's console.log, else mostly VS Code's own. */
  onConsole: (line: string, type: string) => void;
}

/** An open window: the page for driving its user interface, and the verdict of the tests. */
export interface VsCodeWindow {
  page: Page;
  /** Resolves to the tests' exit code. Never resolves without tests. */
  verdict: Promise<number>;
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

const CHROMIUM_FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SIZE = { width: 1400, height: 900 };

/** Starts a server and opens a window on it. Rejects if either does not come up. */
export async function openWindow(vsCode: BrowsedVsCode, options: WindowOptions): Promise<VsCodeWindow> {
  const server = await startServer(vsCode, options);
  const browser = await chromium
    .launch({ executablePath: vsCode.chromium, headless: true, chromiumSandbox: false, args: CHROMIUM_FLAGS })
    .catch((error: unknown) => {
      server.stop();
      throw error;
    });
  const close = async (): Promise<void> => {
    await browser.close();
    server.stop();
  };
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: 'dark' });
    const screenshot = (name: string) => takeScreenshot(page, name);
    const verdict = new Promise<number>((resolve, reject) => {
      page.on('crash', () => reject(new Error('The VS Code page crashed.')));
      page.exposeFunction('codeAutomationExit', (code: number) => resolve(code)).catch(reject);
    });
    // A verdict that nobody waits for, in a window without tests, must not end the process.
    verdict.catch(() => undefined);
    await page.exposeFunction('codeAutomationLog', async (type: string, args: unknown[]) => {
      const line = format(...args);
      const wanted = /^VMXRAY-SCREENSHOT ([\w-]+)$/.exec(line)?.[1];
      if (wanted) await screenshot(wanted);
      else options.onConsole(line, type);
    });
    await page.goto(address(server.port, options), { timeout: 60_000 });
    return { page, verdict, screenshot, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The workbench's address: the folder, and the payload that names the extension and its tests. */
function address(port: number, { folder, extensionDevelopmentPaths = [], extensionTestsPath }: WindowOptions): string {
  const remote = (path: string): string => `vscode-remote://127.0.0.1:${port}${path}`;
  const payload = [
    ...extensionDevelopmentPaths.map((path) => ['extensionDevelopmentPath', remote(path)]),
    ...(extensionTestsPath ? [['extensionTestsPath', remote(extensionTestsPath)]] : []),
    ['skipWelcome', 'true'],
  ];
  const query = new URLSearchParams({ ...(folder ? { folder } : { ew: 'true' }), payload: JSON.stringify(payload) });
  return `http://127.0.0.1:${port}/?${query.toString().replaceAll('+', '%20')}`;
}

async function takeScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.VMXRAY_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
