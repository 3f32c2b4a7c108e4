// Machines in processes of their own: real processes, real guests.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isWeighedBySession } from '../../src/cli/host-priority';
import { attachHosted, launchHosted, type HostLaunch } from '../../src/targets/host/launch';
import { listMachines } from '../../src/targets/host/registry';
import type { MachineSettings } from '../../src/targets/machine-settings';
import type { Target, TargetEvent } from '../../src/targets/target';
import { guest, PROGRAM, startVmxray, vmxray } from './vmxray';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const HOW: HostLaunch = { program: PROGRAM, version };
/** Fields of `stat` and scheduling policies: proc(5), sched(7). */
const [NICE_FIELD, POLICY_FIELD] = [19, 41];
const [SCHED_OTHER, SCHED_IDLE] = ['0', '5'];
const TOUR: MachineSettings = { kernel: guest('tour'), memory: '16M' };

/** The events of a target, and a way to wait for one. */
class Events {
  readonly all: TargetEvent[] = [];
  private waiting: (() => void)[] = [];

  constructor(target: Target) {
    target.onEvent((event) => {
      this.all.push(event);
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  async next<K extends TargetEvent['kind']>(kind: K, from = 0): Promise<Extract<TargetEvent, { kind: K }>> {
    for (;;) {
      const found = this.all.slice(from).find((event) => event.kind === kind);
      if (found) return found as Extract<TargetEvent, { kind: K }>;
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const goneWithin = async (pid: number, ms: number): Promise<boolean> => {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((tick) => setTimeout(tick, 20)))
    if (!isAlive(pid)) return true;
  return false;
};

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

describe('vmxray host', () => {
  // Where machines are listed: another session's must not be met.
  const places = ['XDG_RUNTIME_DIR', 'TMPDIR'] as const;
  const usual = places.map((name) => [name, process.env[name]] as const);
  let home: string;
  let folder: string;
  const targets: Target[] = [];

  const launch = async (settings = TOUR, how = HOW): Promise<Target> => {
    const target = await launchHosted(settings, 'free', how);
    targets.push(target);
    return target;
  };
  const attach = async (machine?: string): Promise<Target> => {
    const target = await attachHosted(machine, version);
    targets.push(target);
    return target;
  };
  const onlyPid = async (): Promise<number> => (await listMachines())[0]!.pid;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'vmxray-host-'));
    folder = join(home, 'vmxray');
    for (const name of places) process.env[name] = home;
  });
  afterEach(async () => {
    await Promise.all(targets.splice(0).map((target) => target.dispose()));
    for (const [name, value] of usual) setVariable(name, value);
    rmSync(home, { recursive: true });
  });

  it('launches, steps, reads memory, runs to the end, and leaves nothing behind', async () => {
    const target = await launch();
    const events = new Events(target);
    const pid = await onlyPid();
    const before = await target.position(1);
    await target.resume(1, { kind: 'step' });
    assert.deepEqual((await events.next('stopped')).stop.reason, 'step');
    const after = await target.position(1);
    assert.equal(after.instructions, before.instructions + 1);
    // PVH starts at the first instruction of the guest, whose bytes are in the file.
    const code = Buffer.from(await target.readMemory(1, 'linear', before.linear, 16));
    assert.ok(readFileSync(guest('tour')).includes(code));

    const from = events.all.length;
    await target.resume(1, { kind: 'continue' });
    const { stop } = await events.next('stopped', from);
    assert.equal(stop.reason === 'ended' && stop.end.reason, 'powered off');
    const spoken = events.all.flatMap((event) => (event.kind === 'serial' ? [...event.bytes] : []));
    assert.match(Buffer.from(spoken).toString(), /RESULT pass/);
    await target.dispose();
    assert.equal(isAlive(pid), false);
    assert.deepEqual(readdirSync(folder), []);
    await assert.rejects(target.state(), { code: 'host/gone' });
  });

  it('gives the same sentences for what is wrong with the settings', async () => {
    const cases: readonly [Partial<MachineSettings>, string][] = [
      [{ kernel: '/does/not/exist' }, 'file/ENOENT'],
      [{ memory: 'lots' }, 'memory/syntax'],
      [{ seed: '-1' }, 'seed/syntax'],
    ];
    await Promise.all(
      cases.map(([wrong, code]) => assert.rejects(launch({ ...TOUR, ...wrong }), { name: 'UserError', code })),
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it('says when the program is another version, or does not start', async () => {
    await assert.rejects(launch(TOUR, { ...HOW, version: '9.9.9' }), { code: 'host/version' });
    await assert.rejects(launch(TOUR, { ...HOW, program: '/does/not/exist.js' }), {
      code: 'host/start',
      message: /did not start: its process \d+ ended with exit code 1: Error: Cannot find module/,
    });
    assert.deepEqual(readdirSync(folder), []);
  });

  it('says when the JavaScript engine runs out of memory', async () => {
    const options = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = '--max-old-space-size=8';
    try {
      await assert.rejects(launch(), {
        code: 'host/start',
        message: /because its JavaScript engine ran out of memory: FATAL/,
      });
    } finally {
      setVariable('NODE_OPTIONS', options);
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  it('takes two debuggers at once, by name and by process id', async () => {
    const first = await launch();
    const second = await attach(String(await onlyPid()));
    const third = await attach('tour.elf');
    const [heard, alsoHeard] = [new Events(second), new Events(third)];
    await first.resume(1, { kind: 'step' });
    await Promise.all([heard.next('stopped'), alsoHeard.next('stopped')]);
    assert.deepEqual(await second.position(1), await first.position(1));
    await assert.rejects(attach('other.elf'), { code: 'host/unknown', message: /one of tour\.elf \(\d+\)/ });
    await first.dispose();
    const { reason, last } = await heard.next('closed');
    assert.equal(reason, 'Another debugger ended it.');
    assert.equal(last.instructions, 1);
  });

  it('outlives a debugger that detaches', async () => {
    const first = await launch(TOUR, { ...HOW, graceMs: 100 });
    await first.resume(1, { kind: 'step' });
    const pid = await onlyPid();
    await first.detach();
    assert.equal(await goneWithin(pid, 300), false);
    const again = await attach();
    assert.equal((await again.position(1)).instructions, 1);
    await again.dispose();
    assert.equal(await goneWithin(pid, 1000), true);
    await assert.rejects(attach(), { code: 'host/none' });
  });

  it('is less urgent than others while its guest runs, and as urgent while it is stopped', async function () {
    if (process.platform !== 'linux') return this.skip();
    // jmp $
    const kernel = join(home, 'busy.bin');
    writeFileSync(kernel, Uint8Array.of(0xeb, 0xfe));
    const target = await launch({ kernel, flat: '0x7c00:real16', memory: '16M' });
    const place = `/proc/${await onlyPid()}`;
    /** A field of all its threads' `stat`, of which the third follows the name: proc(5). */
    const ofThreads = (field: number): (string | undefined)[] =>
      readdirSync(`${place}/task`).map(
        (thread) =>
          readFileSync(`${place}/task/${thread}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[field - 3],
      );
    const soon = async (holds: () => boolean, what: () => string): Promise<void> => {
      for (const end = Date.now() + 5000; Date.now() < end; await new Promise((tick) => setTimeout(tick, 50)))
        if (holds()) return;
      assert.fail(what());
    };
    const autogroup = (): string => readFileSync(`${place}/autogroup`, 'utf8');
    const becomes = async (nice: string): Promise<void> => {
      if (existsSync(`${place}/autogroup`)) await soon(() => autogroup().endsWith(` nice ${nice}\n`), autogroup);
    };
    await becomes('0');
    await target.resume(1, { kind: 'continue' });
    await becomes('10');
    const nices = ofThreads(NICE_FIELD);
    assert.ok(nices.length > 1 && nices.every((nice) => nice === '10'), nices.join(' '));
    const hasChrt = spawnSync('chrt', ['--version']).status === 0;
    const policy = isWeighedBySession() && hasChrt ? SCHED_IDLE : SCHED_OTHER;
    const policies = (): (string | undefined)[] => ofThreads(POLICY_FIELD);
    await soon(
      () => policies().every((one) => one === policy),
      () => policies().join(' '),
    );
    await target.pause();
    await becomes('0');
    await target.dispose();
  });

  it('tells of a killed process, with the counters that it had last', async () => {
    const target = await launch();
    const events = new Events(target);
    await target.resume(1, { kind: 'step' });
    await events.next('stopped');
    await target.state();
    const pid = await onlyPid();
    const cut = target.readMemory(1, 'physical', 0n, 16).then(
      () => 'answered',
      (error: Error) => error.message,
    );
    process.kill(pid, 'SIGKILL');
    const { reason, last } = await events.next('closed');
    assert.equal(reason, `its process ${pid} was killed by SIGKILL.`);
    assert.equal(last.instructions, 1);
    assert.match(await cut, /^(answered|The machine is gone: .*)$/);
    await assert.rejects(target.position(1), { code: 'host/gone', message: /killed by SIGKILL/ });
    assert.deepEqual(await listMachines(), []);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('tells of an asked end', async () => {
    const target = await launch();
    const events = new Events(target);
    const pid = await onlyPid();
    process.kill(pid, 'SIGTERM');
    assert.equal((await events.next('closed')).reason, 'its process got SIGTERM.');
    assert.equal(await goneWithin(pid, 1000), true);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('ends by itself when its launcher is killed', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, [${JSON.stringify(PROGRAM)}, 'host'], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
      child.send({ version: '${version}', settings: { kernel: ${JSON.stringify(resolve(guest('tour')))}, memory: '16M' }, pace: 'free', keep: false, graceMs: 200, folder: ${JSON.stringify(folder)}, id: '00000001' });
      child.once('message', (report) => { process.stdout.write(report.kind); });`;
    mkdirSync(folder, { mode: 0o700 });
    const launcher = execFile(process.execPath, ['-e', script]);
    const [said] = (await once(launcher.stdout!, 'data')) as [string];
    assert.equal(said, 'ready');
    launcher.kill('SIGKILL');
    // Its files go last; the process itself may stay in the system's table, since nobody asks for its exit code.
    for (const end = Date.now() + 3000; Date.now() < end && readdirSync(folder).length > 0;)
      await new Promise((tick) => setTimeout(tick, 20));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('drops what dead machines have left, and believes no other file', async () => {
    mkdirSync(folder, { mode: 0o700 });
    const entry = (id: string, changes: object = {}): string =>
      JSON.stringify({
        ...{ id, name: 'x.elf', kernel: '/x.elf', pid: 1, socket: join(folder, `${id}.sock`), started: '', version },
        ...changes,
      });
    const dead = createServer();
    await new Promise<void>((listening) => dead.listen(join(folder, '0000000a.sock'), listening));
    writeFileSync(join(folder, '0000000a.json'), entry('0000000a'));
    assert.equal((await listMachines()).length, 1);
    dead.close();
    writeFileSync(join(folder, '0000000a.log'), 'the end');
    writeFileSync(join(folder, '0000000b.json'), 'garbage');
    writeFileSync(join(folder, '0000000c.json'), entry('0000000c', { socket: '/etc/passwd' }));
    writeFileSync(join(folder, '0000000d.json'), entry('0000000d', { pid: 'one' }));
    assert.deepEqual(await listMachines(), []);
    assert.deepEqual(readdirSync(folder).sort(), ['0000000b.json', '0000000c.json', '0000000d.json']);
  });

  it('refuses a folder that others can enter', async () => {
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o755);
    await assert.rejects(launch(), { code: 'host/folder', message: /is open to other users: .*chmod 700/ });
  });

  it('started by hand: is listed, waits, and ends when told to', async () => {
    const { child, ended } = startVmxray('host', '--kernel', guest('hello'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(String(line), `hello.elf waits for a debugger: attach to ${child.pid}\n`);
    const { output } = await vmxray('machines');
    assert.match(output, new RegExp(`^${child.pid} .*hello\\.elf\n$`));
    const target = await attach(String(child.pid));
    assert.equal((await target.state()).instructions, 0);
    await target.detach();
    child.kill('SIGTERM');
    assert.deepEqual(await ended(), { code: 143, output: String(line), errors: '' });
    assert.equal(existsSync(folder) && readdirSync(folder).length, 0);
  });
});
