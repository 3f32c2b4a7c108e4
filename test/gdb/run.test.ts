// `vmxray run --gdb` from the outside.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { architectureFor } from '../../src/cli/gdb/architecture';
import type { Stats } from '../../src/cli/stats';
import { guest, vmxray } from '../cli/vmxray';
import { frame, TestClient } from './client';
import { openDoor } from './program';

describe('vmxray run --gdb', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-gdb-'))));
  after(() => rmSync(folder, { recursive: true }));
  const flat = (name: string, ...bytes: readonly number[]): string[] => {
    const file = join(folder, name);
    writeFileSync(file, Uint8Array.from(bytes));
    return ['--kernel', file, '--flat', '0x7c00:real16'];
  };

  describe('refuses', () => {
    const cases: readonly [args: readonly string[], sentence: RegExp][] = [
      [['--stop'], /--stop is about a debugger/],
      [['--gdb-arch', 'i386'], /--gdb-arch is about a debugger/],
      [['--gdb', '0.0.0.0:1234'], /on this computer alone: write 127\.0\.0\.1:1234/],
      [['--gdb', '127.0.0.1'], /not a place to listen at/],
      [['--gdb', '127.0.0.1:65536'], /not a place to listen at/],
      [['--gdb', '127.0.0.1:0', '--gdb-arch', 'mips'], /one of x86-64, i386, i8086/],
      [['--gdb', '127.0.0.1:0', '--max-instructions', '5'], /leave --max-instructions out/],
    ];
    for (const [args, sentence] of cases) {
      it(args.join(' '), async () => {
        const { code, errors } = await vmxray('run', '--kernel', guest('hello'), ...args);
        assert.match(errors, sentence);
        assert.equal(code, 2);
      });
    }

    it('a port that is taken', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((listening) => other.once('listening', listening));
      const { port } = other.address() as AddressInfo;
      const { code, errors } = await vmxray('run', '--kernel', guest('hello'), '--gdb', `127.0.0.1:${port}`);
      other.close();
      assert.match(errors, /cannot be listened on \(.*EADDRINUSE.*\): choose another one/);
      assert.equal(code, 2);
    });
  });

  it('without a debugger the guest runs to its end', async () => {
    const door = await openDoor('--kernel', guest('hello'));
    const { code, output } = await door.ended();
    assert.match(output, /^Hello from 32-bit protected mode\n/);
    assert.equal(code, 0);
  });

  it('a debugger leaves no trace: breakpoints, watches, steps and looks, and the same state in the end', async () => {
    const run = async (name: string, debug?: (client: TestClient) => Promise<void>): Promise<[Stats, string]> => {
      const stats = join(folder, name);
      const args = ['--kernel', guest('tour'), '--stats', stats];
      const door = debug ? await openDoor(...args, '--stop') : undefined;
      if (door) {
        const client = await TestClient.connect(door.port);
        await debug!(client);
        assert.equal(await client.ask('vCont;c'), 'W00');
      }
      const { code, output } = door ? await door.ended() : await vmxray('run', ...args);
      assert.equal(code, 0);
      return [JSON.parse(readFileSync(stats, 'utf8')) as Stats, output];
    };
    const [plain, plainOutput] = await run('plain');
    const [debugged, output] = await run('debugged', async (client) => {
      const entry = /10:([0-9a-f]+)/.exec(await client.ask('?'))![1]!;
      assert.equal(await client.ask('Z0,100110,1'), 'OK'); // put_char
      for (let times = 0; times < 5; times++) {
        assert.match(await client.ask('vCont;c'), /^T05.*10:1001100000000000/);
        await client.ask('g');
        await client.ask('m100000,1000');
        for (let steps = 0; steps < 20; steps++) assert.match(await client.ask('vCont;s:1'), /^T05/);
        assert.match(await client.ask('vCont;r100110,10012a:1'), /^T05/);
      }
      assert.equal(await client.ask('z0,100110,1'), 'OK');
      assert.equal(await client.ask('Z2,106000,8'), 'OK');
      assert.equal(await client.ask('z2,106000,8'), 'OK');
      assert.equal(entry.length, 16);
    });
    assert.equal(output, plainOutput);
    const { stateHash, instructions, ticks, exits, endReason } = plain;
    assert.deepEqual({ ...debugged, stateHash, instructions, ticks, exits, endReason }, debugged);
  });

  it('monitor speaks to the debug console', async () => {
    const door = await openDoor('--kernel', guest('tour'), '--stop');
    const client = await TestClient.connect(door.port);
    const monitor = async (line: string): Promise<string> => {
      client.said = '';
      assert.equal(await client.ask(`qRcmd,${Buffer.from(line).toString('hex')}`), 'OK');
      return client.said;
    };
    assert.match(await monitor('help'), /walk ADDRESS[^]*memmap/);
    assert.match(await monitor('help walk'), /walk/);
    assert.match(await monitor('info'), /protected mode, 32-bit[^]*_start/);
    assert.match(await monitor('wlak 0'), /walk/);
    assert.equal(await client.ask('Z0,101b3b,1'), 'OK');
    assert.match(await client.ask('c'), /^T05/);
    assert.match(await monitor('info'), /64-bit mode[^]*kmain/);
    assert.match(await monitor('p $rip'), /101b3b/);
    client.raw(frame('k'));
    const { code, errors } = await door.ended();
    assert.equal(code, 0, errors);
  });

  it('a crash ends the run with its sentence, once the debugger has left', async () => {
    // lidt [0x7c06] with limit 0; int3
    const door = await openDoor(...flat('crash', 0x0f, 0x01, 0x1e, 0x06, 0x7c, 0xcc, 0, 0, 0, 0, 0, 0), '--stop');
    const client = await TestClient.connect(door.port);
    assert.match(await client.ask('c'), /^T0b/);
    assert.equal(await client.ask('m7c05,1'), 'cc');
    assert.equal(await client.ask(`qRcmd,${Buffer.from('dis').toString('hex')}`), 'OK');
    assert.match(client.said, /0x7c05 +cc +int3/);
    assert.equal(await client.ask('D'), 'OK');
    const { code, errors } = await door.ended();
    assert.match(errors, /triple fault/i);
    assert.equal(code, 1);
  });

  it('a signal ends it, debugger or not', async () => {
    const door = await openDoor(...flat('loop', 0xeb, 0xfe), '--stop');
    const client = await TestClient.connect(door.port);
    client.raw(frame('c'));
    door.child.kill('SIGTERM');
    assert.equal((await door.ended()).code, 143);
    await client.closed();
  });

  it('gdb is told what the kernel is', () => {
    const elf = (kind: number): Uint8Array => Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, kind]);
    const linux = (flags: number): Uint8Array => {
      const head = Buffer.alloc(0x238);
      head.write('HdrS', 0x202);
      head[0x236] = flags;
      return head;
    };
    const cases = [
      [elf(1), 'i386'],
      [elf(2), 'x86-64'],
      [linux(0), 'i386'],
      [linux(0x7f), 'x86-64'],
      [new Uint8Array(0), 'x86-64'],
    ] as const;
    for (const [head, architecture] of cases) assert.equal(architectureFor(head), architecture);
  });
});
