// Kernel modules under the debugger: a stock kernel loads two of them and unloads one, nothing configured.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import type { Context } from 'mocha';
import { lab, requireLab } from '../support/lab/lab';
import { DapProcess } from './client';

const INIT = `#!/bin/sh
export PATH=/bin
insmod /lib/nls_utf8.ko
insmod /lib/hangcheck-timer.ko
rmmod hangcheck_timer
poweroff -f
`;

interface ModuleEvent {
  readonly reason: string;
  readonly module: { readonly name: string };
}

/** An initial RAM disk that loads modules of this folder. */
async function initrdWith(context: Context, modules: string): Promise<string> {
  const file = (path: string): Uint8Array => readFileSync(join(modules, 'kernel', path));
  const files = {
    'lib/nls_utf8.ko': file('fs/nls/nls_utf8.ko'),
    'lib/hangcheck-timer.ko': file('drivers/char/hangcheck-timer.ko'),
  };
  return requireLab(context, await lab.initrd(INIT, 'amd64', files));
}

describe('vmxray dap on kernel modules', function () {
  this.timeout(600_000);
  let dap: DapProcess | undefined;
  afterEach(() => dap?.stop());

  it('breaks in code that is not loaded yet, and unwinds through it', async function () {
    const kernel = requireLab(this, await lab.kernel());
    const initrd = await initrdWith(this, kernel.modules);
    dap = new DapProcess(300_000);
    const { client } = dap;
    const guest = {
      kernel: kernel.image,
      initrd,
      cmdline: 'console=ttyS0 quiet panic=-1',
      memory: '128M',
      pace: 'free',
    };
    await client.launch(guest, async () => {
      const { breakpoints } = await client.request<{ breakpoints: { verified: boolean }[] }>('setFunctionBreakpoints', {
        breakpoints: [{ name: 'nls_utf8!init_nls_utf8' }, { name: 'hangcheck_timer!/^hangcheck_.*exit/' }],
      });
      assert.deepEqual(
        breakpoints.map(({ verified }) => verified),
        [false, false],
      );
    });
    const names = async (): Promise<string[]> => {
      const { stackFrames } = await client.request<{ stackFrames: { name: string }[] }>('stackTrace', { threadId: 1 });
      return stackFrames.map(({ name }) => name.split(/[+ ]/)[0]!);
    };
    const modules = async (): Promise<string[]> =>
      (await client.request<{ modules: { name: string }[] }>('modules', {})).modules.map(({ name }) => name).slice(1);

    assert.equal((await client.event<{ reason: string }>('stopped')).reason, 'function breakpoint');
    const [first, second] = await names();
    assert.deepEqual([first, second], ['init_nls_utf8', 'do_one_initcall']);
    assert.deepEqual(await modules(), ['nls_utf8']);
    await client.request('continue', { threadId: 1 });
    assert.equal((await client.event<{ reason: string }>('stopped')).reason, 'function breakpoint');
    assert.match((await names())[0]!, /^hangcheck_.*exit/);
    assert.deepEqual((await modules()).sort(), ['hangcheck_timer', 'nls_utf8']);
    await client.request('continue', { threadId: 1 });
    await client.event('terminated');
    const events = client.events<ModuleEvent>('module').map(({ reason, module }) => `${reason} ${module.name}`);
    assert.ok(events.includes('new nls_utf8') && events.includes('removed hangcheck_timer'), events.join());
  });

  it('shows lines and variables of modules whose files are here, found by their build-ids', async function () {
    const kernel = requireLab(this, await lab.debugKernel());
    const gdb = requireLab(this, await lab.gdb());
    const version = basename(kernel.image).replace('vmlinuz-', '');
    const initrd = await initrdWith(this, join(dirname(kernel.image), '..', 'lib', 'modules', version));
    const debugFolder = join(dirname(kernel.vmlinux), '..');
    const ko = join(debugFolder, 'lib', 'modules', version, 'kernel', 'fs', 'nls', 'nls_utf8.ko');
    const said = execFileSync(gdb.command, ['-nx', '-batch', '-ex', 'info line init_nls_utf8', ko], {
      encoding: 'utf8',
    });
    const [, line, path] = /Line (\d+) of "(.*?)"/.exec(said)!;
    dap = new DapProcess(300_000);
    const { client } = dap;
    const guest = {
      kernel: kernel.image,
      initrd,
      cmdline: 'console=ttyS0 quiet panic=-1',
      memory: '128M',
      pace: 'free',
    };
    await client.launch({ ...guest, debugFolders: [debugFolder] }, () =>
      client.request('setBreakpoints', { source: { path: `/sources/${path}` }, breakpoints: [{ line: Number(line) }] }),
    );
    assert.equal((await client.event<{ reason: string }>('stopped')).reason, 'breakpoint');
    const top = async (): Promise<{ name: string; line: number; source: { name: string }; id: number }> =>
      (
        await client.request<{ stackFrames: { name: string; line: number; source: { name: string }; id: number }[] }>(
          'stackTrace',
          { threadId: 1 },
        )
      ).stackFrames[0]!;
    const frame = await top();
    assert.match(frame.name, /^init_nls_utf8\b/);
    assert.deepEqual([frame.line, frame.source.name], [Number(line), basename(path!)]);
    const evaluate = async (expression: string, frameId: number): Promise<string> =>
      (await client.request<{ result: string }>('evaluate', { expression, frameId })).result;
    assert.match(await evaluate('table.charset', frame.id), /^0xf+c0[0-9a-f]+ "utf8"$/);
    assert.match(await evaluate('table.uni2char', frame.id), /<uni2char>$/);
    // The loop that fills a table, by lines: its head, its body, its head; the index lives in a register.
    const seen: string[] = [];
    for (let lines = 0; lines < 3; lines += 1) {
      await client.request('next', { threadId: 1 });
      await client.event('stopped');
      const { line: at, id } = await top();
      seen.push(`${at - Number(line)}: ${await evaluate('i', id)}, ${await evaluate('identity[0]', id)}`);
    }
    assert.deepEqual(seen, ['2: 0, 0', '3: 0, 0', '2: 1, 0']);
  });
});
