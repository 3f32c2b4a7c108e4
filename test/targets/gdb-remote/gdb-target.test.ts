// The client of the gdb remote protocol against a stub whose answers are made up: what goes wrong on the wire ends in a
// sentence, in time, and leaves nothing hanging.
import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { UserError } from '../../../src/common/errors';
import { attachGdb, type GdbTarget } from '../../../src/targets/gdb-remote/gdb-target';
import type { Stop, TargetEvent } from '../../../src/targets/target';
import { DESCRIPTION, plainStub, ScriptedStub, type Script } from './scripted-stub';

const TIMEOUT_MS = 1000;
const NO_BREAKPOINTS = { code: [], data: [], events: [], addressSpaces: false };
/** The plain stub with some answers of its own. */
const instead =
  (own: Readonly<Record<string, string | readonly string[] | undefined>>): Script =>
  (request) => {
    const found = Object.keys(own).find((prefix) => request.startsWith(prefix));
    return found === undefined ? plainStub(request) : own[found];
  };

describe('a target behind a gdb stub', function () {
  this.timeout(20_000);
  let stub: ScriptedStub;
  let target: GdbTarget | undefined;
  const events: TargetEvent[] = [];
  let resumed = 0;

  async function attached(script?: Script): Promise<GdbTarget> {
    stub = await ScriptedStub.listen(script);
    target = await attachGdb({ gdb: stub.place, timeoutMs: TIMEOUT_MS });
    target.onEvent((event) => events.push(event));
    return target;
  }
  /** The guest goes: the stub has been asked once more than before. */
  async function going(): Promise<void> {
    const asked = () => stub.requests.filter((request) => request === 'vCont;c').length;
    for (let waits = 0; asked() === resumed; waits++) {
      assert.ok(waits < 500, 'the guest does not go');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    resumed = asked();
  }
  /** The first event of this kind, soon. */
  async function event(kind: TargetEvent['kind']): Promise<TargetEvent> {
    for (let waits = 0; waits < 500; waits++) {
      const found = events.find((one) => one.kind === kind);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no event ${kind}: ${JSON.stringify(events)}`);
  }
  async function run(how: Parameters<GdbTarget['resume']>[1], answer?: () => void): Promise<Stop> {
    events.length = 0;
    await target!.resume(1, how);
    if (answer) await going().then(answer);
    const stopped = await event('stopped');
    return stopped.kind === 'stopped' ? stopped.stop : assert.fail();
  }

  beforeEach(() => {
    events.length = 0;
    resumed = 0;
    target = undefined;
  });
  afterEach(async () => {
    await target?.detach();
    stub.close();
  });

  it('asks each vCPU for its own, whoever asks at the same time', async () => {
    let [thread, cpu] = ['1', 0];
    const tr = (): string => `TR =0040 ${`${cpu + 1}000`.padStart(16, '0')} 00004087 00008b00\n`;
    const two = await attached((request) => {
      if (request === 'qfThreadInfo') return 'm1,2';
      if (request.startsWith('Hg')) thread = request.slice(2);
      if (request === 'g') return `0${thread}${plainStub('g')!.slice(2)}`;
      if (!request.startsWith('qRcmd,')) return plainStub(request);
      const line = Buffer.from(request.slice('qRcmd,'.length), 'hex').toString();
      const chosen = /^cpu (\d)$/.exec(line)?.[1];
      if (chosen !== undefined) cpu = Number(chosen);
      return chosen === undefined ? [`O${Buffer.from(tr()).toString('hex')}`, 'OK'] : 'OK';
    });
    const value = async (of: number, group: string, wanted: string): Promise<bigint | undefined> =>
      (await two.registers(of, group)).find(({ name }) => name === wanted)?.value;
    const both = (group: string, wanted: string) => Promise.all([1, 2].map((of) => value(of, group, wanted)));
    assert.deepEqual(await both('General', 'RAX'), [1n, 2n]);
    assert.deepEqual(await both('Segments', 'TR base'), [0x1000n, 0x2000n]);
  });

  it('shows registers and linear memory of a stub that has nothing else', async () => {
    const plain = await attached();
    const general = await plain.registers(1, 'General');
    assert.equal(general.find(({ name }) => name === 'RIP')?.value, 0x1000n);
    assert.deepEqual(await plain.registerGroups(1), ['General', 'Flags', 'Segments']);
    assert.equal((await plain.readMemory(1, 'linear', 0xffff0n, 64)).length, 16);
    assert.equal((await plain.describe()).lacks?.includes('events'), true);
    assert.ok(!stub.requests.some((request) => /^b[sc]/.test(request)), 'reverse execution was not offered');
    await assert.rejects(plain.memoryMap(), /does not tell what guest-physical memory holds/);
    await assert.rejects(plain.position(2), /no vCPU with id 2/);
    await assert.rejects(plain.writeRegister(1, 'Control', 'CR0', 0n), /no group of registers "Control"/);
  });

  it('asks for a page once a stop', async () => {
    const plain = await attached();
    for (let count = 0; count < 5; count++) await plain.readMemory(1, 'linear', 0x1010n, 16);
    const reads = () => stub.requests.filter((request) => request.startsWith('m1')).length;
    const before = reads();
    assert.ok(before <= 3, String(before));
    for (let count = 0; count < 5; count++) await plain.registers(1, 'General');
    assert.ok(stub.requests.filter((request) => request === 'g').length <= 3);
    await run({ kind: 'step', skipInterrupts: false });
    await plain.readMemory(1, 'linear', 0x1010n, 16);
    assert.ok(reads() > before);
  });

  it('drops a stop that the stub tells unasked when it is connected to', async () => {
    await attached(instead({ qSupported: ['T05thread:1;', 'PacketSize=1000'] }));
    assert.equal((await target!.state()).stop?.reason, 'pause');
  });

  it('stops at a breakpoint, counts hits, and goes on where a condition does not hold', async () => {
    await attached();
    const here = { linear: 0x1000n };
    await target!.setBreakpoints({ ...NO_BREAKPOINTS, code: [{ id: 7, ...here, hits: { operator: '==', count: 2 } }] });
    let stops = 0;
    const again = setInterval(() => ++stops && stub.say('T05thread:1;'), 40);
    const stop = await run({ kind: 'continue' });
    clearInterval(again);
    assert.deepEqual([stop.reason, stop.ids], ['breakpoint', [7]]);
    // The stub's step goes nowhere: leaving the place counts as coming to it.
    assert.ok(stops >= 1, String(stops));
  });

  it('tells which watch was met', async () => {
    await attached();
    await target!.setBreakpoints({
      ...NO_BREAKPOINTS,
      data: [{ id: 3, linear: 0x2000n, length: 8, access: 'readWrite' }],
    });
    const stop = await run({ kind: 'continue' }, () => stub.say('T05thread:1;awatch:2004;'));
    assert.equal(stop.reason, 'data breakpoint');
    assert.deepEqual([stop.ids, /does not say/.test(stop.note ?? '')], [[3], true]);
    assert.ok(stub.requests.includes('Z4,2000,8'));
  });

  it('pauses, and says when a guest does not stop by itself', async () => {
    await attached();
    events.length = 0;
    await target!.resume(1, { kind: 'continue' });
    await assert.rejects(target!.readMemory(1, 'linear', 0n, 4), /runs: pause it first/);
    await going();
    const paused = target!.pause();
    for (let waits = 0; stub.interrupts === 0 && waits < 100; waits++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    stub.say('T02thread:1;');
    await paused;
    assert.equal((await event('stopped')).kind, 'stopped');
    assert.equal(stub.interrupts, 1);
    assert.equal((await run({ kind: 'continue' }, () => stub.say('T0bthread:1;'))).note?.includes('signal 11'), true);
  });

  it('takes new breakpoints while the guest runs', async () => {
    await attached();
    events.length = 0;
    await target!.resume(1, { kind: 'continue' });
    await going();
    await target!.setBreakpoints({ ...NO_BREAKPOINTS, code: [{ id: 1, linear: 0x9000n }] });
    for (let waits = 0; stub.interrupts === 0 && waits < 100; waits++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(stub.interrupts, 1);
    stub.say('T02thread:1;');
    for (let waits = 0; !stub.requests.includes('Z0,9000,1'); waits++) {
      assert.ok(waits < 100);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['running'],
    );
    await going();
    stub.say('W00');
    await event('stopped');
  });

  it('tells the end of the VM', async () => {
    await attached();
    const stop = await run({ kind: 'continue' }, () => stub.say('W00'));
    assert.equal(stop.reason === 'ended' && stop.end.reason, 'powered off');
    await assert.rejects(target!.resume(1, { kind: 'continue' }), /cannot go on/);
  });

  it('says in time that a stub stopped answering, and ends', async () => {
    await attached();
    stub.become(() => undefined);
    await target!.resume(1, { kind: 'step', skipInterrupts: false }).catch(() => {});
    const closed = await event('closed');
    assert.match(closed.kind === 'closed' ? closed.reason : '', /did not answer for 1 s/);
    await assert.rejects(target!.registers(1, 'General'), UserError);
  });

  it('says that a stub hung up', async () => {
    await attached();
    await target!.resume(1, { kind: 'continue' });
    setTimeout(() => stub.hangUp(), 30);
    const closed = await event('closed');
    assert.match(closed.kind === 'closed' ? closed.reason : '', /has hung up/);
  });

  it('refuses a breakpoint that the stub does not take', async () => {
    await attached(instead({ Z: 'E22' }));
    await target!.setBreakpoints({ ...NO_BREAKPOINTS, code: [{ id: 1, linear: 0x9000n }] });
    await assert.rejects(target!.resume(1, { kind: 'continue' }), /takes no breakpoint at 0x9000 \(it says "E22"\)/);
    assert.equal((await target!.state()).running, false);
  });

  describe('ends the attach with a sentence', () => {
    const big = 'x'.repeat(2 ** 20 + 10);
    const cases: readonly [string, Script, RegExp][] = [
      ['silence', () => undefined, /did not answer for 1 s/],
      ['a web server', () => 'raw:HTTP/1.1 400 Bad Request\r\n\r\n', /did not answer/],
      ['wrong checksums', () => 'raw:$OK#00$OK#00$OK#00$OK#00$OK#00', /checksums are wrong/],
      ['a packet without an end', () => `raw:$${big}`, /a packet has no end/],
      ['run lengths without an end', () => `raw:${packetOf(`a${'*~'.repeat(20_000)}`)}`, /no end|did not|registers/],
      ['registers that are none', instead({ g: 'zzzz' }), /cannot tell its registers/],
      ['no registers', instead({ g: '' }), /no registers/],
      [
        'a description without an end',
        instead({ qXfer: `m${'y'.repeat(500)}` }),
        /does not give its target description/,
      ],
      ['a description that includes itself', instead({ qXfer: 'l<xi:include href="target.xml"/>' }), /includes itself/],
      ['a description of paths', instead({ qXfer: 'l<xi:include href="../../etc/passwd"/>' }), /what is no file/],
      ['registers of a billion bits', instead({ qXfer: 'l<reg name="a" bitsize="1000000000"/>' }), /not one of x86/],
      ['a million registers', instead({ qXfer: `l${'<reg name="a" bitsize="8"/>'.repeat(1500)}` }), /not one of x86/],
    ];
    for (const [title, script, expected] of cases) {
      it(title, async () => {
        stub = await ScriptedStub.listen(script);
        await assert.rejects(attachGdb({ gdb: stub.place, timeoutMs: TIMEOUT_MS }), (error: unknown) => {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, expected);
          return true;
        });
      });
    }
  });

  describe('lives with strange answers', () => {
    const cases: readonly [string, Script, (plain: GdbTarget) => Promise<void>][] = [
      [
        'threads of every name',
        instead({ qfThreadInfo: `m${Array.from({ length: 5000 }, (_, index) => index.toString(16)).join(',')}` }),
        async (plain) => assert.ok((await plain.threads()).length >= 1),
      ],
      [
        'memory that is no digits',
        instead({ m: 'pq'.repeat(100) }),
        async (plain) => assert.equal((await plain.readMemory(1, 'linear', 0n, 8)).length, 0),
      ],
      [
        'less memory than was asked for',
        instead({ m: '0011' }),
        async (plain) => assert.equal((await plain.readMemory(1, 'linear', 0n, 8)).length, 0),
      ],
      [
        'registers that it does not know',
        instead({ g: `${'xx'.repeat(8)}${'11'.repeat(16 * 8 + 28)}` }),
        async (plain) => {
          const names = (await plain.registers(1, 'General')).map(({ name }) => name);
          assert.ok(!names.includes('RAX') && names.includes('RBX'), names.join());
        },
      ],
      [
        'no description at all',
        instead({ qSupported: '' }),
        async (plain) => assert.equal((await plain.registers(1, 'General')).length, 17),
      ],
    ];
    for (const [title, script, check] of cases) it(title, async () => check(await attached(script)));
  });

  describe('asks QMP where the stub has no monitor', () => {
    /** A QMP door that says `greeting`, and answers the monitor's lines with `answer`. */
    async function attachedWith(greeting: string, answer: string): Promise<GdbTarget> {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write(`${greeting}\r\n`);
        socket.on('data', (bytes) => {
          if (!bytes.toString().startsWith('{')) return;
          const { execute, id } = JSON.parse(bytes.toString()) as { execute: string; id: number };
          const isCommand = execute === 'human-monitor-command';
          const said = isCommand ? `{"timestamp": {}, "event": "X"}\n${answer}\n` : '{"return": {}}\r\n';
          socket.write(
            said.replace('{"return"', `{"id": ${id}, "return"`).replace('{"error"', `{"id": ${id}, "error"`),
          );
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      doors.push(server);
      stub = await ScriptedStub.listen();
      const qmp = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      return (target = await attachGdb({ gdb: stub.place, qmp, timeoutMs: TIMEOUT_MS }));
    }
    const doors: Server[] = [];
    afterEach(() => doors.splice(0).forEach((server) => server.close()));
    const GREETING = '{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}}}';
    const baseOf = async (asked: GdbTarget): Promise<bigint | undefined> =>
      (await asked.registers(1, 'Segments')).find(({ name }) => name === 'CS base')?.value;

    it('and shows what it says', async () => {
      const text = 'CS =f000 ffff0000 0000ffff 00009b00\\r\\n';
      const asked = await attachedWith(GREETING, `{"return": "${text}"}`);
      assert.equal(await baseOf(asked), 0xffff0000n);
      assert.equal((await asked.position(1)).linear, 0xffff1000n);
    });
    for (const [title, greeting, answer] of [
      ['an error', GREETING, '{"error": {"class": "GenericError"}}'],
      ['no JSON', GREETING, 'what?'.repeat(1000) + '\n{"return": 7}\n{"error": {}}'],
      ['another protocol', 'SSH-2.0-OpenSSH', '{"error": {}}'],
    ] as const) {
      it(`and does without where that answers with ${title}`, async function () {
        this.timeout(15_000);
        const asked = await attachedWith(greeting, answer);
        assert.equal(await baseOf(asked), undefined);
      });
    }
  });

  it('says what is no place, and where nothing listens', async () => {
    stub = await ScriptedStub.listen();
    for (const gdb of ['', 'nonsense', 'host:99999', 'a:b', 'unix:'])
      await assert.rejects(attachGdb({ gdb }), /no place/, gdb);
    await assert.rejects(
      attachGdb({ gdb: '/nowhere/gdb.sock' }),
      /There is no gdb stub at \/nowhere\/gdb.sock \(ENOENT\)/,
    );
    assert.ok(DESCRIPTION.length > 1000);
  });
});

function packetOf(payload: string): string {
  let sum = 0;
  for (const character of payload) sum += character.charCodeAt(0);
  return `$${payload}#${(sum & 0xff).toString(16).padStart(2, '0')}`;
}
