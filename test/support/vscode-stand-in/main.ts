#!/usr/bin/env node
// Stands in for the desktop VS Code where that cannot be downloaded or has no display: takes the arguments that
// @vscode/test-electron gives to VS Code, runs the tests in the extension host of a real VS Code server opened in
// Chromium, prints what they print, and exits with their code (2: the stand-in itself failed).
// VS Code's own warnings and errors are many and mostly harmless: they are printed only after a run that failed.
// With `--open-sample` it does what `npm run vscode` is for instead (open.ts).
// NOT IMPLEMENTED: VS Code's other command-line arguments, which are ignored.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lab } from '../lab/lab';
import { isAbsent } from '../lab/missing';
import { openSample } from './open';
import { openWindow } from './window';

// Longer than any suite's own limit: ends a window whose extension host has hung.
const LONGEST_RUN_MS = 20 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--open-sample')) return openSample(process.cwd());
  const values = (name: string): string[] =>
    args.filter((argument) => argument.startsWith(`--${name}=`)).map((argument) => argument.slice(name.length + 3));
  const one = (name: string): string => {
    const value = values(name)[0];
    if (!value) throw new Error(`--${name}=PATH is missing.`);
    return resolve(value);
  };

  const vsCode = await lab.codeServer();
  if (isAbsent(vsCode)) throw new Error(`No VS Code server: ${vsCode.missing}`);
  const messages: string[] = [];
  const folder = args.find((argument) => !argument.startsWith('-'));
  const window = await openWindow(vsCode, {
    folder: folder && resolve(folder),
    extensionDevelopmentPaths: values('extensionDevelopmentPath').map((path) => resolve(path)),
    extensionTestsPath: one('extensionTestsPath'),
    userData: one('user-data-dir'),
    extensions: one('extensions-dir'),
    disableWorkspaceTrust: args.includes('--disable-workspace-trust'),
    smokeTestDriver: true,
    onConsole: (line, type) => {
      if (type === 'log') console.log(line);
      else if (type !== 'info') messages.push(`[${type}] ${line}`);
    },
  });
  try {
    const tooLong = sleep(LONGEST_RUN_MS, undefined, { ref: false }).then(() => {
      throw new Error(`The tests did not end within ${LONGEST_RUN_MS / 60_000} minutes.`);
    });
    const code = await Promise.race([window.verdict, tooLong]);
    if (code !== 0) console.error(messages.join('\n'));
    return code;
  } finally {
    await window.screenshot('end');
    await window.close();
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(`VS Code stand-in: ${error.message}`);
    process.exitCode = 2;
  },
);
