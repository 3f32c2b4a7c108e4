// Golden texts: what a test expects lies in test/golden as text that a reviewer reads; `npm run test:update` writes
// them anew.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Compares with test/golden/NAME (or NAME in `folder`), or writes it where VMXRAY_UPDATE is set. `actual` must be
 * stable: no addresses of the host, times or paths. Throws AssertionError for a difference or a golden not there.
 */
export function assertGolden(name: string, actual: string, folder = join('test', 'golden')): void {
  const path = join(folder, name);
  if (process.env.VMXRAY_UPDATE) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  assert.ok(existsSync(path), `The golden ${path} is missing: \`npm run test:update\` writes it.`);
  assert.equal(actual, readFileSync(path, 'utf8'), `${path} differs: read the change, then \`npm run test:update\`.`);
}
