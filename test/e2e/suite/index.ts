// The entry of the suite inside VS Code's extension host: runs every *.e2e.js beside it with mocha, by name.
import Mocha from 'mocha';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';

const SOURCES = join(__dirname, '..', '..', '..', '..', 'test', 'e2e', 'suite');

/** Called by VS Code; rejects when a test fails, which gives exit code 1. */
export function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  // The console of an extension host is full of VS Code's own lines: the report goes to a file.
  const report = process.env.VMXRAY_E2E_REPORT;
  if (report) Mocha.reporters.Base.consoleLog = (...args: unknown[]) => appendFileSync(report, `${format(...args)}\n`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec' });
  // As the sources have it: a leftover in dist/ of a file that is gone does not run.
  const files = readdirSync(SOURCES)
    .filter((file) => file.endsWith('.e2e.ts'))
    .map((file) => file.replace(/\.ts$/, '.js'))
    .sort();
  if (files.length === 0) return Promise.reject(new Error(`There is no suite in ${SOURCES}.`));
  for (const file of files) mocha.addFile(join(__dirname, file));
  return new Promise((resolve, reject) => {
    mocha.run((failures) => (failures ? reject(new Error(`${failures} tests failed.`)) : resolve()));
  });
}
