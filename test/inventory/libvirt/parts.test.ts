// The parts of the libvirt provider that need no daemon: URIs, XDR, XML, and a daemon that misbehaves.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readEvent } from '../../../src/inventory/libvirt/daemon-events';
import { domainFacts } from '../../../src/inventory/libvirt/domain-xml';
import { connectionError } from '../../../src/inventory/libvirt/errors';
import { parseId } from '../../../src/inventory/libvirt/ids';
import { EVENT, PROC, REMOTE_PROGRAM } from '../../../src/inventory/libvirt/procedures';
import { LibvirtProvider } from '../../../src/inventory/libvirt/provider';
import { readParams, writeParams } from '../../../src/inventory/libvirt/typed-params';
import { isLibvirtUri, parseUri } from '../../../src/inventory/libvirt/uri';
import { XdrReader, XdrWriter } from '../../../src/inventory/libvirt/xdr';
import { changeXml, child, escapeXml, readXml } from '../../../src/inventory/libvirt/xml';

describe('inventory: URIs of libvirt', () => {
  const environment = { XDG_RUNTIME_DIR: '/run/user/7' };
  const good: readonly (readonly [string, string, object])[] = [
    ['qemu+unix:///system?socket=/tmp/a%20b', 'qemu:///system', { kind: 'unix', paths: ['/tmp/a b'] }],
    [
      'qemu:///session',
      'qemu:///session',
      { kind: 'unix', paths: ['/run/user/7/libvirt/libvirt-sock', '/run/user/7/libvirt/virtqemud-sock'] },
    ],
    ['qemu+ssh://me@lab/system', 'qemu:///system', { kind: 'ssh', host: 'lab', user: 'me', port: undefined }],
    ['lxc+ssh://lab:2222/', 'lxc:///', { kind: 'ssh', host: 'lab', user: undefined, port: 2222 }],
    ['xen+tcp://[::1]/system', 'xen:///system', { kind: 'tcp', host: '::1', port: 16509 }],
  ];
  for (const [text, name, transport] of good) {
    it(`reads ${text}`, () => {
      const uri = parseUri(text, environment);
      assert.equal(uri.name, name);
      assert.deepEqual(uri.transport, transport);
      assert.ok(isLibvirtUri(text));
    });
  }
  for (const text of [
    '',
    'qemu',
    'qemu://lab/system',
    'qemu+tls://lab/system',
    'qemu+ssh:///system',
    'qemu+ssh://-oProxyCommand=x/system',
    'qemu+ssh://-l@lab/system',
    'qemu+ssh://lab/system;reboot',
    'qemu+ssh://lab/$(reboot)',
    "qemu+ssh://lab/a'b",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseUri(text), /is not a libvirt URI: .+\.$/));
  }

  it('leaves the addresses of other engines alone', () => {
    for (const text of ['unix:///run/x', 'tcp://lab:1', 'ssh://a@b', 'qmp:/x', 'testament'])
      assert.equal(isLibvirtUri(text), false, text);
  });

  it('has ids whose parts may hold anything', () => {
    const uuid = '0123456789abcdef0123456789abcdef';
    assert.deepEqual(parseId(`domain:${uuid}#snapshot:a#b:c\n"`), {
      kind: 'domain',
      key: uuid,
      part: { kind: 'snapshot', name: 'a#b:c\n"' },
    });
    for (const text of ['', 'domain:', 'domain:x', `nothing:${uuid}`])
      assert.throws(() => parseId(text), /no longer there/);
  });
});

describe("inventory: libvirt's packets", () => {
  it('are read as they were written', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(text, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.integer(), fc.option(text), (a, b, c, d) => {
        const to = new XdrWriter().string(a).hyper(b).int(c);
        const bytes = to.optional(d ?? undefined, (writer, value) => writer.string(value)).bytes;
        assert.equal(bytes.length % 4, 0);
        const reader = new XdrReader(bytes);
        assert.deepEqual([reader.string(), reader.hyper(), reader.int()], [a, b, c | 0]);
        assert.equal(reader.optionalString() ?? null, d);
        assert.equal(reader.rest, 0);
      }),
    );
  });

  it('never make more than they hold', () => {
    const lie = new XdrWriter().int(0x7fffffff).bytes;
    assert.throws(() => new XdrReader(lie).string(), /length is larger/);
    assert.throws(() => new XdrReader(lie).list((one) => one.int()), /length is larger/);
    assert.throws(() => new XdrReader(Buffer.alloc(3)).int(), /too short/);
    assert.throws(() => readParams(new XdrReader(new XdrWriter().int(1).string('x').int(99).int(0).bytes)), /type 99/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...Object.values(EVENT)), (body, procedure) => {
        try {
          readEvent({ procedure, body: Buffer.from(body) });
        } catch (error) {
          assert.match((error as Error).message, /libvirt's protocol/);
        }
      }),
    );
  });

  it('carry typed parameters', () => {
    const bytes = writeParams(new XdrWriter(), [
      { field: 'a', type: 'ullong', value: 2n ** 63n },
      { field: 'b', type: 'string', value: '\u00fc' },
      { field: 'c', type: 'ullong', value: 7 },
    ]).bytes;
    assert.deepEqual(
      [...readParams(new XdrReader(bytes))],
      [
        ['a', 2n ** 63n],
        ['b', '\u00fc'],
        ['c', 7],
      ],
    );
  });
});

describe("inventory: libvirt's XML", () => {
  it('is read with its places', () => {
    const text = `<?xml version='1.0'?><!-- <no> -->\n<a x='1&lt;' y="&#x41;'"><b>t&amp;<![CDATA[<u>]]></b><b/>z</a>\n`;
    const root = readXml(text);
    assert.equal(root.name, 'a');
    assert.deepEqual({ ...root.attributes }, { x: '1<', y: "A'" });
    assert.equal(root.text, 'z');
    const first = child(root, 'b');
    assert.equal(first?.text, 't&<u>');
    assert.equal(text.slice(first.start, first.end), '<b>t&amp;<![CDATA[<u>]]></b>');
    const changed = changeXml(text, [
      { start: first.innerStart, end: first.innerEnd, text: escapeXml('<"&\'>') },
      { start: root.children[1]!.start, end: root.children[1]!.end, text: '' },
    ]);
    assert.equal(child(readXml(changed), 'b')?.text, '<"&\'>');
    assert.equal(readXml(changed).children.length, 1);
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /no element/],
    ['words', /outside the root/],
    ['<a>', /line 1: <a> is not closed/],
    ['<a>\n</b>', /line 2: "<\/b" closes nothing/],
    ['<a/><b/>', /second root/],
    ['<a', /not well formed/],
    ['<a x=1/>', /not well formed/],
    ["<a x='1' x='2'/>", /twice/],
    ['<a>&nope;</a>', /no entity/],
    ['<a>&</a>', /no entity/],
    ['<a>&#x110000;</a>', /no entity/],
    ['<a><!-- </a>', /not closed/],
    ['<a><![CDATA[</a>', /not closed/],
    ['<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>', /document types/],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document types/],
    ['<a>'.repeat(1000), /nested deeper/],
    [`<a>${'<b/>'.repeat(60_000)}</a>`, /more than 50000 elements/],
    [`<a>${' '.repeat(1 << 22)}</a>`, /larger than 4 MiB/],
    ['< a/>', /stands for itself/],
  ];
  for (const [text, why] of bad) {
    it(`is refused: ${JSON.stringify(text.slice(0, 50))}`, () => assert.throws(() => readXml(text), why));
  }

  it('ends for any text', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      'a',
      '="',
      "'",
      '&',
      ';',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          readXml(pieces.join(''));
        } catch (error) {
          assert.match((error as Error).message, /mistake in line/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps any text through escape', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(readXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`).text, text);
      }),
    );
  });

  it('tells what a domain has, and bears what it lacks', () => {
    assert.deepEqual(domainFacts('<domain/>').disks, []);
    const facts = domainFacts(`<domain type='kvm'><devices><disk/><interface/>
      <interface type='bridge'><mac address='a'/><source bridge='br0'/><vlan><tag id='7'/><tag id='8'/></vlan></interface>
      <disk type='volume' device='cdrom'><source pool='p' volume='v'/><target dev='sda'/><readonly/></disk></devices></domain>`);
    assert.deepEqual(facts.nics[1]?.vlans, ['7', '8']);
    assert.equal(facts.disks[1]?.source, 'p/v');
  });
});

describe('inventory: a libvirt daemon that misbehaves', function () {
  this.timeout(20_000);
  let folder: string;
  let server: Server | undefined;
  let provider: LibvirtProvider | undefined;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-lv-'))));
  afterEach(() => {
    provider?.dispose();
    server?.close();
  });
  after(() => rmSync(folder, { recursive: true }));

  const providerOf = (path: string): LibvirtProvider =>
    (provider = new LibvirtProvider(parseUri(`test+unix:///default?socket=${path}`)));
  const serve = (play: (socket: Socket) => void): Promise<LibvirtProvider> =>
    new Promise((resolve) => {
      const path = join(folder, `${Math.random()}`.slice(2));
      server = createServer((socket) => {
        socket.on('error', () => undefined);
        play(socket);
      }).listen(path, () => resolve(providerOf(path)));
    });

  interface Call {
    readonly procedure: number;
    readonly serial: number;
  }
  const packet = (call: Call, body: Buffer, type = 1, status = 0): Buffer => {
    const head = [28 + body.length, REMOTE_PROGRAM, 1, call.procedure, type, call.serial, status];
    return Buffer.concat([...head.map((value) => new XdrWriter().int(value).bytes), body]);
  };
  /** A daemon that answers as it should, but where `other` gives something else. */
  const daemon =
    (other: (call: Call, socket: Socket) => Buffer | 'silence' | undefined) =>
    (socket: Socket): void => {
      let bytes = Buffer.alloc(0);
      socket.on('data', (more) => {
        for (bytes = Buffer.concat([bytes, more]); bytes.length >= 4 && bytes.length >= bytes.readUInt32BE();) {
          const length = bytes.readUInt32BE();
          const call = { procedure: bytes.readUInt32BE(12), serial: bytes.readUInt32BE(20) };
          bytes = bytes.subarray(length);
          const answer = other(call, socket);
          if (answer === 'silence') continue;
          socket.write(answer ?? packet(call, usual(call.procedure)));
        }
      });
    };
  const usual = (procedure: number): Buffer => {
    const to = new XdrWriter();
    switch (procedure) {
      case PROC.authList:
        return to.int(1).int(0).bytes;
      case PROC.connectGetType:
        return to.string('TEST').bytes;
      case PROC.connectGetLibVersion:
      case PROC.connectGetVersion:
        return to.hyper(9_000_001).bytes;
      default:
        return to.int(0).bytes;
    }
  };
  const signal = (milliseconds = 10_000): AbortSignal => AbortSignal.timeout(milliseconds);
  const domains = (one: LibvirtProvider, milliseconds?: number) => one.children('folder:domains', signal(milliseconds));

  it('that is not there', async () => {
    await assert.rejects(providerOf(join(folder, 'none')).connect(signal()), /is not running: .* Start libvirtd/);
    for (const code of ['EACCES', 'ECONNREFUSED', 'EPIPE', 'EWHATEVER']) {
      const failure = Object.assign(new Error('no'), { code });
      assert.match(connectionError(failure, 'libvirt at x').message, /^libvirt at x .+/);
    }
    assert.match(connectionError({ code: 'EACCES' }, 'It').message, /group "libvirt"/);
  });

  for (const [name, bytes] of [
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a packet of 3 bytes', new XdrWriter().int(3).int(0).bytes],
    ['a packet of 2 GB', new XdrWriter().int(0x7fffffff).int(0).bytes],
    [
      'a packet of another version',
      Buffer.concat([...[28, 1, 2, 3, 1, 1, 0].map((n) => new XdrWriter().int(n).bytes)]),
    ],
    ['a packet of an unknown type', packet({ procedure: 1, serial: 1 }, Buffer.alloc(0), 77)],
  ] as const) {
    it(`that answers with ${name}`, async () => {
      const one = await serve((socket) => socket.write(bytes));
      await assert.rejects(one.connect(signal()), /does not speak libvirt's protocol/);
    });
  }

  it('that hangs up', async () => {
    await assert.rejects(
      (await serve((socket) => socket.destroy())).connect(signal()),
      /ended the connection|broke off/,
    );
  });

  it('that wants a password', async () => {
    const sasl = daemon((call) =>
      call.procedure === PROC.authList ? packet(call, new XdrWriter().int(1).int(1).bytes) : undefined,
    );
    await assert.rejects((await serve(sasl)).connect(signal()), /SASL/);
  });

  it('that refuses, in its own words', async () => {
    const body = new XdrWriter().int(38).int(10).int(1).string('Not \u00fc today').bytes;
    const one = await serve(
      daemon((call) => (call.procedure === PROC.connectGetAllDomainStats ? packet(call, body, 1, 1) : undefined)),
    );
    await one.connect(signal());
    await assert.rejects(domains(one), /^\w*Error: libvirt says: Not \u00fc today\.$/);
  });

  it('whose lists lie, and whose errors are cut off', async () => {
    let answer: Buffer | undefined = new XdrWriter().int(0x10000000).bytes;
    let status = 0;
    const one = await serve(
      daemon((call) =>
        call.procedure === PROC.connectGetAllDomainStats
          ? packet(call, answer ?? Buffer.alloc(0), 1, status)
          : undefined,
      ),
    );
    await assert.rejects(domains(one), /length is larger/);
    [answer, status] = [undefined, 1];
    await assert.rejects(domains(one), /too short/);
    // It is still connected, and right again.
    [answer, status] = [new XdrWriter().int(0).bytes, 0];
    assert.deepEqual(await domains(one), []);
  });

  it('that takes 10 s for a call: who waits gives up in time, and other calls go on', async () => {
    const one = await serve(
      daemon((call) => (call.procedure === PROC.connectGetAllDomainStats ? 'silence' : undefined)),
    );
    await one.connect(signal());
    const begun = Date.now();
    const late = Array.from({ length: 8 }, () => assert.rejects(domains(one, 400)));
    await Promise.all(late);
    assert.ok(Date.now() - begun < 2000);
    assert.deepEqual(await one.children('folder:networks', signal()), []);
  });

  it('that sends events and answers that nobody asked for', async () => {
    const noise = (socket: Socket): void => {
      socket.write(packet({ procedure: EVENT.lifecycle, serial: 0 }, Buffer.from('abc'), 2));
      socket.write(packet({ procedure: 99999, serial: 0 }, Buffer.alloc(0), 2));
      socket.write(packet({ procedure: 1, serial: 4242 }, Buffer.alloc(0), 1));
      socket.write(packet({ procedure: PROC.domainOpenConsole, serial: 4242 }, Buffer.alloc(9), 3, 2));
    };
    const one = await serve(
      daemon((call, socket) => {
        if (call.procedure === PROC.connectListAllNetworks) noise(socket);
        return undefined;
      }),
    );
    const changes: unknown[] = [];
    const watching = one.watch(
      (change) => changes.push(change),
      () => undefined,
    );
    assert.deepEqual(await one.children('folder:networks', signal()), []);
    await new Promise((resolve) => setTimeout(resolve, 100));
    watching.dispose();
    assert.deepEqual(changes, ['all']);
  });

  it('that sends its packets in pieces', async () => {
    const one = await serve(
      daemon((call, socket) => {
        for (const byte of packet(call, usual(call.procedure))) socket.write(Buffer.of(byte));
        return 'silence';
      }),
    );
    assert.equal(await one.connect(signal()), 'libvirt 9.0.1, TEST 9.0.1');
  });
});
