// Kernel modules under the debugger: a stock kernel loads two of them and unloads one, nothing configured.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

describe('vmxray dap on kernel modules', function () {
  this.timeout(600_000);
  let dap: DapProcess | undefined;
  afterEach(() => dap?.stop());

  it('breaks in code that is not loaded yet, and unwinds through it', async function () {
    const kernel = requireLab(this, await lab.kernel());
    const file = (path: string): Uint8Array => readFileSync(join(kernel.modules, 'kernel', path));
    const initrd = requireLab(
      this,
      await lab.initrd(INIT, 'amd64', {
        'lib/nls_utf8.ko': file('fs/nls/nls_utf8.ko'),
        'lib/hangcheck-timer.ko': file('drivers/char/hangcheck-timer.ko'),
      }),
    );
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
});
