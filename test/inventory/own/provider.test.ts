// Our own machines as the tree gets them: real processes, a real guest, and a user who answers as the test says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnProvider } from '../../../src/inventory/own/provider';
import type { ActionRun, ByteStream, Choice, Desk, Item } from '../../../src/inventory/provider';

const PROGRAM = resolve('dist/src/cli/main.js');
const TOUR = resolve('test/guests/bin/tour.elf');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** A user who gives the answers that were laid out, in order. */
class User implements Desk {
  readonly asked: string[] = [];
  readonly terminals: ByteStream[] = [];
  readonly debugged: Readonly<Record<string, unknown>>[] = [];
  readonly compared: string[] = [];
  answers: unknown[] = [];

  private answer<T>(title: string): T {
    this.asked.push(title);
    assert.ok(this.answers.length > 0, `nobody said what to answer to "${title}"`);
    return this.answers.shift() as T;
  }

  confirm = async (question: string) => this.answer<boolean>(question);
  ask = async (title: string) => this.answer<string | undefined>(title);
  chooseFile = async (title: string) => this.answer<string | undefined>(title);
  openTerminal = (_title: string, stream: ByteStream) => void this.terminals.push(stream);
  openDocument = async () => {};
  editDocument = async () => {};
  tell = () => {};

  async choose<T>(title: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
    const label = this.answer<string>(title);
    const found = choices.find((choice) => choice.label === label);
    assert.ok(found, `${label} is none of ${choices.map((choice) => choice.label).join(', ')}`);
    return found.value;
  }

  async chooseSeveral<T>(): Promise<readonly T[] | undefined> {
    return undefined;
  }

  async compare(_title: string, _language: string, left: string, right: string): Promise<boolean> {
    this.compared.push(left, right);
    return false;
  }

  async debug(configuration: Readonly<Record<string, unknown>>): Promise<void> {
    this.debugged.push(configuration);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the provider of our own machines', function () {
  this.timeout(180_000);
  const places = ['XDG_RUNTIME_DIR', 'TMPDIR'] as const;
  const usual = places.map((name) => [name, process.env[name]] as const);
  const { signal } = new AbortController();
  let home: string;
  let store: string;
  let user: User;
  let provider: OwnProvider;

  const open = (): OwnProvider =>
    new OwnProvider({
      program: PROGRAM,
      version,
      store,
      templates: [],
      workspaceFiles: async () => [],
      workspaceFolders: () => [],
      openFile: async () => {},
      onFilesChanged: () => ({ dispose: () => {} }),
    });
  const rows = (parent?: string): Promise<readonly Item[]> => provider.children(parent);
  const row = async (label: string, parent?: string): Promise<Item> => {
    const all = await rows(parent);
    const found = all.find((item) => item.label === label);
    assert.ok(found, `${label} in ${all.map((item) => item.label).join(', ')}`);
    return found;
  };
  const run: () => ActionRun = () => ({ desk: user, signal, progress: () => {} });
  const act = async (action: string, item: Item, ...answers: unknown[]): Promise<void> => {
    user.answers = answers;
    assert.ok(item.actions.includes(action), `${action} in ${item.actions.join(', ')}`);
    await provider.run(action, [item.id], run());
    assert.deepEqual(user.answers, []);
  };
  const until = async (label: string, fits: (item: Item) => boolean): Promise<Item> => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
      const item = await row(label);
      if (fits(item)) return item;
    }
    throw new Error(`it stays ${JSON.stringify(await row(label))}`);
  };
  const spins = (name: string): void => {
    // A flat program that counts in memory for ever: inc word [0x1000]; jmp back.
    writeFileSync(join(home, 'spin.bin'), Buffer.from([0xff, 0x06, 0x00, 0x10, 0xeb, 0xfa]));
    const file = { kernel: join(home, 'spin.bin'), flat: '0x7c00:real16', memory: '4M' };
    writeFileSync(join(store, `${name}.vmxray.json`), JSON.stringify(file));
  };

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'vmxray-own-'));
    store = join(home, 'machines');
    mkdirSync(store);
    for (const name of places) process.env[name] = home;
    user = new User();
    provider = open();
    await provider.connect();
  });
  afterEach(async () => {
    for (const item of await rows())
      if (item.actions.includes('kill')) {
        user.answers = [true];
        await provider.run('kill', [item.id], run());
      }
    provider.dispose();
    for (const [name, value] of usual) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(home, { recursive: true, force: true });
  });

  it('creates a machine, runs it to its power-off, and shows what it said', async () => {
    user.answers = ['ELF kernel', TOUR, '64M', 'My tour'];
    await provider.run('create', [], run());
    const created = await row('My tour');
    assert.equal(created.state, 'stopped');
    assert.deepEqual(JSON.parse(readFileSync(join(store, 'My tour.vmxray.json'), 'utf8')), {
      kernel: TOUR,
      memory: '64M',
    });

    await act('startDebug', created);
    assert.equal(user.debugged[0]?.request, 'attach');
    const paused = await row('My tour');
    assert.equal(paused.description, 'paused at reset · 64 MiB');
    await act('console', paused);
    let said = '';
    user.terminals[0]!.onData((bytes) => (said += Buffer.from(bytes).toString()));

    const vcpu = await row('vCPU 0', paused.id);
    assert.match(vcpu.description ?? '', /ring 0 · rip 0x/);
    const devices = await rows((await row('Devices', paused.id)).id);
    assert.ok(
      devices.some(({ label }) => label.startsWith('uart')),
      JSON.stringify(devices.map(({ label }) => label)),
    );

    await act('resume', paused);
    await until('My tour', ({ state }) => state === 'stopped');
    assert.match(said, /RESULT pass/);
    const left = (): string[] => readdirSync(join(home, 'vmxray'));
    for (const deadline = Date.now() + 5000; left().length > 0 && Date.now() < deadline;) await sleep(20);
    assert.deepEqual(left(), [], 'its process has ended');
  });

  it('takes a snapshot, changes the machine, goes back, compares, suspends', async () => {
    spins('Spin');
    await act('start', await row('Spin'));
    await until('Spin', ({ state }) => state === 'running');
    await act('snapshot', await row('Spin'), 'First');
    await until('Spin', ({ state }) => state === 'running');
    await act('pause', await row('Spin'));
    const paused = await until('Spin', ({ state }) => state === 'paused');
    const [snapshot] = await rows((await row('Snapshots', paused.id)).id);
    assert.equal(snapshot?.label, 'First');

    await act('compare', snapshot, 'The machine as it is');
    const [left, right] = user.compared;
    assert.match(right!, /Memory: .* 1 page differ\n {2}guest-physical 0x1000-0x1fff \(1\)\n/);
    assert.match(right!, /Counters\n {2}instructions = \d+\n/);
    assert.doesNotMatch(right!, /not known/);
    assert.notEqual(left, right);

    const instructions = async (): Promise<string> =>
      (await row('vCPU 0', (await row('Spin')).id)).facts!.find(({ name }) => name === 'Instructions')!.value;
    const later = await instructions();
    await act('goBack', snapshot, true);
    const then = snapshot.facts!.find(({ name }) => name === 'Instructions')!.value;
    assert.equal(await instructions(), then);
    assert.notEqual(then, later);

    await act('suspend', await row('Spin'));
    const suspended = await row('Spin');
    assert.match(suspended.description ?? '', /^suspended/);
    await act('startDebug', suspended);
    assert.equal(await instructions(), then);

    await act('deleteSnapshot', snapshot, true);
    assert.ok(!(await rows((await row('Spin')).id)).some(({ label }) => label === 'Snapshots'));
    await act('clone', await row('Spin'), 'Twin');
    assert.equal((await row('Twin')).state, 'stopped');
    await act('delete', await row('Twin'), true);
    assert.equal(existsSync(join(store, 'Twin.vmxray.json')), false);
  });

  it('shows a machine whose process was killed as crashed, and one that survives its window as running', async () => {
    spins('Doomed');
    spins('Survivor');
    await act('start', await row('Doomed'));
    await act('start', await row('Survivor'));
    const pid = (item: Item): number => Number(item.facts!.find(({ name }) => name === 'Process')!.value);
    process.kill(pid(await row('Doomed')), 'SIGKILL');
    const crashed = await until('Doomed', ({ state }) => state === 'failed');
    assert.match(crashed.description ?? '', /^crashed/);
    assert.match(crashed.facts!.find(({ name }) => name === 'Crash')!.value, /SIGKILL|has ended/);
    assert.ok(crashed.actions.includes('start'));
    assert.equal((await row('Survivor')).state, 'running');

    const before = pid(await row('Survivor'));
    provider.dispose();
    provider = open();
    await provider.connect();
    const again = await row('Survivor');
    assert.deepEqual([pid(again), again.state], [before, 'running']);
  });

  it('tells a crash that no window saw', async () => {
    spins('Doomed');
    await act('start', await row('Doomed'));
    const pid = Number((await row('Doomed')).facts!.find(({ name }) => name === 'Process')!.value);
    provider.dispose();
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await sleep(5);
    provider = open();
    await provider.connect();
    assert.equal((await row('Doomed')).description?.split(' · ')[0], 'crashed');
  });

  it('says what is wrong with a machine file, and starts nothing', async () => {
    writeFileSync(join(store, 'Bad.vmxray.json'), JSON.stringify({ kernel: 'nothing.elf' }));
    const bad = await row('Bad');
    assert.deepEqual([bad.state, bad.actions.includes('start')], ['failed', false]);
    await assert.rejects(provider.run('start', [bad.id], run()), /nothing\.elf does not exist/);
    user.answers = [false];
    await provider.run('delete', [bad.id], run());
    assert.equal((await row('Bad')).label, 'Bad', 'a refusal deletes nothing');
    await act('chooseKernel', bad, TOUR);
    const good = await row('Bad');
    assert.deepEqual([good.state, good.actions.includes('start')], ['stopped', true]);
  });

  it('keeps within the share of a core that its file names, and tells its figures and events', async function () {
    if (process.platform !== 'linux') this.skip();
    spins('Slow');
    const path = join(store, 'Slow.vmxray.json');
    const file = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...file, coreShare: 0.2, hostMemory: '2G' }));
    const events: string[] = [];
    const listening = provider.events((event) => events.push(`${event.item === `file:${path}`} ${event.text}`));
    await act('start', await row('Slow'));
    const { id } = await until('Slow', ({ state }) => state === 'running');
    // Compiling and starting take their own share first.
    await sleep(2500);
    await provider.metrics(id);
    await sleep(2000);
    const metrics = (await provider.metrics(id))!;
    const of = (name: string) => metrics.find((metric) => metric.name === name)!;
    assert.equal(of('Processor').limit, 0.2);
    assert.ok(of('Processor').value < 0.3, `${of('Processor').value} of a core`);
    assert.ok(of('Instructions').value > 1e6, `${of('Instructions').value} instructions/s`);
    assert.equal(of('Memory of its process').limit, 2 ** 31);
    await act('pause', await row('Slow'));
    await until('Slow', ({ state }) => state === 'paused');
    listening.dispose();
    assert.deepEqual(events, ['true Runs.', 'true Paused.']);
  });

  it('pauses a machine whose process takes more memory than it may, and says so', async () => {
    spins('Large');
    const path = join(store, 'Large.vmxray.json');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), hostMemory: '64M' }));
    await act('start', await row('Large'));
    const why = ({ facts }: Item): string => facts!.find(({ name }) => name === 'Stopped')?.value ?? '';
    const paused = await until('Large', (item) => item.state === 'paused' && why(item) !== '');
    assert.match(why(paused), /takes \d+ MiB .* may take 64 MiB/);
  });

  it('leaves the old snapshots whole when the disk is full', async function () {
    const full = join(home, 'full');
    mkdirSync(full);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'vmxray-test', full]);
    if (mount.status !== 0) this.skip();
    try {
      provider.dispose();
      store = full;
      provider = open();
      await provider.connect();
      spins('Spin');
      await act('startDebug', await row('Spin'));
      await act('snapshot', await row('Spin'), 'Good');
      const snapshots = async (): Promise<readonly string[]> =>
        (await rows((await row('Snapshots', (await row('Spin')).id)).id)).map(({ label }) => label);
      const kept = (): readonly string[] => readdirSync(full, { recursive: true }).map(String).sort();
      const before = kept();
      writeFileSync(join(full, 'filler'), '');
      assert.throws(() => {
        for (;;) appendFileSync(join(full, 'filler'), Buffer.alloc(4096));
      }, /ENOSPC/);
      user.answers = ['Bad'];
      await assert.rejects(provider.run('snapshot', [(await row('Spin')).id], run()), /full/);
      rmSync(join(full, 'filler'));
      assert.deepEqual(kept(), before);
      assert.deepEqual(await snapshots(), ['Good']);
      const [good] = await rows((await row('Snapshots', (await row('Spin')).id)).id);
      await act('goBack', good!, true);
      assert.equal((await row('Spin')).state, 'paused');
      user.answers = [true];
      await provider.run('kill', [(await row('Spin')).id], run());
    } finally {
      provider.dispose();
      spawnSync('umount', [full]);
      store = join(home, 'machines');
      provider = open();
      await provider.connect();
    }
  });

  it('does one thing at a time to a machine', async () => {
    spins('Spin');
    const item = await row('Spin');
    const first = provider.run('start', [item.id], run());
    await assert.rejects(provider.run('start', [item.id], run()), /already: wait for it/);
    assert.deepEqual([(await row('Spin')).state, (await row('Spin')).actions], ['changing', []]);
    await first;
    await until('Spin', ({ state }) => state === 'running');
  });
});
