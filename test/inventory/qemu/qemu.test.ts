// The provider against a real QEMU (TCG), started from machine files and by hand: the tree equals what the monitor
// tells, each action's effect is seen through the monitor and reaches the tree by event within a second.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import type { MachineFile } from '../../../src/inventory/own/machine-file';
import { qemuProcesses } from '../../../src/inventory/qemu/processes';
import { type MachineFilesHost, QemuProvider } from '../../../src/inventory/qemu/provider';
import type { EngineEvent, Item } from '../../../src/inventory/provider';
import { attachGdb } from '../../../src/targets/gdb-remote/gdb-target';
import { Daemon, privateFolder, removeFolder } from '../../support/engines/daemon';
import { eventually, ScriptedDesk, type Script } from '../../support/engines/desk';
import { askMonitor, askQmp, runOnce, startQemu, tickingGuest, ticksIn } from '../../support/engines/qemu';
import { patience, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

const STRANGE = 'o\'clock "x" $(touch y); \u00fc, \u{1f600} & co';

describe('inventory: a real QEMU', function () {
  this.timeout(120_000);
  let folder: string;
  let qemu: string;
  let runtime: string | undefined;
  let provider: QemuProvider;
  let tree: WatchedTree;
  const daemons: Daemon[] = [];
  const opened: string[] = [];
  const told: EngineEvent[] = [];

  const host = (): MachineFilesHost => ({
    store: join(folder, 'store'),
    workspaceFiles: () => Promise.resolve([]),
    openFile: (path) => Promise.resolve(void opened.push(path)),
    onFilesChanged: () => ({ dispose: () => undefined }),
  });
  // Whatever else runs on this machine is no concern of these tests.
  const hidden = new Set<string>();
  const own = () =>
    qemuProcesses().filter(
      ({ args, line }) => args.some((argument) => argument.includes(basename(folder))) && !hidden.has(line.name ?? ''),
    );
  const machineFile = (name: string, content: object): string => {
    const path = join(folder, 'store', `${name}.vmxray.json`);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };

  before(async function () {
    this.timeout(300_000);
    qemu = requireLab(this, await lab.qemu()).command;
    const { command: qemuImg } = requireLab(this, await lab.qemuImg());
    const { kernel, initrd } = await tickingGuest(this);
    folder = privateFolder('qemu');
    runtime = process.env.XDG_RUNTIME_DIR;
    process.env.XDG_RUNTIME_DIR = folder;
    mkdirSync(join(folder, 'store'));
    await runOnce(qemuImg, ['create', '-q', '-f', 'qcow2', join(folder, 'disk.qcow2'), '64M']);
    const guest: MachineFile = {
      engine: 'qemu',
      kernel,
      initrd,
      cmdline: 'console=ttyS0 quiet mitigations=off',
      memory: '128M',
      labels: { tier: 'lab' },
      arguments: [
        '-drive',
        `file=${join(folder, 'disk.qcow2')},if=virtio,file.locking=off`,
        '-device',
        'virtio-balloon-pci',
      ],
    };
    machineFile('ticker', guest);
    machineFile('own one', { kernel });
    machineFile('broken', { ...guest, initrd: '/does/not/exist' });
    provider = new QemuProvider({ files: host(), processes: own });
    await provider.connect();
    provider.events((event) => told.push(event));
    const top = async (): Promise<readonly Item[]> =>
      (await provider.children(undefined, patience())).map((item) => ({ ...item, hasChildren: false }));
    tree = new WatchedTree({ children: top, watch: (onChange) => provider.watch(onChange) }, ['top']);
  });
  after(async () => {
    tree?.dispose();
    provider?.dispose();
    for (const daemon of daemons) await daemon.end('SIGKILL');
    for (const { pid } of folder ? own() : []) process.kill(pid, 'SIGKILL');
    if (folder) await removeFolder(folder);
    if (runtime === undefined) delete process.env.XDG_RUNTIME_DIR;
    else process.env.XDG_RUNTIME_DIR = runtime;
  });

  const run = async (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> => {
    const desk = new ScriptedDesk(script);
    await provider.run(action, ids, desk.run());
    return desk;
  };
  const rows = (): Promise<readonly Item[]> => provider.children(undefined, patience());
  const row = (all: readonly Item[], label: string): Item => {
    const found = all.find((one) => one.label === label);
    assert.ok(found, `${label} among ${all.map((one) => one.label).join(', ')}`);
    return found;
  };
  const ticker = (): string => `file:${join(folder, 'store', 'ticker.vmxray.json')}`;
  /** The ticker's second monitor, which the provider leaves alone. */
  const spare = (): string => {
    const line = own().find(({ line: { name } }) => name === 'ticker')?.line;
    const address = line?.monitors[1];
    assert.ok(address?.kind === 'unix');
    return address.path;
  };
  const status = async (): Promise<string> =>
    /VM status: (\S+)/.exec(await askMonitor(spare(), 'info status'))?.[1] ?? '';
  /** Waits until the machine has this state in the tree, told within a second. */
  const within = (action: () => Promise<unknown>, label: string, isSo: (item: Item) => boolean): Promise<Item[]> =>
    tree.after(action, (all) => isSo(row(all, label)));

  it('shows machine files that are its own, and what is wrong with them', async () => {
    const all = await rows();
    assert.deepEqual(
      all.map(({ label, state, description }) => [label, state, description]),
      [
        ['broken', 'failed', 'mistake in its file'],
        ['ticker', 'stopped', 'stopped'],
      ],
    );
    assert.deepEqual(row(all, 'ticker').actions, ['start', 'startDebug', 'edit']);
    assert.deepEqual(row(all, 'broken').actions, ['edit']);
    assert.equal(row(all, 'ticker').labels?.['tier'], 'lab');
    await assert.rejects(run('start', [row(all, 'broken').id]), /does not exist/);
    await run('edit', [ticker()]);
    assert.deepEqual(opened, [join(folder, 'store', 'ticker.vmxray.json')]);
  });

  it('starts a machine from its file, and hears of it', async () => {
    await within(
      () => run('start', [ticker()]),
      'ticker',
      ({ state }) => state === 'running',
    );
    assert.equal(await status(), 'running');
    const { version } = await askQmp<{ version: string }>(spare(), { execute: 'query-status' }).then(() =>
      lab.qemu().then((program) => program as { version: string }),
    );
    assert.match(version, new RegExp((await provider.connect()).replaceAll('.', '\\.')));
  });

  it('shows the vCPUs, disks and tables that the monitor tells', async () => {
    const parts = await provider.children(ticker(), patience());
    assert.deepEqual(
      parts.map(({ label }) => label),
      ['vCPU 0', 'Disks', 'Snapshots', 'Devices'],
    );
    const blocks = await askQmp<readonly { device: string }[]>(spare(), { execute: 'query-block' });
    const disks = await provider.children(`${ticker()}#disks`, patience());
    assert.deepEqual(
      disks.map(({ label }) => label),
      blocks.map(({ device }) => device),
    );
    assert.ok(disks.some(({ description }) => description === 'qcow2 \u00b7 64 MiB'));
    // A guest in its firmware changes the map of memory all the time.
    await askMonitor(spare(), 'stop');
    const lines = async (command: string): Promise<string[]> =>
      (await askMonitor(spare(), `info ${command}`)).replaceAll('\r', '').trimEnd().split('\n');
    for (const command of ['mtree', 'qtree', 'pci', 'network', 'block -v', 'roms']) {
      const [section] = await provider.details(`${ticker()}#table:${command}`, patience());
      assert.deepEqual(
        section?.rows.map(([line]) => line),
        await lines(command),
        command,
      );
    }
    for (const { id, label } of await provider.children(`${ticker()}#tables`, patience())) {
      const [section] = await provider.details(id, patience());
      assert.ok(section && section.rows.length > 0, label);
    }
    assert.deepEqual(await provider.details(`${ticker()}#table:quit`, patience()), []);
    const registers = await provider.details(`${ticker()}#cpu:0`, patience());
    assert.match(JSON.stringify(registers), /RIP=[0-9a-f]{16}|EIP=[0-9a-f]{8}/);
    await askMonitor(spare(), 'cont');
  });

  it('pauses, goes on and resets, seen by the monitor and told within a second', async () => {
    for (const [action, word, state] of [
      ['pause', 'paused', 'paused'],
      ['resume', 'running', 'running'],
    ] as const) {
      await within(
        () => run(action, [ticker()]),
        'ticker',
        (item) => item.state === state,
      );
      assert.equal(await status(), word);
    }
    const resets = (): number => told.filter(({ text }) => /RESET/.test(text)).length;
    await run('reset', [ticker()], { confirm: false });
    assert.equal(resets(), 0);
    await run('reset', [ticker()], { confirm: true });
    await eventually(() => resets() === 1, 'a RESET event', 1);
    await run('powerButton', [ticker()]);
    await eventually(() => told.some(({ text, item }) => /POWERDOWN/.test(text) && item === ticker()), 'POWERDOWN', 1);
  });

  it('hears of what others do', async () => {
    await within(
      () => askMonitor(spare(), 'stop'),
      'ticker',
      ({ description }) => /^paused/.test(description ?? ''),
    );
    await within(
      () => askMonitor(spare(), 'cont'),
      'ticker',
      ({ state }) => state === 'running',
    );
  });

  describe('with its serial line', () => {
    let desk: ScriptedDesk;
    const last = (): number => ticksIn(desk.terminal.text).at(-1) ?? 0;
    /** It ticks on from where it is, or from `from`. */
    const ticksOn = async (from = last()): Promise<void> =>
      eventually(
        () => last() > from,
        `ticks after ${from}`,
        30,
        () => desk.terminal.text.slice(-300),
      );

    it('opens a terminal, which shows what was sent and takes keys', async () => {
      desk = await run('console', [ticker()]);
      await ticksOn();
      const beside = await run('console', [ticker()]);
      desk.terminal.type('hello\n');
      await desk.terminal.shows(/HEARD: hello/, 20);
      await beside.terminal.shows(/TICK 1\r[^]*HEARD: hello/);
      beside.terminal.stream.dispose();
      await ticksOn();
    });

    it('ticks on over a pause', async () => {
      await run('pause', [ticker()]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const before = last();
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(last(), before);
      await run('resume', [ticker()]);
      await ticksOn();
    });

    it('takes snapshots, goes back to one and deletes it', async () => {
      const label = 'first "one"; \u00fc';
      await run('snapshot', [ticker()], { ask: [label] });
      const taken = last();
      const list = (): Promise<readonly Item[]> => provider.children(`${ticker()}#snapshots`, patience());
      const tags = async (): Promise<string> => askMonitor(spare(), 'info snapshots');
      assert.ok((await tags()).includes(label));
      const [snapshot] = await list();
      assert.equal(snapshot?.label, label);
      await ticksOn(taken + 5);
      const refused = await run('goBack', [snapshot.id], { confirm: false });
      assert.match(refused.confirmed[0]?.detail ?? '', /lost/);
      const mark = desk.terminal.text.length;
      await run('goBack', [snapshot.id], { confirm: true });
      const again = (): number | undefined => ticksIn(desk.terminal.text.slice(mark)).at(-1);
      // The count goes back to what it was, give or take what was on its way.
      await eventually(
        () => (again() ?? Infinity) <= taken + 4,
        'ticks from the snapshot on',
        20,
        () => `${taken}: ${desk.terminal.text.slice(mark - 50, mark + 300)}`,
      );
      await ticksOn();
      await run('snapshot', [ticker()], { ask: [label] }).then(({ refusals }) => assert.equal(refusals.length, 1));
      await run('deleteSnapshot', [snapshot.id], { confirm: true });
      assert.ok(!(await tags()).includes(label));
      assert.deepEqual(await list(), []);
      await assert.rejects(run('goBack', [snapshot.id], { confirm: true }), /no longer there/);
    });

    it('gives memory back by its balloon', async () => {
      const { refusals } = await run('balloon', [ticker()], { ask: ['much'] });
      assert.equal(refusals.length, 1);
      await run('balloon', [ticker()], { ask: ['96M'] });
      const actual = async (): Promise<string> => askMonitor(spare(), 'info balloon');
      await eventually(async () => /actual=96\b/.test(await actual()), 'the balloon', 20);
      await eventually(() => told.some(({ text }) => /BALLOON_CHANGE/.test(text)), 'the event', 2);
      const metrics = (await provider.metrics(ticker(), patience())) ?? [];
      assert.equal(metrics.find(({ name }) => name === 'Balloon')?.value, 96 * 2 ** 20);
      assert.ok(metrics.some(({ name }) => name === 'Disk read'));
    });

    it('migrates to a new process, with progress, and ticks on', async () => {
      const before = own().find(({ line: { name } }) => name === 'ticker')?.pid;
      const fractions: number[] = [];
      const script = new ScriptedDesk({ choose: ['A new QEMU process here'] });
      const progress = (_: string, fraction?: number): unknown => fraction !== undefined && fractions.push(fraction);
      await ticksOn();
      const at = last();
      const mark = desk.terminal.text.length;
      await tree.after(
        () => provider.run('migrate', [ticker()], { ...script.run(), progress }),
        (all) => row(all, 'ticker').state === 'running',
      );
      assert.ok(fractions.length > 0);
      const processes = own().filter(({ line: { name } }) => name === 'ticker');
      assert.equal(processes.length, 1);
      assert.notEqual(processes[0]?.pid, before);
      assert.equal(await status(), 'running');
      await ticksOn();
      // Not from the start: it is the same guest.
      assert.ok(last() > at);
      assert.ok(!desk.terminal.text.slice(mark).includes('TICK 1\r'));
      desk.terminal.type('still there\n');
      await desk.terminal.shows(/HEARD: still there/, 20);
    });

    it('gives a migration up, and the source ticks on', async () => {
      await askMonitor(spare(), 'migrate_set_parameter max-bandwidth 1M');
      const abort = new AbortController();
      const script = new ScriptedDesk({ choose: ['A new QEMU process here'] });
      const running = provider.run('migrate', [ticker()], {
        ...script.run(abort.signal),
        progress: (words, fraction) => {
          if (words === 'Migrating' && fraction !== undefined) abort.abort();
        },
      });
      await assert.rejects(running, /given up/);
      assert.equal(own().filter(({ line: { name } }) => name === 'ticker').length, 1);
      assert.equal(await status(), 'running');
      await ticksOn();
    });

    it('ends with the machine', async () => {
      await within(
        () => run('quit', [ticker()], { confirm: true }),
        'ticker',
        ({ state }) => state === 'stopped',
      );
      assert.deepEqual(own(), []);
      assert.match((await desk.terminal.ended) ?? '', /has ended/);
    });

    it('starts a machine for a debugger, before its first instruction', async () => {
      const desk = await run('startDebug', [ticker()]);
      const { gdb, qmp, kernel, type } = desk.debugged[0] as Record<string, string>;
      assert.equal(type, 'vmxray');
      assert.equal(qmp, spare());
      assert.match(kernel ?? '', /vmlinuz/);
      assert.match(await askMonitor(spare(), 'info status'), /prelaunch/);
      const target = await attachGdb({ gdb: gdb ?? '', kernel });
      const { rip } = await target.position(1);
      assert.equal(rip & 0xffffn, 0xfff0n);
      await target.dispose();
      await run('quit', [ticker()], { confirm: true });
    });
  });

  describe('started by hand', () => {
    let monitor: string;
    let other: string;
    let daemon: Daemon;
    let id: string;

    before(async () => {
      monitor = join(folder, 'it\'s, "a" socket $x');
      other = join(folder, 'second');
      const escaped = monitor.replaceAll(',', ',,');
      const args = ['-m', '64M', '-smp', '2', '-S', '-name', STRANGE.replaceAll(',', ',,')];
      args.push('-qmp', `unix:${escaped},server=on,wait=off`, '-qmp', `unix:${other},server=on,wait=off`);
      await tree.after(
        async () => daemons.push((daemon = await startQemu(qemu, args, folder, other))),
        (all) => all.some(({ label, state }) => label === STRANGE && state === 'paused'),
        2000,
      );
      ({ id } = row(await rows(), STRANGE));
    });

    it('is shown by its name, whatever that is', async () => {
      const all = await provider.children(id, patience());
      assert.equal(all.filter(({ kind }) => kind === 'vcpu').length, 2);
      await within(
        () => run('resume', [id]),
        STRANGE,
        ({ state }) => state === 'running',
      );
      assert.match(await askMonitor(other, 'info status'), /running/);
      assert.ok(!existsSync('y') && !existsSync(join(folder, 'y')));
    });

    it('tells its processor and memory', async () => {
      await provider.metrics(id, patience());
      await new Promise((resolve) => setTimeout(resolve, 500));
      const metrics = (await provider.metrics(id, patience())) ?? [];
      const named = Object.fromEntries(metrics.map((metric) => [metric.name, metric]));
      // A guest without a disk spins in its firmware.
      assert.ok((named['CPU']?.value ?? 0) >= 0 && named['CPU']?.limit === 2);
      assert.equal(named['Resident memory']?.limit, 64 * 2 ** 20);
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1];
      const shown = named['Resident memory']?.value ?? 0;
      assert.ok(Math.abs(shown - Number(resident) * 1024) < 8 * 2 ** 20, `${shown} and ${resident} kB`);
    });

    it('dumps its memory as an ELF core', async () => {
      const path = join(folder, 'memory.elf');
      const desk = await run('dumpMemory', [id], { choose: ['ELF core'], files: [path] });
      assert.match(desk.told[0] ?? '', /memory\.elf/);
      const head = Buffer.alloc(20);
      readSync(openSync(path, 'r'), head, 0, 20, 0);
      assert.equal(head.toString('latin1', 0, 4), '\x7fELF');
      assert.equal(head.readUInt16LE(16), 4);
      await assert.rejects(
        run('dumpMemory', [id], { choose: ['ELF core'], files: [join(folder, 'no', 'such')] }),
        /QEMU says|failed/,
      );
    });

    it('opens a gdb stub for a debugger, and leaves it a monitor', async () => {
      const desk = await run('attach', [id]);
      const configuration = desk.debugged[0] ?? {};
      assert.equal(configuration['type'], 'vmxray');
      assert.equal(configuration['request'], 'attach');
      assert.equal(configuration['qmp'], other);
      const [hostName = '', port] = String(configuration['gdb']).split(':');
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect({ host: hostName, port: Number(port) });
        socket.on('error', reject);
        socket.on('connect', () => socket.write('$qSupported#37'));
        let text = '';
        socket.on('data', (bytes) => {
          text += bytes.toString('latin1');
          if (!text.includes('PacketSize')) return;
          socket.destroy();
          resolve(text);
        });
      });
      assert.match(answer, /qXfer:features:read\+/);
      await run('resume', [id]);
    });

    it('is attached to by our debugger with what the provider gives it', async () => {
      const { debugged } = await run('attach', [id]);
      const { gdb, qmp } = debugged[0] as { gdb: string; qmp: string };
      const target = await attachGdb({ gdb, qmp });
      await assert.rejects(run('attach', [id]), /Another debugger is attached/);
      const { memoryBytes } = await target.describe();
      // The RAM, and what devices have of their own.
      assert.ok((memoryBytes ?? 0) >= 64 * 2 ** 20);
      assert.equal((await target.threads()).length, 2);
      await target.dispose();
      await run('resume', [id]);
    });

    it('hangs, and holds up no other', async () => {
      process.kill(daemon.pid, 'SIGSTOP');
      try {
        const begun = Date.now();
        const item = row(await rows(), STRANGE);
        assert.ok(Date.now() - begun < 4000);
        assert.match(item.description ?? '', /does not answer, was (running|paused)/);
        await assert.rejects(provider.details(`${id}#table:pci`, AbortSignal.timeout(300)));
      } finally {
        process.kill(daemon.pid, 'SIGCONT');
      }
      assert.match(row(await rows(), STRANGE).state ?? '', /running|paused/);
    });

    it('runs what the user types, and shows what it prints', async () => {
      const desk = await run('monitorCommand', [id], { ask: ['info name'] });
      assert.equal(desk.documents[0]?.text.trim(), STRANGE);
    });

    it('has no disk for snapshots, and says so', async () => {
      await assert.rejects(run('snapshot', [id], { ask: ['x'] }), /qcow2/);
    });

    it('migrates to one that waits, by the address in its command line', async () => {
      const target = join(folder, 'waits');
      const uri = `unix:${join(folder, 'incoming')}`;
      const args = ['-m', '64M', '-smp', '2', '-name', 'waiting', '-incoming', uri];
      args.push('-qmp', `unix:${target},server=on,wait=off`, '-qmp', `unix:${target}2,server=on,wait=off`);
      await tree.after(
        async () => daemons.push(await startQemu(qemu, args, folder, `${target}2`)),
        (all) => all.some(({ label, state }) => label === 'waiting' && state === 'changing'),
        2000,
      );
      await within(
        () => run('migrate', [id], { choose: ['waiting'] }),
        'waiting',
        ({ state }) => state === 'running',
      );
      assert.match(await askMonitor(other, 'info status'), /postmigrate/);
      assert.match(await askMonitor(`${target}2`, 'info status'), /running/);
      await assert.rejects(
        run('migrate', [row(await rows(), 'waiting').id], { choose: ['An address...'], ask: ['tcp:127.0.0.1:1'] }),
        /failed|refused/,
      );
    });

    it('killed in the midst of a menu is told as gone', async () => {
      await tree.after(
        () => daemon.end('SIGKILL'),
        (all) => all.every(({ label }) => label !== STRANGE),
      );
      await assert.rejects(run('pause', [id]), /no longer there/);
      await assert.rejects(provider.details(id, patience()), /no longer there/);
    });

    it('is left alone where somebody else has its monitor, until that one goes', async () => {
      const busy = join(folder, 'busy');
      const args = ['-m', '16M', '-S', '-name', 'busy', '-qmp', `unix:${busy},server=on,wait=off`];
      hidden.add('busy');
      daemons.push(await startQemu(qemu, args, folder, busy));
      const keeper = connect(busy);
      await new Promise((resolve) => keeper.once('data', resolve));
      hidden.clear();
      await eventually(
        async () => {
          const found = (await rows()).find(({ label }) => label === 'busy');
          return found?.facts?.some(({ value }) => /another program holds its monitor/.test(value)) === true;
        },
        'the row says who has it',
        8,
      );
      // The others answer meanwhile.
      assert.equal(row(await rows(), 'waiting').state, 'running');
      keeper.destroy();
      await eventually(async () => row(await rows(), 'busy').state === 'paused', 'it is shown once it is free', 12);
    });

    it('without a monitor is shown, and says what it needs', async () => {
      const args = ['-m', '16M', '-S', '-name', 'mute', '-pidfile', join(folder, 'pid')];
      const mute = async (): Promise<void> => {
        const pid = join(folder, 'mute-qmp');
        daemons.push(await startMute(qemu, args, pid));
      };
      await tree.after(
        mute,
        (all) => all.some(({ label, description }) => label === 'mute' && description === 'no QMP socket'),
        2000,
      );
      const mine = row(await rows(), 'mute');
      assert.deepEqual(mine.actions, []);
      assert.ok(mine.facts?.some(({ value }) => /-qmp unix:/.test(value)));
      await assert.rejects(run('pause', [mine.id]), /-qmp unix:/);
    });
  });

  it('is reached by an address of the settings, where no process can be seen', async () => {
    const away = privateFolder('far');
    const path = join(away, 'far');
    const far = new QemuProvider({ addresses: [{ kind: 'unix', path }], processes: () => [] });
    try {
      await far.connect();
      const [absent] = await far.children(undefined, patience());
      assert.equal(absent?.description, 'not reachable');
      const args = ['-m', '16M', '-S', '-qmp', `unix:${path},server=on,wait=off`];
      const watch = far.watch(() => undefined);
      daemons.push(await startQemu(qemu, args, away, path));
      let seen: Item | undefined;
      const state = async () => (seen = (await far.children(undefined, patience()))[0])?.state;
      const present = (): string => JSON.stringify(seen?.facts);
      await eventually(async () => (await state()) === 'paused', 'it is found', 10, present);
      await daemons.at(-1)?.end('SIGKILL');
      await eventually(async () => (await state()) === 'unknown', 'it is gone', 2);
      daemons.push(await startQemu(qemu, args, away, path));
      await eventually(async () => (await state()) === 'paused', 'it is found again', 10, present);
      watch.dispose();
    } finally {
      far.dispose();
      await daemons.at(-1)?.end('SIGKILL');
      await removeFolder(away);
    }
  });

  /** A QEMU without QMP; it is there when its pid file is. */
  async function startMute(command: string, args: readonly string[], name: string): Promise<Daemon> {
    const daemon = new Daemon([command, '-display', 'none', '-monitor', 'none', '-serial', 'none', ...args], folder);
    await daemon.start(async () => assert.ok(existsSync(join(folder, 'pid')), name));
    return daemon;
  }
});
