// A black-box client of `vmxray dap` debugs the tour guest by its sources on our own machine.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBytes } from '../../src/symbols/bytes';
import { ElfFile } from '../../src/symbols/elf/elf-file';
import { DapProcess } from './client';
import { debugsTheTour, type Frame, type Stopped } from './source-script';

const KERNEL = join('test', 'guests', 'bin', 'tour.elf');

debugsTheTour('vmxray dap on sources', {
  hasEvents: true,
  canRestart: true,
  checksEdits: true,
  start: async () => {
    const dap = new DapProcess(30_000);
    await dap.client.launch({ kernel: KERNEL, stopOnEntry: true, pace: 'free' });
    await dap.client.event('stopped');
    return { client: dap.client, stop: () => dap.stop() };
  },
});

describe('vmxray dap on damaged symbols', function () {
  this.timeout(180_000);

  it('goes on without what is damaged in a symbol file, and tells each damage once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-damaged-'));
    const dap = new DapProcess(30_000);
    const { client } = dap;
    try {
      const bytes = readFileSync(KERNEL);
      const { sections } = new ElfFile(memoryBytes(bytes));
      const { offset, size } = sections.find(({ name }) => name === '.debug_info')!;
      bytes.fill(0xff, offset + 11, offset + size);
      const symbols = join(folder, 'tour.elf');
      writeFileSync(symbols, bytes);
      await client.launch({ kernel: KERNEL, symbols, stopOnEntry: true, pace: 'free' }, () =>
        client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'protect_kernel' }] }),
      );
      await client.event('stopped');
      await client.request('continue', { threadId: 1 });
      assert.equal((await client.event<Stopped>('stopped')).reason, 'function breakpoint');
      const frames = async (): Promise<Frame[]> =>
        (await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 })).stackFrames;
      assert.match((await frames())[0]!.name, /^protect_kernel/);
      assert.equal((await client.request('evaluate', { expression: 'ticks' }))['result'], '0');
      await frames();
      const told = client.output('console').match(/tour\.elf: .* is damaged.*/g) ?? [];
      assert.ok(told.length >= 1 && told.length <= 5 && new Set(told).size === told.length, told.join('\n'));
    } finally {
      dap.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
