// The extension in a real VS Code: runs test/e2e/suite in its extension host, in a folder with the sample and a Linux.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tinyInitramfs } from '../../src/extension/initramfs/tiny-initramfs';
import { SAMPLE_FILES, SAMPLE_LAUNCH } from '../../src/extension/sample-files';
import { lab, requireLab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';
import { needsStandIn, runInVsCode } from './run';

const tour = { type: 'vmxray', request: 'launch', kernel: 'tour.elf', pace: 'free' };
const LAUNCH = {
  version: '0.2.0',
  configurations: [
    { ...tour, name: 'Tour', stopOnEntry: true },
    { ...tour, name: 'Tour to a breakpoint' },
    {
      type: 'vmxray',
      request: 'launch',
      name: 'Linux',
      kernel: 'vmlinuz',
      initrd: 'initramfs.cpio',
      cmdline: 'console=ttyS0',
    },
  ],
};

describe('the extension in VS Code', function () {
  this.timeout(300_000);
  let folder: string;

  before(async function () {
    if (await needsStandIn()) requireLab(this, await lab.codeServer());
    folder = mkdtempSync(join(tmpdir(), 'vmxray-workspace-'));
    for (const [from, to] of SAMPLE_FILES) cpSync(from, join(folder, to), { recursive: true });
    copyFileSync(join('test', 'guests', 'bin', 'hello.elf'), join(folder, 'hello.elf'));
    const kernel = await lab.kernel();
    if (isAbsent(kernel)) console.log(`      skipped, the suite's Linux: ${kernel.missing}`);
    else copyFileSync(kernel.image, join(folder, 'vmlinuz'));
    writeFileSync(join(folder, 'initramfs.cpio'), tinyInitramfs());
    mkdirSync(join(folder, dirname(SAMPLE_LAUNCH.path)));
    writeFileSync(join(folder, SAMPLE_LAUNCH.path), JSON.stringify(LAUNCH));
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('passes its suite', () => runInVsCode({ folder }));
});
