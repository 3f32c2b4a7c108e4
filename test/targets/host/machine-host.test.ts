// A machine's host and its clients over a real socket, in one process: the target is scripted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import {
  CLONE_VERSION,
  frame,
  FrameReader,
  jsonFrame,
  MAX_FRAME_BYTES,
  readJson,
} from '../../../src/targets/host/frames';
import { HostClient } from '../../../src/targets/host/host-client';
import { hostedMachine } from '../../../src/targets/host/hosted-machine';
import { hostMachine, type MachineHost } from '../../../src/targets/host/machine-host';
import { METHODS } from '../../../src/targets/host/methods';
import { makePrivateFolder } from '../../../src/targets/host/private-folder';
import { newMachineId } from '../../../src/targets/host/registry';
import type { BreakpointSet, Target, TargetEvent } from '../../../src/targets/target';
import { ScriptedTarget } from './scripted-target';

const VERSION = '1.2.3';
const HELLO = { product: 'vmxray', version: VERSION, clone: CLONE_VERSION };
const codeAt = (id: number, linear: bigint): BreakpointSet => ({
  code: [{ id, linear }],
  data: [],
  events: [],
  addressSpaces: false,
});

describe('machine host', () => {
  let home: string;
  let folder: string;
  let machine: ScriptedTarget;
  let host: MachineHost;

  const start = async (options: { keep?: boolean; graceMs?: number } = {}): Promise<void> => {
    machine = new ScriptedTarget();
    const id = newMachineId();
    host = await hostMachine(machine, { version: VERSION, folder, id, keep: false, graceMs: 5000, ...options });
  };

  /** One more client, and the events that it hears. */
  const debug = async (): Promise<{ target: Target; events: TargetEvent[]; kinds(): string[] }> => {
    const client = await HostClient.connect(host.entry.socket, VERSION);
    const target = hostedMachine(client, host.entry, { folder, id: host.entry.id, kill: () => {} });
    const events: TargetEvent[] = [];
    target.onEvent((event) => events.push(event));
    return { target, events, kinds: () => events.map(({ kind }) => kind) };
  };

  /** Sends raw bytes; resolves to what came back when the host hangs up, or after an answer. */
  const sendRaw = async (...chunks: Buffer[]): Promise<Buffer> => {
    const socket = connect(host.entry.socket);
    const heard: Buffer[] = [];
    socket.on('data', (data) => heard.push(data));
    socket.on('error', () => {});
    for (const chunk of chunks) socket.write(chunk);
    await once(socket, 'close');
    return Buffer.concat(heard);
  };

  const firstFrameOf = (bytes: Buffer): unknown => {
    const reader = new FrameReader(MAX_FRAME_BYTES);
    reader.push(bytes);
    const first = reader.next();
    return first && readJson(first);
  };

  before(() => {
    home = mkdtempSync(join(tmpdir(), 'vmxray-host-'));
    folder = makePrivateFolder([join(home, 'vmxray')]);
  });
  afterEach(async () => {
    await host.close('the test is over');
  });
  after(() => rmSync(home, { recursive: true }));

  it('carries calls, answers and events', async () => {
    await start();
    const { target, events } = await debug();
    assert.equal((await target.describe()).name, 'scripted.elf');
    assert.equal((await target.position(1)).linear, 0xffff_fff0n);
    assert.equal(await target.lastExit(1), undefined);
    assert.equal(await target.writeMemory(1, 'linear', 2n, Uint8Array.of(7, 8)), 2);
    assert.deepEqual(await target.readMemory(1, 'linear', 0n, 4), Uint8Array.of(0, 0, 7, 8));
    await target.resume(1, { kind: 'continue' });
    machine.emit({ kind: 'serial', bytes: Uint8Array.of(72, 105) });
    await target.pause();
    await target.state();
    assert.deepEqual(events, [
      { kind: 'running' },
      { kind: 'serial', bytes: Uint8Array.of(72, 105) },
      { kind: 'stopped', thread: 1, stop: { reason: 'pause' } },
    ]);
  });

  it('answers a resume before the stop that follows', async () => {
    await start();
    const { target } = await debug();
    const order: string[] = [];
    const stopped = new Promise<void>((resolve) =>
      target.onEvent(({ kind }) => {
        order.push(kind);
        if (kind === 'stopped') resolve();
      }),
    );
    await target.resume(1, { kind: 'step' }).then(async () => {
      for (let hop = 0; hop < 20; hop++) await Promise.resolve();
      order.push('answered');
    });
    await stopped;
    assert.deepEqual(order, ['answered', 'running', 'stopped']);
  });

  it("tells users' mistakes from bugs", async () => {
    await start();
    const { target } = await debug();
    await target.resume(1, { kind: 'continue' });
    await assert.rejects(target.resume(1, { kind: 'step' }), {
      name: 'UserError',
      code: 'target/running',
      message: 'It runs.',
    });
    await assert.rejects(target.writeRegister(1, 'General', 'bug', 1n), (error: Error) => {
      assert.equal(error.name, 'Error');
      assert.equal(error.message, 'a bug in writeRegister');
      assert.match(error.stack ?? '', /TypeError: a bug[^]*writeRegister[^]*in the machine's process/);
      return true;
    });
  });

  it('keeps the breakpoints of several debuggers apart', async () => {
    await start();
    const [a, b] = [await debug(), await debug()];
    await a.target.setBreakpoints(codeAt(1, 0x1000n));
    await b.target.setBreakpoints(codeAt(1, 0x2000n));
    const [first, second] = machine.breakpoints.code;
    assert.deepEqual([first?.linear, second?.linear], [0x1000n, 0x2000n]);
    assert.notEqual(first?.id, second?.id);
    // The id that stays is the same for the machine, which counts its hits by it.
    await a.target.setBreakpoints({ ...codeAt(1, 0x1000n), addressSpaces: true });
    assert.equal(machine.breakpoints.code[0]?.id, first?.id);
    assert.equal(machine.breakpoints.addressSpaces, true);

    machine.emit({ kind: 'stopped', thread: 1, stop: { reason: 'breakpoint', linear: 0x2000n, ids: [second!.id] } });
    machine.emit({ kind: 'log', id: first!.id, text: 'met' });
    const [stopOfA, stopOfB] = await Promise.all([a, b].map(async ({ target }) => (await target.state()).stop));
    assert.deepEqual([stopOfA?.ids, stopOfB?.ids], [[], [1]]);
    assert.match(stopOfA?.note ?? '', /Another debugger/);
    assert.equal(stopOfB?.note, undefined);
    assert.deepEqual([a.kinds(), b.kinds()], [['stopped', 'log'], ['stopped']]);

    await assert.rejects(b.target.setBreakpoints(codeAt(1, 0xbadn)), { code: 'breakpoint/bad' });
    await a.target.setBreakpoints(codeAt(5, 0x3000n));
    assert.deepEqual(
      machine.breakpoints.code.map(({ linear }) => linear),
      [0x3000n, 0x2000n],
    );
    await b.target.detach();
    await a.target.state();
    assert.deepEqual(
      machine.breakpoints.code.map(({ linear }) => linear),
      [0x3000n],
    );
  });

  it("says other debuggers' edits, runs and stops", async () => {
    await start();
    const [a, b] = [await debug(), await debug()];
    await a.target.writeRegister(1, 'General', 'RAX', 1n);
    await a.target.resume(1, { kind: 'step' });
    await Promise.all([a.target.state(), b.target.state()]);
    assert.deepEqual(a.kinds(), ['running', 'stopped']);
    assert.deepEqual(b.kinds(), ['edited', 'running', 'stopped']);
  });

  it('refuses too much at once, and goes on', async () => {
    await start();
    const { target } = await debug();
    await assert.rejects(target.readMemory(1, 'physical', 1n, MAX_FRAME_BYTES + 1), { code: 'host/too-large' });
    await assert.rejects(target.writeMemory(1, 'physical', 1n, new Uint8Array(MAX_FRAME_BYTES)), {
      code: 'host/too-large',
    });
    assert.equal((await target.threads()).length, 1);
  });

  describe('calls of the wrong shape', () => {
    const ring: { kind: string; of?: unknown } = { kind: 'dereference' };
    ring.of = ring;
    const cases: readonly [string, ...unknown[]][] = [
      ['toString'],
      ['__proto__'],
      ['onEvent', 1],
      ['describe', 1],
      ['position', '1'],
      ['position', 1.5],
      ['resume', 1, { kind: 'fly' }],
      ['resume', 1, { kind: 'runTo', linear: [1] }],
      ['setBreakpoints', undefined],
      ['setBreakpoints', { ...codeAt(1, 1n), code: [{ id: 1, linear: 5 }] }],
      ['setBreakpoints', { ...codeAt(1, 1n), code: [{ id: 1, linear: 5n, condition: ring }] }],
      ['evaluate', 1, { kind: 'constant', value: 1n, type: { bits: 7, signed: false } }],
      ['evaluate', 1, { kind: 'in', of: { kind: 'register', name: 'rax' }, among: [{ kind: 'hasOwnProperty' }] }],
      ['writeMemory', 1, 'linear', 0n, [1, 2]],
      ['readMemory', 1, 'outer space', 0n, 1],
      ['walk', 1, 'physical', 0n, 'read'],
    ];
    for (const [method, ...args] of cases) {
      it(`${method}(${args.map((arg) => (arg === undefined ? '' : typeof arg)).join(', ')})`, async () => {
        await start();
        const client = await HostClient.connect(host.entry.socket, VERSION);
        await assert.rejects(client.call(method, args), { code: 'host/call' });
        await client.call('threads', []);
        client.close();
      });
    }
  });

  it('knows every method of a target', () => {
    const own = ['onEvent', 'detach', 'dispose'];
    const ofOurMachines = ['writeDevice', 'saveSnapshot', 'pressPowerButton'];
    const all = new Set([
      ...ofOurMachines,
      ...Object.getOwnPropertyNames(ScriptedTarget.prototype),
      ...Object.keys(new ScriptedTarget()),
    ]);
    for (const method of METHODS) assert.ok(all.has(method), method);
    assert.equal(new Set([...METHODS, ...own]).size, METHODS.length + own.length);
  });

  describe('what is no client', () => {
    const cases: Readonly<Record<string, readonly Buffer[]>> = {
      'text of another protocol': [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
      zeros: [Buffer.alloc(64)],
      'a length without an end': [Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3])],
      'a clone before the hello': [frame(serialize({ id: 1, method: 'dispose', args: [] }))],
      'another product': [jsonFrame({ ...HELLO, product: 'other' })],
      'no object': [jsonFrame(null)],
      'garbage after the hello': [jsonFrame(HELLO), frame(Buffer.from('garbage'))],
      'a value that is no request': [jsonFrame(HELLO), frame(serialize([1, 2, 3]))],
      'too long a frame after the hello': [jsonFrame(HELLO), Buffer.from([1, 0, 0, 4])],
    };
    for (const [name, chunks] of Object.entries(cases)) {
      it(name, async () => {
        await start();
        const { target } = await debug();
        await sendRaw(...chunks);
        assert.equal((await target.describe()).name, 'scripted.elf');
      });
    }

    it('1,000 mutations of a good conversation', async () => {
      await start();
      const { target } = await debug();
      const good = Buffer.concat([
        jsonFrame(HELLO),
        frame(serialize({ id: 1, method: 'readMemory', args: [1, 'linear', 0n, 16] })),
        frame(serialize({ id: 2, method: 'sendSerial', args: [Uint8Array.of(1, 2, 3)] })),
      ]);
      const isHelloOnly = jsonFrame(HELLO).length;
      let seed = 1;
      const next = (below: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 1) % below;
      for (let round = 0; round < 50; round++) {
        const batch = Array.from({ length: 20 }, () => {
          const bytes = Buffer.from(good);
          const from = next(2) ? isHelloOnly : 0;
          for (let n = 1 + next(4); n > 0; n--) bytes[from + next(bytes.length - from)] = next(256);
          return bytes;
        });
        await Promise.all(
          batch.map(async (bytes) => {
            const socket = connect(host.entry.socket);
            socket.on('error', () => {}).on('data', () => {});
            socket.end(bytes);
            await once(socket, 'close');
          }),
        );
      }
      assert.equal((await target.describe()).name, 'scripted.elf');
    });
  });

  it('refuses other versions with a sentence', async () => {
    await start();
    await assert.rejects(HostClient.connect(host.entry.socket, '9.9.9'), {
      code: 'host/version',
      message: /started by VMXray 1\.2\.3, and this is VMXray 9\.9\.9/,
    });
    const refusal = firstFrameOf(await sendRaw(jsonFrame({ ...HELLO, clone: 1 }))) as { code: string };
    assert.equal(refusal.code, 'host/engine');
  });

  describe('lives as long as it should', () => {
    const cases: readonly [
      string,
      { keep: boolean; end: 'detach' | 'drop' | 'none'; isOff?: boolean; lives: boolean },
    ][] = [
      ['nobody ever came', { keep: false, end: 'none', lives: false }],
      ['kept, nobody ever came', { keep: true, end: 'none', lives: true }],
      ['the client went without a word', { keep: false, end: 'drop', lives: false }],
      ['the client detached', { keep: false, end: 'detach', lives: true }],
      ['kept, the client went without a word', { keep: true, end: 'drop', lives: true }],
      ['detached, and its guest powered off', { keep: false, end: 'detach', isOff: true, lives: false }],
    ];
    for (const [name, { keep, end, isOff, lives }] of cases) {
      it(`${name}: ${lives ? 'stays' : 'ends'}`, async () => {
        await start({ keep, graceMs: 40 });
        if (end !== 'none') {
          const client = await HostClient.connect(host.entry.socket, VERSION);
          if (end === 'detach') await client.call('detach', []);
          client.close();
          await client.over;
        }
        if (isOff)
          machine.emit({
            kind: 'stopped',
            thread: 1,
            stop: { reason: 'ended', end: { reason: 'powered off', text: '' } },
          });
        await new Promise((resolve) => setTimeout(resolve, 150));
        assert.equal(machine.disposed, !lives);
        assert.equal(existsSync(join(folder, `${host.entry.id}.json`)), lives);
        if (!lives) assert.equal(await host.over, 'Nobody was there.');
      });
    }

    it('ends when nobody can find it any more', async () => {
      await start({ keep: true });
      rmSync(join(folder, `${host.entry.id}.json`));
      assert.equal(await host.over, 'Nobody could find it any more.');
    });

    it('stays while a client is there', async () => {
      await start({ graceMs: 40 });
      const { target } = await debug();
      await new Promise((resolve) => setTimeout(resolve, 120));
      await target.describe();
      assert.equal(machine.disposed, false);
    });
  });

  it("ends with one debugger's word, and tells the others how far it had come", async () => {
    await start();
    const [a, b] = [await debug(), await debug()];
    machine.instructions = 1234;
    const closed = new Promise<TargetEvent>((resolve) => b.target.onEvent(resolve));
    await a.target.dispose();
    assert.equal(machine.disposed, true);
    assert.deepEqual(await closed, {
      kind: 'closed',
      reason: 'Another debugger ended it.',
      last: { instructions: 1234, ticks: 2468, exits: 1 },
    });
    assert.deepEqual(a.events, []);
    await assert.rejects(b.target.describe(), { code: 'host/gone', message: /^The machine is gone: Another debugger/ });
    await assert.rejects(a.target.describe(), { code: 'host/gone' });
  });
});
