// The door for gdb, seen from a socket: machines in this process, requests and answers.
import assert from 'node:assert/strict';
import { layoutOf, type Architecture } from '../../src/gdb/register-layout';
import { Machine } from '../../src/machine/machine';
import { sampleGuests } from '../machine/runs';
import { TestDebugger } from '../targets/debugger';
import { CODE, DATA, END, tiny } from '../targets/own-machine/tiny';
import { frame, serve, type TestClient, type TestServer } from './client';

const ORIGIN = 0x7c00;

/** A debugger at a flat real-mode program. */
function realMode(...bytes: readonly number[]): TestDebugger {
  const make = (onSerial: (byte: number) => void): Machine =>
    new Machine({
      kernel: Uint8Array.from(bytes),
      boot: { format: 'flat', flat: { address: ORIGIN, mode: 'real16' } },
      memoryBytes: 4 << 20,
      onSerial,
    });
  return TestDebugger.at(make, { name: 'real', kernel: 'real', memoryBytes: 4 << 20, bare: false });
}

const tour = (): TestDebugger => TestDebugger.of(sampleGuests.find(({ name }) => name === 'tour')!);

const littleEndian = (value: bigint, bytes: number): string =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
    .reverse()
    .toString('hex');
const valueOf = (digits: string): bigint => BigInt(`0x${Buffer.from(digits, 'hex').reverse().toString('hex')}`);

/** The number of a register by its name. */
function numberOf(name: string, architecture: Architecture = 'x86-64'): string {
  const found = layoutOf(architecture).registers.findIndex((one) => one.name === name);
  assert.ok(found >= 0, name);
  return found.toString(16);
}

const MONITOR = 'monitor'; // a line that the stand-in console repeats

describe('gdb server', () => {
  const servers: TestServer[] = [];
  const guests: TestDebugger[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map(({ server }) => server.close()));
    // A debugger that goes lets its guest go on: without an end it would take half of every later test's time.
    await Promise.all(guests.splice(0).map(({ target }) => target.dispose()));
  });

  async function open(guest: TestDebugger, changes: Parameters<typeof serve>[1] = {}): Promise<TestServer> {
    const opened = await serve(guest, changes);
    servers.push(opened);
    guests.push(guest);
    return opened;
  }

  async function connect(guest: TestDebugger, changes: Parameters<typeof serve>[1] = {}): Promise<TestClient> {
    return (await open(guest, changes)).connect();
  }

  const read = async (client: TestClient, name: string): Promise<bigint> =>
    valueOf(await client.ask(`p${numberOf(name)}`));

  describe('how a debugger begins', () => {
    it('as gdb does: features, no acknowledgements, description, threads', async () => {
      const client = await connect(tiny('f4 hlt'));
      const features = await client.ask('qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386;error-message+');
      for (const feature of ['PacketSize=4000', 'qXfer:features:read+', 'qXfer:memory-map:read+', 'error-message+'])
        assert.ok(features.split(';').includes(feature), feature);
      assert.equal(client.signs, '+');
      assert.equal(await client.ask('vMustReplyEmpty'), '');
      assert.equal(await client.ask('QStartNoAckMode'), 'OK');
      client.signs = '';
      const answers: readonly [string, string | RegExp][] = [
        ['!', ''],
        ['Hg0', 'OK'],
        ['Hc-1', 'OK'],
        ['Hg1', 'OK'],
        ['Hg2', /^E/],
        ['Hg', /^E/],
        ['T1', 'OK'],
        ['T2', /^E/],
        ['qTStatus', ''],
        ['?', /^T05.*thread:1;$/],
        ['qfThreadInfo', 'm1'],
        ['qsThreadInfo', 'l'],
        ['qC', 'QC1'],
        ['qAttached', '1'],
        ['qSymbol::', 'OK'],
        ['qOffsets', ''],
        ['vCont?', 'vCont;c;C;s;S;t;r'],
        ['qXfer:features:read:other.xml:0,ff', /^E/],
        ['qXfer:threads:read::0,ff', ''],
        ['qXfer:memory-map:read::0,fff', /^l<\?xml.*<memory type="ram"/s],
        ['vFile:open:2f,0,0', ''],
        ['R00', ''],
        ['i', ''],
        ['', ''],
      ];
      for (const [request, answer] of answers) {
        if (typeof answer === 'string') assert.equal(await client.ask(request), answer, request);
        else assert.match(await client.ask(request), answer, request);
      }
      const extra = Buffer.from(await client.ask('qThreadExtraInfo,1'), 'hex').toString();
      assert.equal(extra, 'vCPU 0, 64-bit mode, ring 0');
      assert.equal(client.signs, '');
    });

    it('acknowledges until it is told not to, asks for what is damaged, and repeats what was', async () => {
      const client = await connect(tiny('f4 hlt'));
      client.isSilent = true;
      assert.equal(await client.ask('qC'), 'QC1');
      client.raw('-');
      assert.equal(await client.next(), 'QC1');
      client.raw('$qC#00');
      client.raw(frame('qC'));
      assert.equal(await client.next(), 'QC1');
      assert.equal(client.signs, '+-+');
    });

    it('a running guest stops for it', async () => {
      const guest = tiny('ebfe jmp 0x100000');
      const opened = await open(guest, { keepsStopped: false });
      await guest.target.resume(1, { kind: 'continue' });
      const client = await opened.connect();
      assert.match(await client.ask('?'), /^T02/);
      assert.equal((await guest.target.state()).running, false);
    });

    it('one at a time; who does not speak the protocol is let go', async () => {
      const opened = await open(tiny('f4 hlt'));
      const first = await opened.connect();
      assert.equal(await first.ask('qC'), 'QC1');
      const second = await opened.connect();
      await second.closed();
      assert.match(opened.log.join(), /second debugger was refused/);
      assert.equal(await first.ask('qC'), 'QC1');
      await first.leave();
      const page = await opened.connect();
      page.raw(`POST / HTTP/1.1\r\n\r\n${frame('k')}`);
      await page.closed();
      assert.match(opened.log.join(), /does not speak the gdb remote protocol/);
      assert.equal(await (await opened.connect()).ask('qC'), 'QC1');
    });
  });

  describe('registers', () => {
    const guests: readonly [name: string, make: () => TestDebugger][] = [
      ['real mode', () => realMode(0xf4)],
      ['32-bit protected mode', () => TestDebugger.of(sampleGuests.find(({ name }) => name === 'protected32')!)],
      ['64-bit mode', () => tiny('f4 hlt')],
    ];
    for (const [mode, make] of guests) {
      for (const architecture of ['x86-64', 'i386', 'i8086'] as const) {
        it(`${mode}, told to be ${architecture}: \`g\` is what the description says, and every \`p\` its part`, async () => {
          const client = await connect(make(), { architecture });
          let xml = '';
          for (let piece = 'm'; piece.startsWith('m'); xml += piece.slice(1))
            piece = await client.ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},7d0`);
          const described = [...xml.matchAll(/<reg name="(\w+)" bitsize="(\d+)" type="\w+" regnum="(\d+)"/g)];
          const all = await client.ask('g');
          let at = 0;
          for (const [index, [, name, bits, number]] of described.entries()) {
            assert.equal(Number(number), index);
            const digits = Number(bits) / 4;
            assert.equal(await client.ask(`p${index.toString(16)}`), all.slice(at, (at += digits)), name);
          }
          assert.equal(at, all.length);
          assert.match(await client.ask(`p${described.length.toString(16)}`), /^E/);
          // Nothing has changed, so nothing is written: also what is read-only is taken.
          assert.equal(await client.ask(`G${all}`), 'OK');
          assert.equal(await client.ask('g'), all);
        });
      }
    }

    it('are all the target has under their names', async () => {
      const guest = tiny('f4 hlt');
      for (const architecture of ['x86-64', 'i386', 'i8086'] as const)
        for (const { group, source, bits } of layoutOf(architecture).registers) {
          const found = (await guest.target.registers(1, group)).find(({ name }) => name === source);
          const isWhole = bits >= (found?.bits ?? Infinity) || source === 'RFLAGS' || /^F[ID]P$/.test(source);
          assert.ok(found && (architecture !== 'x86-64' || isWhole), source);
        }
    });

    it('are written, one and all', async () => {
      const client = await connect(tiny('f4 hlt'));
      const write = (name: string, value: bigint, bytes = 8): Promise<string> =>
        client.ask(`P${numberOf(name)}=${littleEndian(value, bytes)}`);
      assert.equal(await write('rax', 0x1122334455667788n), 'OK');
      assert.equal(await read(client, 'rax'), 0x1122334455667788n);
      assert.equal(await write('xmm3', 1n << 100n, 16), 'OK');
      assert.equal(await read(client, 'xmm3'), 1n << 100n);
      assert.equal(await write('st0', 0x3fff8000000000000000n, 10), 'OK');
      assert.equal(await read(client, 'st0'), 0x3fff8000000000000000n);
      const all = await client.ask('g');
      const changed = littleEndian(0xfeedn, 8) + all.slice(16);
      assert.equal(await client.ask(`G${changed}`), 'OK');
      assert.equal(await client.ask('g'), changed);
      for (const [name, value, bytes] of [
        ['rip', 1n << 63n, 8],
        ['cr0', 0n, 8],
        ['rax', 0n, 4],
        ['fctrl', 0x10000n, 4],
      ] as const)
        assert.match(await write(name, value, bytes), /^E[0-9a-f]{2}$/, name);
      for (const request of ['P', 'P0', 'P0=', 'P=00', 'Pff=00', 'Gff', 'G', 'p', 'pzz', 'p80000000'])
        assert.match(await client.ask(request), /^E[0-9a-f]{2}$/, request);
      assert.equal(await client.ask('g'), changed);
      assert.match(await client.ask('qSupported:error-message+'), /error-message/);
      assert.match(await write('rip', 1n << 63n), /^E\.RIP cannot be 0x8000000000000000: it is not canonical/);
    });

    it('a low half leaves the high one', async () => {
      const guest = tiny('f4 hlt');
      const client = await connect(guest, { architecture: 'i386' });
      await guest.target.writeRegister(1, 'General', 'RAX', 0x1111_2222_3333_4444n);
      assert.equal(await client.ask(`P0=${littleEndian(0x5555n, 4)}`), 'OK');
      assert.equal(guest.register(0), 0x1111_2222_0000_5555n);
    });
  });

  describe('memory', () => {
    it('is read and written, as digits and as bytes', async () => {
      const guest = tiny('f4 hlt');
      const client = await connect(guest);
      const at = DATA.toString(16);
      assert.equal(await client.ask(`M${at},4:01020304`), 'OK');
      assert.equal(await client.ask(`m${at},6`), '010203040000');
      assert.equal(await client.ask(`X${at},0:`), 'OK');
      assert.equal(await client.ask(`X${at},5:}\x03}\x04}]}\x0a\x03`), 'OK');
      assert.equal(await client.ask(`m${at},5`), '23247d2a03');
      assert.equal(await client.ask(`m${at},0`), '');
      assert.equal((await client.ask(`m${at},7fffffff`)).length, 0x4000 - 8);
      for (const request of [`M${at},4:0102`, `M${at},1`, `X${at},2:a`, 'm', 'm,', 'm0', `m${at},80000000`, 'mzz,1'])
        assert.equal(await client.ask(request), 'E16', request);
      // Nothing is mapped there.
      for (const request of ['mffff800000000000,4', 'mdead000000000000,1', 'Mffff800000000000,1:00'])
        assert.equal(await client.ask(request), 'E0e', request);
    });

    it('is guest-physical if the debugger says so as it says it to QEMU', async () => {
      const guest = tour();
      const client = await connect(guest);
      assert.equal(await client.ask('qqemu.PhyMemMode'), '0');
      assert.equal(await client.ask('Qqemu.PhyMemMode:1'), 'OK');
      assert.equal(await client.ask('qqemu.PhyMemMode'), '1');
      assert.equal(await client.ask('M2000000,2:beef'), 'E0e'); // the guest has 32 MiB
      assert.equal(await client.ask('M1ffffff,1:be'), 'OK');
      assert.equal(await client.ask('m1ffffff,4'), 'be');
      assert.match(await client.ask('qXfer:memory-map:read::0,fff'), /start="0xfec00000"/);
      for (const value of ['', '2', '01']) assert.equal(await client.ask(`Qqemu.PhyMemMode:${value}`), 'E16', value);
      assert.equal(await client.ask('Qqemu.PhyMemMode:0'), 'OK');
    });

    it('has regions, for lldb', async () => {
      const client = await connect(tiny('f4 hlt'));
      assert.match(await client.ask('qMemoryRegionInfo:100000'), /^start:0;size:[0-9a-f]+;permissions:rwx;$/);
      assert.equal(await client.ask('qMemoryRegionInfo:ffff800000000000'), 'start:ffff800000000000;size:7fffffffffff;');
      assert.equal(await client.ask('qMemoryRegionInfo:'), 'E16');
    });
  });

  describe('running', () => {
    it('steps, by both packets', async () => {
      const client = await connect(tiny(`90 nop\n90 nop\n90 nop\n90 nop${END}`));
      assert.match(await client.ask('s'), /^T05/);
      assert.match(await client.ask('vCont;s:1'), /^T05.*10:0200/);
      assert.match(await client.ask(`s${CODE.toString(16)}`), /^T05/);
      assert.equal(await read(client, 'rip'), CODE + 1n);
      assert.match(await client.ask(`vCont;r${CODE.toString(16)},${(CODE + 3n).toString(16)}:1;c`), /^T05/);
      assert.equal(await read(client, 'rip'), CODE + 3n);
      for (const request of ['vCont;x', 'vCont;', 'vCont;s:2', 'szz']) assert.equal(await client.ask(request), 'E16');
      assert.equal(await client.ask('vCont'), '');
      assert.equal(await client.ask('c'), 'W00');
      await client.closed();
    });

    it('breaks and watches, and says what was met', async () => {
      const guest = tiny(`
        c70425000020002a000000 mov dword [0x200000], 42
        8b042500002000 mov eax, [0x200000]
        90 nop${END}`);
      const client = await connect(guest);
      await client.ask('qSupported:swbreak+;hwbreak+');
      const at = (offset: bigint): string => (CODE + offset).toString(16);
      assert.equal(await client.ask(`Z2,200002,1`), 'OK');
      assert.match(await client.ask('vCont;c'), /^T05.*thread:1;watch:200002;$/);
      assert.equal(await read(client, 'rip'), CODE + 11n);
      assert.equal(await client.ask('z2,200002,1'), 'OK');
      assert.equal(await client.ask('Z3,200000,4'), 'OK');
      assert.match(await client.ask('c'), /rwatch:200000;$/);
      assert.equal(await client.ask('z3,200000,4'), 'OK');
      assert.equal(await client.ask(`Z0,${at(18n)},1`), 'OK');
      assert.equal(await client.ask(`P${numberOf('rip')}=${littleEndian(CODE, 8)}`), 'OK');
      assert.match(await client.ask('C05'), /swbreak:;$/);
      assert.equal(await client.ask(`z0,${at(18n)},1`), 'OK');
      assert.equal(await client.ask(`Z1,${at(19n)},1`), 'OK');
      assert.match(await client.ask('c'), /hwbreak:;$/);
      for (const request of ['Z5,0,1', 'Z0', 'Z2,0,0', 'Z2,0,200000', 'Z2,ffffffffffffffff,2', 'z9,0,0'])
        assert.match(await client.ask(request), /^E/, request);
      assert.equal(await client.ask('c'), 'W2a');
    });

    it('is interrupted', async () => {
      const client = await connect(tiny('ebfe jmp 0x100000'));
      client.raw(frame('vCont;c'));
      client.raw('\x03');
      assert.match(await client.next(), /^T02/);
      client.raw('\x03');
      assert.match(await client.ask('s'), /^T05/);
      client.raw(frame('vCont;c'));
      client.raw(frame('vCont;c'));
      assert.match(await client.next(), /^E01/);
      client.raw(frame('vCont;t'));
      assert.match(await client.next(), /^T02/);
      assert.match(await client.ask('vCont;t'), /^T02/);
    });

    it('stops at linear addresses in a code segment with a base', async () => {
      // jmp 0x700:0xc05; nop; hlt
      const client = await connect(realMode(0xea, 0x05, 0x0c, 0x00, 0x07, 0x90, 0x90, 0x90, 0xf4));
      await client.ask('qSupported:swbreak+');
      assert.equal(await client.ask('Z0,7c05,1'), 'OK');
      // gdb would ignore a `swbreak` that is not at RIP.
      assert.match(await client.ask('c'), /10:050c000000000000;thread:1;$/);
      assert.equal(await read(client, 'cs_base'), 0x7000n);
      assert.match(await client.ask('vCont;rc05,c08:1'), /^T05.*10:080c/);
    });

    it('ends in a triple fault: the state stays, and what happened is said', async () => {
      // lidt [0x7c06] with limit 0; int3
      const client = await connect(realMode(0x0f, 0x01, 0x1e, 0x06, 0x7c, 0xcc, 0, 0, 0, 0, 0, 0));
      assert.match(await client.ask('c'), /^T0b/);
      assert.match(client.said, /triple fault/i);
      assert.equal(await read(client, 'rip'), 0x7c05n);
      assert.match(await client.ask('s'), /^T0b/);
      assert.match(client.said, /cannot go on/);
      assert.match(await client.ask('?'), /^T0b/);
    });
  });

  describe('monitor', () => {
    const ask = (client: TestClient, line: string): Promise<string> =>
      client.ask(`qRcmd,${Buffer.from(line).toString('hex')}`);

    it('shows what the console says', async () => {
      const client = await connect(tiny('f4 hlt'));
      assert.equal(await ask(client, MONITOR), 'OK');
      assert.equal(client.said, `heard ${MONITOR}\n`);
      assert.equal(await client.ask('qRcmd,0'), 'E16');
    });

    it('however long that is', async () => {
      const long = 'ä'.repeat(30_000);
      const client = await connect(tiny('f4 hlt'), { monitor: () => Promise.resolve(long) });
      assert.equal(await ask(client, MONITOR), 'OK');
      assert.equal(Buffer.from(client.said, 'utf8').length > 60_000 && client.said.endsWith('ä\n'), true);
    });

    it('a bug of ours is said, and the session goes on', async () => {
      const monitor = (): Promise<string> => Promise.reject(new Error('made up'));
      const opened = await open(tiny('f4 hlt'), { monitor });
      const client = await opened.connect();
      assert.equal(await ask(client, MONITOR), 'E01');
      assert.match(opened.log.join(), /bug of VMXray's.*made up/s);
      assert.equal(await client.ask('qC'), 'QC1');
    });
  });

  describe('how a debugger leaves', () => {
    it('detaches: the guest goes on, without its breakpoints', async () => {
      const guest = tiny(`90 nop\n90 nop${END}`);
      const opened = await open(guest);
      const client = await opened.connect();
      assert.equal(await client.ask(`Z0,${(CODE + 1n).toString(16)},1`), 'OK');
      assert.equal(await client.ask('D'), 'OK');
      await client.closed();
      const end = await opened.server.over;
      assert.equal(end.kind === 'ended' && end.end.reason, 'debug exit');
    });

    it('goes away without a word: the guest stays, and the next one finds it', async () => {
      const guest = tiny('90 nop\nebfe jmp 0x100001');
      const opened = await open(guest);
      const first = await opened.connect();
      assert.match(await first.ask('s'), /^T05/);
      assert.equal(await first.ask(`Z0,${(CODE + 1n).toString(16)},1`), 'OK');
      await first.leave();
      const second = await opened.connect();
      assert.match(await second.ask('?'), /^T05.*10:0100/);
      second.raw(frame('c'));
      second.raw('\x03');
      assert.match(await second.next(), /^T02/);
    });

    it('or the guest goes on, if it was running before', async () => {
      const guest = tiny(`90 nop\n90 nop${END}`);
      const opened = await open(guest, { keepsStopped: false });
      const client = await opened.connect();
      assert.match(await client.ask('s'), /^T05/);
      await client.leave();
      const end = await opened.server.over;
      assert.equal(end.kind, 'ended');
    });

    for (const request of ['k', 'vKill;1'])
      it(`ends the guest: ${request}`, async () => {
        const opened = await open(tiny('f4 hlt'));
        const client = await opened.connect();
        if (request === 'k') client.raw(frame('k'));
        else assert.equal(await client.ask(request), 'OK');
        assert.deepEqual(await opened.server.over, { kind: 'killed' });
        await client.closed();
      });

    it('a crash is over when nobody looks at it any more', async () => {
      const opened = await open(realMode(0x0f, 0x01, 0x1e, 0x06, 0x7c, 0xcc, 0, 0, 0, 0, 0, 0));
      const client = await opened.connect();
      assert.match(await client.ask('c'), /^T0b/);
      await client.leave();
      const end = await opened.server.over;
      assert.equal(end.kind === 'ended' && end.end.reason, 'triple fault');
    });
  });
});
