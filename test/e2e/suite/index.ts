// The entry of the suite inside VS Code's extension host: runs every *.e2e.js beside it with mocha.
import Mocha from 'mocha';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Called by VS Code; rejects when a test fails, which gives exit code 1. */
export function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec' });
  for (const file of readdirSync(__dirname)) if (file.endsWith('.e2e.js')) mocha.addFile(join(__dirname, file));
  return new Promise((resolve, reject) => {
    mocha.run((failures) => (failures ? reject(new Error(`${failures} tests failed.`)) : resolve()));
  });
}
