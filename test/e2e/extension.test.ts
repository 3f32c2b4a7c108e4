// The extension in a real VS Code: runs test/e2e/suite in its extension host, in a folder with the sample guests.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lab, requireLab } from '../support/lab/lab';
import { needsStandIn, runInVsCode } from './run';

const LAUNCH = {
  version: '0.2.0',
  configurations: [
    { type: 'vmxray', request: 'launch', name: 'Tour', kernel: 'tour.elf', stopOnEntry: true, pace: 'free' },
  ],
};

describe('the extension in VS Code', function () {
  this.timeout(300_000);
  let folder: string;

  before(async function () {
    if (await needsStandIn()) requireLab(this, await lab.codeServer());
    folder = mkdtempSync(join(tmpdir(), 'vmxray-workspace-'));
    for (const guest of ['tour.elf', 'hello.elf'])
      copyFileSync(join('test', 'guests', 'bin', guest), join(folder, guest));
    mkdirSync(join(folder, '.vscode'));
    writeFileSync(join(folder, '.vscode', 'launch.json'), JSON.stringify(LAUNCH));
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('passes its suite', () => runInVsCode({ folder }));
});
