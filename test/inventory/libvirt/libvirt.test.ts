// The provider against a real libvirtd: its test driver, and domains in QEMU (TCG). The tree equals what virsh lists, each
// action's effect is seen by virsh and reaches the tree by event within a second.
import assert from 'node:assert/strict';
import { mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LibvirtProvider } from '../../../src/inventory/libvirt/provider';
import { parseUri } from '../../../src/inventory/libvirt/uri';
import { escapeXml } from '../../../src/inventory/libvirt/xml';
import type { EngineEvent, Item } from '../../../src/inventory/provider';
import { attachGdb } from '../../../src/targets/gdb-remote/gdb-target';
import { eventually, ScriptedDesk, type Script } from '../../support/engines/desk';
import { startLibvirtd, type TestLibvirt } from '../../support/engines/libvirt';
import { runOnce, tickingGuest, ticksIn } from '../../support/engines/qemu';
import { patience, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

const STRANGE = 'o\'clock "x" $(touch y); \u00fc & <b>';
const DOMAINS = 'folder:domains';

describe('inventory: a real libvirtd', function () {
  this.timeout(120_000);
  let libvirt: TestLibvirt;
  let start: () => Promise<TestLibvirt>;

  before(async function () {
    this.timeout(300_000);
    const daemon = requireLab(this, await lab.libvirtd());
    const virsh = requireLab(this, await lab.virsh());
    requireLab(this, await lab.qemu());
    start = () => startLibvirtd(daemon.command, virsh.command);
    libvirt = await start();
  });
  after(() => libvirt?.dispose());

  const runOn = async (
    provider: LibvirtProvider,
    action: string,
    ids: readonly string[],
    script: Script = {},
  ): Promise<ScriptedDesk> => {
    const desk = new ScriptedDesk(script);
    await provider.run(action, ids, desk.run());
    return desk;
  };
  const row = (all: readonly Item[], label: string): Item => {
    const found = all.find((one) => one.label === label);
    assert.ok(found, `${label} among ${all.map((one) => one.label).join(', ')}`);
    return found;
  };
  /** A tree of these folders' rows alone. */
  const treeOf = (provider: LibvirtProvider, ...folders: string[]): WatchedTree =>
    new WatchedTree(
      {
        children: async (parent, signal) =>
          (await provider.children(parent, signal)).map((item) => ({ ...item, hasChildren: false })),
        watch: (...listeners) => provider.watch(...listeners),
      },
      folders,
    );

  describe('its test driver', () => {
    let provider: LibvirtProvider;
    let tree: WatchedTree;
    const told: EngineEvent[] = [];
    const virsh = (...args: string[]): Promise<string> => libvirt.virshOn('test:///default', ...args);
    const run = (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> =>
      runOn(provider, action, ids, script);
    const names = async (...command: string[]): Promise<string[]> =>
      (await virsh(...command))
        .split('\n')
        .filter((name) => name !== '')
        .sort();
    const labels = async (folder: string): Promise<string[]> =>
      (await provider.children(folder, patience())).map(({ label }) => label).sort();
    const test = async (): Promise<string> => row(await provider.children(DOMAINS, patience()), 'test').id;

    before(async () => {
      provider = new LibvirtProvider(parseUri(libvirt.uri('test:///default')));
      await provider.connect(patience());
      provider.events((event) => told.push(event));
      tree = treeOf(provider, DOMAINS, 'folder:networks', 'folder:pools');
    });
    after(() => {
      tree?.dispose();
      provider?.dispose();
    });

    it("is reached by ssh, whose far end runs libvirt's own helper", async () => {
      const program = join(libvirt.folder, 'ssh');
      // In place of ssh: it drops the options and the host, and is the far end itself, where the daemon's folders are.
      const enter = `nsenter --mount=/proc/${libvirt.daemon.pid}/ns/mnt`;
      writeFileSync(
        program,
        `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\n[ "$2" = me@lab ] || { echo "no route" >&2; exit 255; }\nshift 2\nexec ${enter} "$@"\n`,
        { mode: 0o755 },
      );
      const far = new LibvirtProvider(parseUri('test+ssh://me@lab/default'), program);
      assert.match(await far.connect(patience()), /^libvirt \d/);
      assert.deepEqual(
        (await far.children(DOMAINS, patience())).map(({ label }) => label),
        ['test'],
      );
      far.dispose();
      const away = new LibvirtProvider(parseUri('test+ssh://elsewhere/default'), program);
      await assert.rejects(away.connect(patience()), /ssh to elsewhere failed: no route\. Check that/);
      const none = new LibvirtProvider(parseUri('test+ssh://lab/default'), join(libvirt.folder, 'none'));
      await assert.rejects(none.connect(patience()), /ssh to lab failed: .*ENOENT/);
    });

    it('tells its version', async () => {
      const library = /library: libvirt (\S+)/.exec(await libvirt.virsh('version'))?.[1];
      assert.equal(await provider.connect(patience()), `libvirt ${library}, TEST 0.0.2`);
    });

    it('lists what virsh lists', async () => {
      assert.deepEqual(
        (await provider.children(undefined, patience())).map(({ label }) => label),
        ['Domains', 'Networks', 'Storage Pools'],
      );
      assert.deepEqual(await labels(DOMAINS), await names('list', '--all', '--name'));
      assert.deepEqual(await labels('folder:networks'), await names('net-list', '--all', '--name'));
      assert.deepEqual(await labels('folder:pools'), await names('pool-list', '--all', '--name'));
    });

    it('does what it is told, seen by virsh and told within a second', async () => {
      const steps: readonly [string, string, Item['state']][] = [
        ['suspendDomain', 'paused', 'paused'],
        ['resume', 'running', 'running'],
        ['reboot', 'running', 'running'],
        ['shutdown', 'shut off', 'stopped'],
        ['start', 'running', 'running'],
        ['destroy', 'shut off', 'stopped'],
        ['start', 'running', 'running'],
      ];
      const id = await test();
      for (const [action, word, state] of steps) {
        await tree.after(
          () => run(action, [id], { confirm: true }),
          (rows) => row(rows, 'test').state === state,
        );
        assert.equal(await virsh('domstate', 'test'), word, action);
      }
      assert.ok(told.some(({ text }) => text === 'test: suspended (paused)'));
      assert.ok(told.some(({ text, item }) => text === 'test: stopped (destroyed)' && item === id));
    });

    it('asks before what loses something', async () => {
      const desk = await run('destroy', [await test()], { confirm: false });
      assert.match(desk.confirmed[0]?.detail ?? '', /power were cut/);
      assert.equal(await virsh('domstate', 'test'), 'running');
    });

    it('hears of what others do', async () => {
      await tree.after(
        () => virsh('suspend', 'test'),
        (rows) => row(rows, 'test').state === 'paused',
      );
      await tree.after(
        () => virsh('resume', 'test'),
        (rows) => row(rows, 'test').state === 'running',
      );
      await tree.after(
        () => virsh('net-destroy', 'default'),
        (rows) => row(rows, 'default').state === 'stopped',
      );
    });

    it('defines, edits and undefines, and says what is wrong with XML', async () => {
      const xml = (name: string): string =>
        `<domain type='test'><name>${escapeXml(name)}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
      const wrong = await run('defineXml', [], { edit: () => '<domain>\n<name>x</nam></domain>' });
      assert.match(wrong.refusals[0] ?? '', /mistake in line 2/);
      const alien = await run('defineXml', [], { edit: () => "<domain type='test'><name>x</name></domain>" });
      assert.match(alien.refusals[0] ?? '', /libvirt says: /);
      const entity = await run('defineXml', [], { edit: () => '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>' });
      assert.match(entity.refusals[0] ?? '', /document types/);
      const rows = await tree.after(
        () => run('defineXml', [], { edit: () => xml(STRANGE) }),
        (all) => all.some(({ label, state }) => label === STRANGE && state === 'stopped'),
      );
      const { id } = row(rows, STRANGE);
      assert.deepEqual(await labels(DOMAINS), await names('list', '--all', '--name'));
      await run('editXml', [id], { edit: (text) => text.replace('8192', '16384') });
      assert.match(await virsh('dumpxml', STRANGE), /16384/);
      await tree.after(
        () => run('start', [id]),
        (all) => row(all, STRANGE).state === 'running',
      );
      await tree.after(
        () => run('destroy', [id], { confirm: true }),
        (all) => row(all, STRANGE).state === 'stopped',
      );
      await tree.after(
        () => run('undefine', [id], { confirm: true }),
        (all) => all.every(({ label }) => label !== STRANGE),
      );
      assert.deepEqual(await names('list', '--all', '--name'), ['test']);
      await assert.rejects(run('start', [id]), /libvirt says: .* removed in the meantime/s);
    });

    it('keeps snapshots as a tree', async () => {
      const id = await test();
      for (const name of ['one', 'two', 'three "3"; \u00fc']) await run('snapshot', [id], { ask: [name] });
      await run('goBack', [`${id}#snapshot:one`], { confirm: true });
      await run('snapshot', [id], { ask: ['beside'] });
      const under = async (parent: string): Promise<string[]> =>
        (await provider.children(parent, patience())).map(({ label }) => label).sort();
      assert.deepEqual(await under(`${id}#snapshots:`), ['one']);
      assert.deepEqual(await under(`${id}#snapshot:one`), ['beside', 'two']);
      assert.deepEqual(await under(`${id}#snapshot:two`), ['three "3"; \u00fc']);
      assert.deepEqual((await names('snapshot-list', 'test', '--name')).length, 4);
      const again = await run('snapshot', [id], { ask: ['one'] });
      assert.match(again.refusals[0] ?? '', /already/);
      await run('deleteSnapshot', [`${id}#snapshot:beside`], { confirm: true });
      assert.deepEqual(await under(`${id}#snapshot:one`), ['two']);
      await assert.rejects(run('goBack', [`${id}#snapshot:beside`], { confirm: true }), /no longer there/);
    });

    it('starts and stops networks and pools, and keeps volumes', async () => {
      const network = row(await provider.children('folder:networks', patience()), 'default').id;
      await tree.after(
        () => run('start', [network]),
        (rows) => row(rows, 'default').state === 'running',
      );
      assert.match(await virsh('net-info', 'default'), /Active:\s+yes/);
      const pool = row(await provider.children('folder:pools', patience()), 'default-pool').id;
      await run('createVolume', [pool], { ask: [STRANGE, '16M'] });
      const [volume] = await provider.children(pool, patience());
      assert.equal(volume?.label, STRANGE);
      assert.ok((await virsh('vol-list', 'default-pool')).includes(STRANGE));
      const [section] = await provider.details(volume.id, patience());
      assert.ok(section?.rows.some(([name, value]) => name === 'Capacity' && value === '16.8 MB'));
      await run('removeVolume', [volume.id], { confirm: true });
      assert.deepEqual(await provider.children(pool, patience()), []);
      await tree.after(
        () => run('destroy', [pool], { confirm: true }),
        (rows) => row(rows, 'default-pool').state === 'stopped',
      );
      await tree.after(
        () => run('start', [pool]),
        (rows) => row(rows, 'default-pool').state === 'running',
      );
    });

    it('tells the addresses and the pinning that the driver has', async () => {
      const id = await test();
      await run('pinVcpu', [id], { choose: ['vCPU 1'], chooseSeveral: ['Processor 3', 'Processor 6'] });
      assert.match(await virsh('vcpupin', 'test', '1'), /3,6/);
      const text = JSON.stringify(await provider.details(id, patience()));
      assert.match(text, /"3, 6"/);
      assert.match(text, /192\.168\.122\.\d+\/24/);
      const metrics = (await provider.metrics(id, patience())) ?? [];
      assert.ok(metrics.some(({ name, limit }) => name === 'Memory' && limit === 8 * 2 ** 30));
      await assert.rejects(run('attach', [id]), /libvirt says/);
    });
  });

  describe('domains in QEMU', () => {
    let provider: LibvirtProvider;
    let tree: WatchedTree;
    let desk: ScriptedDesk;
    let id: string;
    const NAME = 'ticker \u00fc';
    const virsh = (...args: string[]): Promise<string> => libvirt.virsh(...args);
    const run = (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> =>
      runOn(provider, action, ids, script);
    const images = (): string => join(libvirt.folder, 'images');
    const last = (): number => ticksIn(desk.terminal.text).at(-1) ?? 0;
    const ticksOn = (from = last(), seconds = 30): Promise<void> =>
      eventually(
        () => last() > from,
        `ticks after ${from}`,
        seconds,
        () => desk.terminal.text.slice(-200),
      );
    const within = (work: () => Promise<unknown>, state: Item['state'], limit = 1000): Promise<Item[]> =>
      tree.after(work, (rows) => row(rows, NAME).state === state, limit);

    before(async function () {
      const { kernel, initrd } = await tickingGuest(this);
      const { command: qemuImg } = requireLab(this, await lab.qemuImg());
      const { command: qemu } = requireLab(this, await lab.qemu());
      await runOnce(qemuImg, ['create', '-q', '-f', 'qcow2', join(images(), 'disk.qcow2'), '64M']);
      provider = new LibvirtProvider(parseUri(libvirt.uri()));
      await provider.connect(patience());
      tree = treeOf(provider, DOMAINS);
      const xml = `<domain type='qemu'>
        <name>${NAME}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='pc'>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd>
        <cmdline>console=ttyS0 quiet mitigations=off</cmdline></os>
        <features><acpi/></features>
        <devices><emulator>${qemu}</emulator>
          <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
            <source file='${join(images(), 'disk.qcow2')}'/><target dev='vda' bus='virtio'/></disk>
          <interface type='user'><mac address='52:54:00:12:34:56'/><model type='virtio'/></interface>
          <serial type='pty'/><console type='pty'/><memballoon model='virtio'/>
          <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
        </devices></domain>`;
      const pool = `<pool type='dir'><name>images</name><target><path>${images()}</path></target></pool>`;
      await run('defineXml', [], { edit: () => pool });
      const pools = await provider.children('folder:pools', patience());
      await run('start', [row(pools, 'images').id]);
      const rows = await tree.after(
        async () => assert.deepEqual((await run('defineXml', [], { edit: () => xml })).refusals, []),
        (all) => all.some(({ label }) => label === NAME),
      );
      ({ id } = row(rows, NAME));
    });
    after(() => {
      tree?.dispose();
      provider?.dispose();
    });

    it('start, and their serial console ticks', async () => {
      await within(() => run('start', [id]), 'running');
      assert.equal(await virsh('domstate', NAME), 'running');
      desk = await run('console', [id]);
      await ticksOn();
      const beside = await run('console', [id]);
      desk.terminal.type('hello\n');
      await desk.terminal.shows(/HEARD: hello/, 20);
      await beside.terminal.shows(/TICK 1\r[^]*HEARD: hello/);
      beside.terminal.stream.dispose();
      await ticksOn();
    });

    it('show their disks and interfaces, as virsh lists them', async () => {
      const parts = await provider.children(id, patience());
      assert.deepEqual(
        parts.map(({ label }) => label),
        ['Snapshots', 'Devices', 'vda', '52:54:00:12:34:56'],
      );
      assert.match(await virsh('domblklist', NAME), /vda\s+.*disk\.qcow2/);
      assert.match(await virsh('domiflist', NAME), /52:54:00:12:34:56/);
      const text = JSON.stringify(await provider.details(id, patience()));
      assert.match(text, /qemu: emulator \(TCG\)/);
      const [table] = await provider.details(`${id}#table:network`, patience());
      const printed = await virsh('qemu-monitor-command', NAME, '--hmp', 'info network');
      assert.deepEqual(
        table?.rows.map(([line]) => line),
        printed.replaceAll('\r', '').split('\n'),
      );
    });

    it('suspend and resume', async () => {
      await within(() => run('suspendDomain', [id]), 'paused');
      assert.equal(await virsh('domstate', NAME), 'paused');
      await within(() => run('resume', [id]), 'running');
      await ticksOn();
    });

    it('tell figures that domstats has', async () => {
      await provider.metrics(id, patience());
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const metrics = new Map(((await provider.metrics(id, patience())) ?? []).map((one) => [one.name, one]));
      assert.ok((metrics.get('CPU')?.value ?? 0) > 0);
      assert.equal(metrics.get('Memory')?.limit, 128 * 2 ** 20);
      assert.ok(metrics.has('Disk read') && metrics.has('Network in'));
      const rss = Number(/balloon\.rss=(\d+)/.exec(await virsh('domstats', NAME))?.[1]) * 1024;
      const shown = metrics.get('Resident memory')?.value ?? 0;
      assert.ok(Math.abs(shown - rss) < 16 * 2 ** 20, `${shown} and ${rss}`);
    });

    it('are debugged by a stub that opens without a restart', async () => {
      const { debugged } = await run('attach', [id]);
      const { type, request, gdb, kernel } = debugged[0] ?? {};
      assert.deepEqual([type, request], ['vmxray', 'attach']);
      assert.match(String(kernel), /vmlinuz/);
      const target = await attachGdb({ gdb: String(gdb), kernel: String(kernel) });
      assert.match((await target.position(1)).mode, /64-bit/);
      await target.dispose();
      // The stub stays: who attaches again gets the same one.
      assert.equal((await run('attach', [id])).debugged[0]?.['gdb'], gdb);
      await ticksOn();
    });

    it('tell what their guest agent says', async () => {
      const words = async (): Promise<string> => JSON.stringify(await provider.details(id, patience()));
      await eventually(
        async () => (await words()).includes('"hostname","ticking"'),
        'the host name',
        20,
        () => '',
      );
      const text = await words();
      assert.match(await virsh('guestinfo', NAME, '--hostname'), /ticking/);
      assert.ok(text.includes('"os.pretty-name","Tick OS 1"'), text);
      assert.ok(text.includes('["eth7","52:54:00:12:34:56","10.9.8.7/24","guest agent"]'), text);
    });

    it('run commands of the monitor', async () => {
      const { documents } = await run('monitorCommand', [id], { ask: ['info name'] });
      assert.equal(documents[0]?.text.trim(), NAME);
    });

    it('take snapshots and go back to them, ticking on', async () => {
      const snapshot = 'first \u00fc; $x';
      await run('snapshot', [id], { ask: [snapshot] });
      const taken = last();
      assert.ok((await virsh('snapshot-list', NAME, '--name')).includes(snapshot));
      await ticksOn(taken + 5);
      const mark = desk.terminal.text.length;
      await run('goBack', [`${id}#snapshot:${snapshot}`], { confirm: true });
      const again = (): number | undefined => ticksIn(desk.terminal.text.slice(mark)).at(-1);
      await eventually(() => (again() ?? Infinity) <= taken + 4, 'ticks from the snapshot on', 20);
      await ticksOn();
      await run('deleteSnapshot', [`${id}#snapshot:${snapshot}`], { confirm: true });
      assert.equal(await virsh('snapshot-list', NAME, '--name'), '');
    });

    it('keep less memory by their balloon, and limits on their disks', async () => {
      const large = await run('balloon', [id], { ask: ['1G'] });
      assert.match(large.refusals[0] ?? '', /at most 128 MiB/);
      await run('balloon', [id], { ask: ['96M'] });
      await eventually(async () => /current=98304/.test(await virsh('domstats', '--balloon', NAME)), 'the balloon', 20);
      await run('ioLimits', [`${id}#disk:vda`], { choose: ['Operations a second'], ask: ['500'] });
      assert.match(await virsh('blkdeviotune', NAME, 'vda'), /total_iops_sec\s*: 500/);
      assert.match(JSON.stringify(await provider.details(`${id}#disk:vda`, patience())), /"total_iops_sec","500"/);
      await run('pinVcpu', [id], { choose: ['vCPU 0'], chooseSeveral: ['Processor 1'] });
      assert.match(await virsh('vcpupin', NAME, '0'), /\b1$/);
      const desks = await run('autostart', [id]);
      assert.match(desks.told[0] ?? '', /starts with the host/);
      assert.match(await virsh('dominfo', NAME), /Autostart:\s+enable/);
    });

    it('dump their memory', async () => {
      const path = join(libvirt.folder, 'memory');
      await run('dumpMemory', [id], { choose: ['ELF core'], files: [path] });
      const head = Buffer.alloc(4);
      readSync(openSync(path, 'r'), head, 0, 4, 0);
      assert.equal(head.toString('latin1'), '\x7fELF');
      await ticksOn();
    });

    it('back their disks up', async () => {
      const folder = join(libvirt.folder, 'backup');
      mkdirSync(folder);
      await run('backup', [id], { files: [folder] });
      const [copy = ''] = readdirSync(folder);
      assert.match(copy, /-vda-.*\.qcow2$/);
      assert.ok(statSync(join(folder, copy)).size > 0);
    });

    it('are saved to a file and restored, ticking on', async () => {
      const path = join(libvirt.folder, 'saved');
      const before = last();
      await within(() => run('saveToFile', [id], { files: [path] }), 'stopped');
      assert.equal(await virsh('domstate', '--reason', NAME), 'shut off (saved)');
      await within(() => run('restoreFile', [], { files: [path] }), 'running');
      desk = await run('console', [id]);
      await ticksOn();
      assert.ok(last() > before);
    });

    it('are saved by libvirt and started from there', async () => {
      const before = last();
      await within(() => run('managedSave', [id]), 'stopped');
      assert.match(await virsh('dominfo', NAME), /Managed save:\s+yes/);
      await within(() => run('start', [id]), 'running');
      desk = await run('console', [id]);
      await ticksOn();
      assert.ok(last() > before);
    });

    it('hang with their daemon, and nobody waits longer than he likes', async () => {
      process.kill(libvirt.daemon.pid, 'SIGSTOP');
      try {
        const begun = Date.now();
        await assert.rejects(provider.children(DOMAINS, AbortSignal.timeout(500)));
        await assert.rejects(provider.details(id, AbortSignal.timeout(500)));
        assert.ok(Date.now() - begun < 3000);
      } finally {
        process.kill(libvirt.daemon.pid, 'SIGCONT');
      }
      assert.equal(row(await provider.children(DOMAINS, patience()), NAME).state, 'running');
    });

    it('survive the death of their daemon, which the tree hears of by itself', async () => {
      const losses = tree.losses.length;
      await libvirt.daemon.end('SIGKILL');
      await eventually(() => tree.losses.length > losses, 'the loss is told', 2);
      await assert.rejects(
        provider.children(DOMAINS, AbortSignal.timeout(5000)),
        /Start libvirtd|ended the connection/,
      );
      await tree.after(
        () => libvirt.start(),
        (rows) => row(rows, NAME).state === 'running',
        15_000,
      );
      await ticksOn(last(), 15);
    });

    it('migrate to another daemon, with progress and the way back out', async function () {
      this.timeout(180_000);
      const other = await start();
      try {
        await virsh('migrate-setspeed', NAME, '1');
        const abort = new AbortController();
        const script = new ScriptedDesk({ ask: [other.uri()], confirm: true });
        const given = provider.run('migrate', [id], {
          ...script.run(abort.signal),
          progress: (_, fraction) => fraction !== undefined && abort.abort(),
        });
        await assert.rejects(given, /given up/);
        assert.equal(await virsh('domstate', NAME), 'running');
        await ticksOn();
        await virsh('migrate-setspeed', NAME, '1000');
        const before = last();
        const there = new LibvirtProvider(parseUri(other.uri()));
        const fractions: number[] = [];
        await provider.run('migrate', [id], {
          ...new ScriptedDesk({ ask: [other.uri()], confirm: true }).run(),
          progress: (_, fraction) => void (fraction !== undefined && fractions.push(fraction)),
        });
        assert.equal(await other.virsh('domstate', NAME), 'running');
        assert.ok(!(await virsh('list', '--all', '--name')).includes(NAME));
        desk = await runOn(there, 'console', [id]);
        await ticksOn();
        assert.ok(last() > before);
        await runOn(there, 'migrate', [id], { ask: [libvirt.uri()], confirm: true });
        assert.equal(await virsh('domstate', NAME), 'running');
        there.dispose();
      } finally {
        await other.dispose();
      }
    });

    it('are cloned with their disks, and undefined', async () => {
      await within(() => run('destroy', [id], { confirm: true }), 'stopped');
      const rows = await tree.after(
        () => run('clone', [id], { ask: ['copy "2"; \u00fc'] }),
        (all) => all.some(({ label }) => label === 'copy "2"; \u00fc'),
      );
      const copy = row(rows, 'copy "2"; \u00fc');
      const xml = await virsh('dumpxml', copy.label);
      assert.match(xml, /copy__2____-disk\.qcow2/);
      assert.ok(!xml.includes('52:54:00:12:34:56'));
      assert.ok(statSync(join(images(), 'copy__2____-disk.qcow2')).size > 0);
      await tree.after(
        () => run('undefine', [copy.id, id], { confirm: true }),
        (all) => all.length === 0,
      );
      assert.equal(await virsh('list', '--all', '--name'), '');
    });
  });
});
