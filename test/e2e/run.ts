// Runs the extension's own suite (test/e2e/suite) in a real VS Code: the desktop program where there is a display and
// it can be downloaded, else the stand-in (test/support/vscode-stand-in).
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STAND_IN = join('dist', 'test', 'support', 'vscode-stand-in', 'main.js');

/** What a run opens. Paths are absolute, except that the extension's folder is the one the tests run in. */
export interface RunOptions {
  /** The workspace folder. */
  folder: string;
  /** The environment that the extension host sees besides this process's. */
  env?: NodeJS.ProcessEnv;
  /** Another extension and suite than the project's, for testing this runner. */
  extension?: { developmentPath: string; testsPath: string };
}

/** Resolves when every test of the suite has passed; rejects when one fails or VS Code does not start. */
export async function runInVsCode({ folder, env = {}, extension }: RunOptions): Promise<void> {
  const root = process.cwd();
  const profile = mkdtempSync(join(tmpdir(), 'vmxray-vscode-'));
  const report = join(profile, 'report.txt');
  try {
    await runTests({
      vscodeExecutablePath: (await desktopVsCode()) ?? join(root, STAND_IN),
      extensionDevelopmentPath: extension?.developmentPath ?? root,
      extensionTestsPath: extension?.testsPath ?? join(root, 'dist', 'test', 'e2e', 'suite', 'index'),
      extensionTestsEnv: { VMXRAY_E2E_REPORT: report, ...env },
      launchArgs: [
        folder,
        `--user-data-dir=${join(profile, 'data')}`,
        `--extensions-dir=${join(profile, 'extensions')}`,
      ],
    });
  } finally {
    if (existsSync(report)) console.log(readFileSync(report, 'utf8'));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** True where the desktop VS Code is not to be had, so that the run needs the lab's VS Code server. */
export async function needsStandIn(): Promise<boolean> {
  return (await desktopVsCode()) === undefined;
}

let download: Promise<string | undefined> | undefined;

function desktopVsCode(): Promise<string | undefined> {
  const hasDisplay = process.platform !== 'linux' || Boolean(process.env.DISPLAY);
  return (download ??= hasDisplay ? downloadAndUnzipVSCode().catch(() => undefined) : Promise.resolve(undefined));
}
