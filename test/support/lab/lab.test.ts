// The lab itself: the cache makes an entry once and whole, the initrd is the same bytes every time, and what the lab
// gives out boots in QEMU. If these fail, a failing comparison with our machine says nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cached, cacheFolder } from './cache';
import { run } from './command';
import { buildInitrd } from './initrd';
import { lab, requireLab } from './lab';

describe('lab: cache', () => {
  const before = process.env.VMXRAY_CACHE;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmxray-cache-'));
    process.env.VMXRAY_CACHE = folder;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env.VMXRAY_CACHE;
    else process.env.VMXRAY_CACHE = before;
  });
  const fill = (path: string): Promise<void> => Promise.resolve(writeFileSync(join(path, 'content'), 'whole'));

  it('makes an entry once for callers at the same time', async () => {
    let made = 0;
    const make = (path: string): Promise<void> => ((made += 1), fill(path));
    const paths = await Promise.all([cached('thing', make), cached('thing', make), cached('thing', make)]);
    assert.equal(made, 1);
    assert.deepEqual(paths, Array(3).fill(join(folder, 'thing')));
    assert.equal(readFileSync(join(folder, 'thing', 'content'), 'utf8'), 'whole');
  });

  it('leaves nothing behind when making fails, and makes it the next time', async () => {
    const failing = async (path: string): Promise<void> => {
      await fill(path);
      throw new Error('no network');
    };
    await assert.rejects(cached('thing', failing), /no network/);
    assert.deepEqual(readdirSync(folder), []);
    assert.ok(existsSync(await cached('thing', fill)));
  });

  it('takes over the lock of a process that is gone', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder, 'thing.lock'), String(gone.pid));
    await cached('thing', fill);
    assert.deepEqual(readdirSync(folder), ['thing']);
  });

  it('names the override when it is no writable folder', () => {
    writeFileSync(join(folder, 'file'), '');
    process.env.VMXRAY_CACHE = join(folder, 'file');
    assert.throws(() => cacheFolder(), /VMXRAY_CACHE=.*file is not a writable folder/);
  });
});

describe('lab: initrd', () => {
  it('has equal bytes for equal contents, and holds the files given', () => {
    const contents = {
      busybox: Buffer.from('ELF'),
      init: '#!/bin/sh\n',
      files: { 'lib/a/b.ko': Buffer.from('module') },
    };
    const archive = buildInitrd(contents);
    assert.deepEqual(archive, buildInitrd(contents));
    const names = [
      ...gunzipSync(archive)
        .toString('latin1')
        .matchAll(/070701[0-9A-Fa-f]{104}([^\0]+)\0/g),
    ].map((m) => m[1]);
    for (const name of ['dev/console', 'init', 'bin/busybox', 'bin/sh', 'lib/a', 'lib/a/b.ko', 'TRAILER!!!']) {
      assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
    }
    assert.equal(names.filter((name) => name === 'bin/busybox').length, 1);
  });

  for (const architecture of ['amd64', 'i386'] as const) {
    it(`boots with Debian's ${architecture} kernel in QEMU to power-off`, async function () {
      this.timeout(300_000);
      const kernel = requireLab(this, await (architecture === 'amd64' ? lab.kernel() : lab.kernel686()));
      const initrd = requireLab(this, await lab.initrd(undefined, architecture));
      const qemu = requireLab(this, await lab.qemu());
      const args = ['-kernel', kernel.image, '-initrd', initrd, '-append', 'console=ttyS0 panic=-1', '-m', '256M'];
      const serial = await run(qemu.command, [...args, '-nographic', '-no-reboot'], { timeout: 110_000 });
      // SHA-256 of 256 KiB of zeros.
      assert.match(serial, /SHA256: 8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90/);
      for (const line of ['FORKED: child of 1', 'FORKS: 10', 'GZIP: same', 'INIT-DONE'])
        assert.ok(serial.includes(line), line);
      assert.ok(serial.includes(`INIT: Linux ${kernel.version} ${architecture === 'amd64' ? 'x86_64' : 'i686'}`));
      assert.match(serial, /reboot: Power down/);
    });
  }
});
