// What the client of the gdb remote protocol reads: replies, stop replies, target descriptions, places, and the texts of
// QEMU's monitor.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import { parseEndpoint } from '../../../src/targets/gdb-remote/endpoint';
import { registersInText, regionsInText } from '../../../src/targets/gdb-remote/monitor-text';
import { ReplyReader } from '../../../src/targets/gdb-remote/reply-reader';
import { readStopReply } from '../../../src/targets/gdb-remote/stop-reply';
import { readDescription, usualLayout } from '../../../src/targets/gdb-remote/target-xml';
import { escapeBinary, packet } from '../../../src/targets/gdb-wire/packets';

describe('replies of a gdb stub', () => {
  const read = (text: string) => new ReplyReader().push(Buffer.from(text, 'latin1'));
  const cases: readonly [string, string, readonly object[]][] = [
    ['acknowledgements are passed over', `+++${packet('OK')}+`, [{ kind: 'reply', payload: 'OK' }]],
    ['run lengths', packet('0* 1'), [{ kind: 'reply', payload: '00001' }]],
    ['an escape', packet('a}\x03b'), [{ kind: 'reply', payload: 'a#b' }]],
    ['an escaped character that repeats', packet('}\x03* '), [{ kind: 'reply', payload: '####' }]],
    ['a run with nothing before it', packet('*!a'), [{ kind: 'reply', payload: '*!a' }]],
    ['a refusal', '-', [{ kind: 'nak' }]],
    ['a wrong checksum', '$OK#00', [{ kind: 'damaged' }]],
    ['what is no packet', 'hello', []],
    ['half a packet', '$OK#9', []],
    [
      'two of them',
      packet('a') + packet('b'),
      [
        { kind: 'reply', payload: 'a' },
        { kind: 'reply', payload: 'b' },
      ],
    ],
  ];
  for (const [title, text, expected] of cases) it(title, () => assert.deepEqual(read(text), expected));

  it('come out whole, however they are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (bytes, size) => {
        const text = packet(escapeBinary(bytes));
        const reader = new ReplyReader();
        const received = [];
        for (let at = 0; at < text.length; at += size)
          received.push(...reader.push(Buffer.from(text.slice(at, at + size), 'latin1')));
        assert.deepEqual(received, [{ kind: 'reply', payload: Buffer.from(bytes).toString('latin1') }]);
      }),
    );
  });

  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('$', '#', '*', '}', '+', '-', '\x03', '0', 'a', '~'), { maxLength: 80 }),
        (all) => {
          const received = read(all.join(''));
          assert.ok(received.length <= all.length);
        },
      ),
    );
  });
});

describe('stop replies', () => {
  const cases: readonly [string, object][] = [
    ['T05thread:p01.02;', { kind: 'signal', signal: 5, thread: 'p01.02', watch: undefined }],
    ['S02', { kind: 'signal', signal: 2, thread: undefined, watch: undefined }],
    [
      'T05thread:1;rwatch:ffff;06:00;',
      { kind: 'signal', signal: 5, thread: '1', watch: { kind: 'rwatch', linear: 0xffffn } },
    ],
    ['T05watch:zz;thread:<>;', { kind: 'signal', signal: 5, thread: undefined, watch: undefined }],
    ['W00', { kind: 'exited', text: 'The guest powered off, or its VM was ended (with code 0).' }],
    ['X09', { kind: 'exited', text: 'The VM was ended by signal 9.' }],
  ];
  for (const [reply, expected] of cases) it(reply, () => assert.deepEqual(readStopReply(reply), expected));
});

describe('places of stubs', () => {
  const cases: readonly [string, object | undefined][] = [
    ['localhost:1234', { host: 'localhost', port: 1234 }],
    [':1234', { host: '127.0.0.1', port: 1234 }],
    ['tcp::1234,server=on,wait=off', { host: '127.0.0.1', port: 1234 }],
    ['tcp:lab:99', { host: 'lab', port: 99 }],
    ['[::1]:99', { host: '::1', port: 99 }],
    ['/run/gdb.sock', { path: '/run/gdb.sock' }],
    ['unix:gdb.sock,server=on', { path: 'gdb.sock' }],
    ['gdb.sock', undefined],
    ['lab:0', undefined],
    ['lab:65536', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => {
      if (expected) assert.deepEqual(parseEndpoint('gdb', text), expected);
      else assert.throws(() => parseEndpoint('gdb', text), UserError);
    });
  }
});

describe('target descriptions', () => {
  const fail = (why: string): UserError => new UserError('test', why);
  const read = (annexes: Readonly<Record<string, string>>) =>
    readDescription((annex) => Promise.resolve(annexes[annex] ?? ''), fail);

  it('has registers in order, those of what it includes too', async () => {
    const found = await read({
      'target.xml': '<!-- <reg name="no" bitsize="8"/> --><reg name="a" bitsize="64"/><xi:include href="more.xml"/>',
      'more.xml': `<reg bitsize='32' name='b' type='int'/><reg name="d" bitsize="8" regnum="9"/><reg name="e" bitsize="16"/>`,
    });
    assert.deepEqual(
      found.map(({ name, number, bytes, offset }) => [name, number, bytes, offset]),
      [
        ['a', 0, 8, 0],
        ['b', 1, 4, 8],
        ['d', 9, 1, 12],
        ['e', 10, 2, 13],
      ],
    );
  });
  for (const text of ['<reg name="a"/>', '<reg name="a" bitsize="7"/>', '<reg name="a" bitsize="8" regnum="-1"/>'])
    it(`refuses ${text}`, () => assert.rejects(read({ 'target.xml': text }), UserError));
  it("stands for gdb's own layout where there is none", () => {
    assert.equal(usualLayout(560).find(({ name }) => name === 'rip')?.offset, 128);
    assert.equal(usualLayout(64 + 8 * 4).find(({ name }) => name === 'eip')?.offset, 32);
    assert.deepEqual(usualLayout(0), []);
  });
});

describe("QEMU's monitor", () => {
  const text = [
    'CPU#0',
    'ES =0000 0000000000000000 ffffffff 00c00000',
    'CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]',
    'LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT',
    'TR =0040 fffffe0000003000 00004087 00008b00 DPL=0 TSS64-busy',
    'GDT=     fffffe0000001000 0000007f',
    'IDT=     fffffe0000000000 00000fff',
    'CR0=80050033 CR2=00007f00 CR3=0000000012345000 CR4=003506f0',
    'DR0=0000000000000001 DR1=0000000000000000',
    'EFER=0000000000000d01',
  ].join('\r\n');

  it('tells the hidden parts of segments, tables, control and debug registers', () => {
    const found = registersInText(text);
    const expected: Readonly<Record<string, bigint>> = {
      'Segments.CS': 0x10n,
      'Segments.CS access rights': 0xa09bn,
      'Segments.ES access rights': 0x1c000n,
      'Segments.LDTR limit': 0xffffn,
      'Segments.TR base': 0xfffffe0000003000n,
      'Segments.GDTR base': 0xfffffe0000001000n,
      'Segments.IDTR limit': 0xfffn,
      'Control.CR3': 0x12345000n,
      'Control.EFER': 0xd01n,
      'Debug.DR0': 1n,
    };
    for (const [key, value] of Object.entries(expected)) assert.equal(found.get(key), value, key);
  });

  it('tells what guest-physical memory holds', () => {
    const view = (name: string, line: string): string =>
      `FlatView #0\r\n AS "${name}", root: system\r\n${line}\r\n\r\n`;
    const ram = '  0000000000000000-000000000009ffff (prio 0, ram): pc.ram';
    const device = '  00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi @0000000000000010';
    assert.deepEqual(regionsInText(view('I/O', device) + view('memory', `${ram}\r\n${device}`)), [
      { start: '0x0', end: '0xa0000', kind: 'RAM', name: 'pc.ram' },
      { start: '0xfee00000', end: '0xfef00000', kind: 'device', name: 'apic-msi' },
    ]);
    assert.deepEqual(regionsInText('unknown command'), []);
  });

  it('may say anything', () => {
    fc.assert(fc.property(fc.string(), (said) => void [registersInText(said), regionsInText(said)]));
  });
});
