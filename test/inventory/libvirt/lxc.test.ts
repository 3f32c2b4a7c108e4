// The provider against libvirtd's LXC driver: a container of busybox.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LibvirtProvider } from '../../../src/inventory/libvirt/provider';
import { parseUri } from '../../../src/inventory/libvirt/uri';
import type { Item } from '../../../src/inventory/provider';
import { eventually, ScriptedDesk, type Script } from '../../support/engines/desk';
import { startLibvirtd, type TestLibvirt } from '../../support/engines/libvirt';
import { ticksIn } from '../../support/engines/qemu';
import { patience, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

const DOMAINS = 'folder:domains';

describe('inventory: containers of a real libvirtd (LXC)', function () {
  this.timeout(60_000);
  let libvirt: TestLibvirt;
  let provider: LibvirtProvider;
  let tree: WatchedTree;
  const NAME = 'box \u00fc';
  const virsh = (...args: string[]): Promise<string> => libvirt.virshOn('lxc:///system', ...args);

  before(async function () {
    this.timeout(300_000);
    const daemon = requireLab(this, await lab.libvirtd());
    const client = requireLab(this, await lab.virsh());
    const busybox = requireLab(this, await lab.busybox());
    libvirt = await startLibvirtd(daemon.command, client.command);
    const root = join(libvirt.folder, 'rootfs');
    for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp', 'etc', 'run'])
      mkdirSync(join(root, name), { recursive: true });
    for (const name of ['sh', 'sleep']) copyFileSync(busybox, join(root, 'bin', name));
    const ticker = '#!/bin/sh\ni=0; while true; do i=$((i + 1)); echo "TICK $i"; sleep 0.1; done\n';
    writeFileSync(join(root, 'bin', 'ticker'), ticker, { mode: 0o755 });
    provider = new LibvirtProvider(parseUri(libvirt.uri('lxc:///system')));
    const absent = await provider.connect(patience()).then(
      () => undefined,
      ({ message }: Error) => ({ missing: message }),
    );
    requireLab(this, absent ?? provider);
    tree = new WatchedTree(
      {
        children: async (parent, signal) =>
          (await provider.children(parent, signal)).map((item) => ({ ...item, hasChildren: false })),
        watch: (...listeners) => provider.watch(...listeners),
      },
      [DOMAINS],
    );
    const xml = `<domain type='lxc'><name>${NAME}</name><memory unit='MiB'>64</memory>
      <os><type>exe</type><init>/bin/ticker</init></os><devices>
      <filesystem type='mount'><source dir='${root}'/><target dir='/'/></filesystem><console type='pty'/>
      </devices></domain>`;
    await tree.after(
      () => run('defineXml', [], { edit: () => xml }),
      (rows) => rows.some(({ label }) => label === NAME),
    );
  });
  after(async () => {
    tree?.dispose();
    provider?.dispose();
    await libvirt?.dispose();
  });
  const run = async (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> => {
    const desk = new ScriptedDesk(script);
    await provider.run(action, ids, desk.run());
    return desk;
  };
  const box = (all: readonly Item[]): Item => {
    const found = all.find(({ label }) => label === NAME);
    assert.ok(found);
    return found;
  };

  it('start, tick on their console, stop', async () => {
    const { id } = box(await provider.children(DOMAINS, patience()));
    const is = (state: Item['state']) => (rows: Item[]) => box(rows).state === state;
    await tree.after(() => run('start', [id]), is('running'), 3000);
    assert.equal(await virsh('domstate', NAME), 'running');
    const desk = await run('console', [id]);
    await eventually(() => ticksIn(desk.terminal.text).length > 3, 'ticks', 10);
    assert.match(JSON.stringify(await provider.details(id, patience())), /system container/);
    const metrics = (await provider.metrics(id, patience())) ?? [];
    assert.equal(metrics.find(({ name }) => name === 'Memory')?.limit, 64 * 2 ** 20);
    await tree.after(() => run('suspendDomain', [id]), is('paused'));
    await tree.after(() => run('resume', [id]), is('running'));
    await tree.after(() => run('destroy', [id], { confirm: true }), is('stopped'), 3000);
    assert.match((await desk.terminal.ended) ?? '', /stopped/);
  });
});
