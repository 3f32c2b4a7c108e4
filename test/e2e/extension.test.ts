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
/** A stand-in for one of the kernel's sources, with lines enough. */
const STUB_SOURCE = Array.from({ length: 2000 }, (_, index) => `/* line ${index + 1} of fs/read_write.c */\n`).join('');

/** A launch of the kernel that has debug information, over a folder of stand-ins for its sources. */
const withSources = (kernel: string, symbols: string, initrd: string): object => ({
  type: 'vmxray',
  request: 'launch',
  name: 'Linux with sources',
  ...{ kernel, symbols, initrd, cmdline: 'console=ttyS0 quiet', pace: 'free' },
  sourceMap: { 'debian/build/build_amd64_none_cloud-amd64': '${workspaceFolder}/linux' },
});

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
    const qemu = await lab.qemu();
    if (isAbsent(qemu)) console.log(`      skipped, the suite's QEMU: ${qemu.missing}`);
    writeFileSync(join(folder, 'initramfs.cpio'), tinyInitramfs());
    mkdirSync(join(folder, dirname(SAMPLE_LAUNCH.path)));
    const [debugKernel, initrd] = [await lab.debugKernel(), await lab.initrd()];
    const launch = { ...LAUNCH, configurations: [...LAUNCH.configurations] as object[] };
    if (isAbsent(debugKernel) || isAbsent(initrd)) console.log("      skipped, the suite's Linux with sources");
    else {
      launch.configurations.push(withSources(debugKernel.image, debugKernel.vmlinux, initrd));
      mkdirSync(join(folder, 'linux', 'fs'), { recursive: true });
      writeFileSync(join(folder, 'linux', 'fs', 'read_write.c'), STUB_SOURCE);
    }
    writeFileSync(join(folder, SAMPLE_LAUNCH.path), JSON.stringify(launch));
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('passes its suite', () => runInVsCode({ folder }));
});
