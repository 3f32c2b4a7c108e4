// The entry of the suite inside VS Code's extension host: runs every *.e2e.js beside it with mocha.
import Mocha from 'mocha';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';

/** Called by VS Code; rejects when a test fails, which gives exit code 1. */
export function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  // The console of an extension host is full of VS Code's own lines: the report goes to a file.
  const report = process.env.VMXRAY_E2E_REPORT;
  if (report) Mocha.reporters.Base.consoleLog = (...args: unknown[]) => appendFileSync(report, `${format(...args)}\n`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec' });
  const files = readdirSync(__dirname)
    .filter((file) => file.endsWith('.e2e.js'))
    .sort();
  if (files.length === 0) return Promise.reject(new Error(`No suite is built in ${__dirname}.`));
  for (const file of files) mocha.addFile(join(__dirname, file));
  return new Promise((resolve, reject) => {
    mocha.run((failures) => (failures ? reject(new Error(`${failures} tests failed.`)) : resolve()));
  });
}
