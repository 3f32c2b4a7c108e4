// The parts of the QEMU provider that need no QEMU: addresses, command lines, and a monitor that misbehaves.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkMachineFile, type MachineFile } from '../../../src/inventory/own/machine-file';
import { findProviders } from '../../../src/inventory/providers';
import { parseQmp } from '../../../src/inventory/qemu/discovery';
import { launchArguments } from '../../../src/inventory/qemu/launch';
import { qemuProcesses } from '../../../src/inventory/qemu/processes';
import { parseQemuArguments } from '../../../src/inventory/qemu/qemu-arguments';
import { QmpClient } from '../../../src/inventory/qemu/qmp-client';
import { addressText, escapeCommas, parseListenAddress } from '../../../src/inventory/qemu/socket-address';
import { splitId } from '../../../src/inventory/qemu/machine';

describe('inventory: addresses of QEMU', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['unix:/run/q.sock,server=on,wait=off', 'unix:/run/q.sock'],
    ['unix:/run/q.sock,server,nowait', 'unix:/run/q.sock'],
    ['unix:relative sock,server=on', 'unix:/work dir/relative sock'],
    ['unix:/a,,b,server=on', 'unix:/a,b'],
    ['unix:/run/q.sock', undefined],
    ['unix:/run/q.sock,server=off', undefined],
    ['tcp::4444,server=on', 'tcp:127.0.0.1:4444'],
    ['tcp:0.0.0.0:4444,server=on', 'tcp:127.0.0.1:4444'],
    ['tcp:[::]:4444,server=on', 'tcp:::1:4444'],
    ['tcp:lab:70000,server=on', undefined],
    ['tcp:lab:,server=on', undefined],
    ['stdio', undefined],
    ['', undefined],
  ];
  for (const [text, address] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const found = parseListenAddress(text, '/work dir');
      assert.equal(found && addressText(found), address);
    });
  }

  it('writes commas so that they are read again', () => {
    const path = '/strange, dir,,/x"\'$(touch y)`;\u00fc';
    const found = parseListenAddress(`unix:${escapeCommas(path)},server=on`, '/');
    assert.deepEqual(found, { kind: 'unix', path });
  });
});

describe('inventory: command lines of QEMU', () => {
  const read = (...args: string[]) => parseQemuArguments(args, '/cwd');

  it('tell name, monitors, stub and serial lines', () => {
    const line = read(
      '-name',
      'guest=a,,b c,debug-threads=on',
      '--qmp',
      'unix:one,server=on,wait=off',
      '-chardev',
      'socket,id=mon1,path=/two,server=on,wait=off',
      '-mon',
      'chardev=mon1,mode=control',
      '-chardev',
      'socket,id=human,path=/three,server=on',
      '-mon',
      'chardev=human,mode=readline',
      '-s',
      '-serial',
      'unix:/tty,server=on,logfile=/log',
      '-chardev',
      'socket,id=s2,host=,port=99,server=on',
      '-device',
      'isa-serial,chardev=s2',
      '-incoming',
      'defer',
    );
    assert.equal(line.name, 'a,b c');
    assert.deepEqual(line.monitors.map(addressText), ['unix:/cwd/one', 'unix:/two']);
    assert.deepEqual(line.gdb, { kind: 'tcp', host: '127.0.0.1', port: 1234 });
    assert.deepEqual(
      line.serials.map(({ address, log }) => [addressText(address), log]),
      [
        ['unix:/tty', '/log'],
        ['tcp:127.0.0.1:99', undefined],
      ],
    );
    assert.equal(line.incoming, 'defer');
    assert.equal(line.hasInheritedMonitor, false);
  });

  it('tell a monitor that only libvirt has', () => {
    const line = read('-chardev', 'socket,id=m,fd=27,server=on', '-mon', 'chardev=m,id=monitor,mode=control');
    assert.equal(line.hasInheritedMonitor, true);
    assert.deepEqual(line.monitors, []);
  });

  it('end where they are cut off', () => {
    assert.deepEqual(read('-qmp').monitors, []);
    assert.equal(read('-name').name, undefined);
    assert.equal(read().gdb, undefined);
    assert.equal(read('-gdb', 'none').gdb, undefined);
  });

  it('are found among processes, whatever those are', () => {
    const root = mkdtempSync(join(tmpdir(), 'vmxray-proc-'));
    const put = (pid: string, cmdline: string, stat?: string): void => {
      mkdirSync(join(root, pid));
      writeFileSync(join(root, pid, 'cmdline'), cmdline);
      if (stat !== undefined) writeFileSync(join(root, pid, 'stat'), stat);
    };
    const fields = Array.from({ length: 40 }, (_, index) => index + 3).join(' ');
    put('12', '/usr/bin/qemu-system-x86_64\0-qmp\0unix:q s,server=on\0', `12 (qemu ) odd) S ${fields}`);
    symlinkSync('/some where', join(root, '12', 'cwd'));
    put('13', 'vim\0qemu-system-x86_64\0');
    put('14', '');
    put('15', '\0\0\0');
    mkdirSync(join(root, '16'));
    mkdirSync(join(root, 'self'));
    const found = qemuProcesses(root);
    rmSync(root, { recursive: true });
    assert.deepEqual(
      found.map(({ pid, line }) => [pid, ...line.monitors.map(addressText)]),
      [[12, 'unix:/some where/q s']],
    );
    assert.deepEqual(qemuProcesses('/does/not/exist'), []);
  });

  it('have ids whose paths may hold anything', () => {
    const path = 'file:/a#b/#snapshot:x.vmxray.json/c d.vmxray.json';
    assert.deepEqual(splitId(`${path}#snapshot:t#a:g`), [path, 'snapshot:t#a:g']);
    assert.deepEqual(splitId('process:1-2#cpu:0'), ['process:1-2', 'cpu:0']);
    assert.deepEqual(splitId('at:unix%3A%2Fx'), ['at:unix%3A%2Fx', undefined]);
  });
});

describe('inventory: machine files for QEMU', () => {
  const check = (content: object): string[] =>
    checkMachineFile('/m/a.vmxray.json', { kernel: '/k', ...content }, () => 'file').map(({ message }) => message);

  it("may have arguments, and nothing that is VMXray's alone", () => {
    assert.deepEqual(check({ engine: 'qemu', arguments: ['-smp', '2'] }), []);
    assert.match(check({ engine: 'qemu', pace: 'free' })[0] ?? '', /"pace" is for VMXray's own machines only/);
    assert.match(check({ arguments: [] })[0] ?? '', /"arguments" is for "engine": "qemu" only/);
    assert.match(check({ engine: 'bochs' })[0] ?? '', /must be one of vmxray, qemu/);
    assert.match(check({ engine: 'qemu', arguments: [1] })[0] ?? '', /list of texts/);
  });

  it('become arguments, each of which stays one', () => {
    const file: MachineFile = {
      engine: 'qemu',
      kernel: 'k, $(touch y)',
      cmdline: 'a "b" ; c',
      name: 'x,y',
      memory: '64M',
      rtc: '2026-01-31T12:00:00Z',
      seed: 7,
      arguments: ['-smp', '2'],
    };
    const sockets = { qmp: '/s,1', debuggerQmp: '/s2', gdb: '/s3', serial: '/s4', serialLog: '/s5' };
    const args = launchArguments('/m/a.vmxray.json', file, sockets, { paused: true });
    const after = (option: string): string | undefined => args[args.indexOf(option) + 1];
    assert.equal(after('-kernel'), '/m/k, $(touch y)');
    assert.equal(after('-append'), 'a "b" ; c');
    assert.equal(after('-name'), 'guest=x,,y');
    assert.equal(after('-m'), 'size=65536K');
    assert.equal(after('-rtc'), 'base=2026-01-31T12:00:00');
    assert.equal(after('-qmp'), 'unix:/s,,1,server=on,wait=off');
    assert.deepEqual(args.slice(-4), ['-S', '-smp', '2', '-daemonize']);
    const line = parseQemuArguments(args, '/');
    assert.equal(line.name, 'x,y');
    assert.deepEqual(line.monitors.map(addressText), ['unix:/s,1', 'unix:/s2']);
    assert.deepEqual(line.serials, [{ address: { kind: 'unix', path: '/s4' }, log: '/s5' }]);
  });
});

describe('inventory: which engines there are', () => {
  it('tells addresses of QEMU, libvirt and others apart', async () => {
    const addresses = ['qmp:/run/q', 'qmp:lab:4444', 'qmp:nowhere', 'test+unix:///default?socket=/x', 'qemu+tls://a/b'];
    const { providers, problems } = await findProviders({ engines: [...addresses, 'tcp://lab:1'], hidden: [] });
    const ids = providers.map(({ id }) => id);
    for (const id of ['qemu', 'libvirt:test+unix:///default?socket=/x', 'engine:tcp://lab:1'])
      assert.ok(ids.includes(id), `${id} among ${ids.join(', ')}`);
    assert.equal(problems.filter((problem) => /qmp:nowhere|qemu\+tls/.test(problem)).length, 2, problems.join('\n'));
    for (const provider of providers) provider.dispose();
  });

  it('reads addresses of monitors', () => {
    assert.deepEqual(parseQmp('qmp:/a b'), { kind: 'unix', path: '/a b' });
    assert.deepEqual(parseQmp('qmp:unix:/a'), { kind: 'unix', path: '/a' });
    assert.deepEqual(parseQmp('qmp:lab:4444'), { kind: 'tcp', host: 'lab', port: 4444 });
    assert.equal(parseQmp('qmp:lab'), undefined);
  });
});

describe('inventory: a monitor that misbehaves', function () {
  this.timeout(20_000);
  const GREETING = '{"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 7}}, "capabilities": []}}\r\n';
  let folder: string;
  let server: Server | undefined;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-qmp-'))));
  afterEach(() => server?.close());
  after(() => rmSync(folder, { recursive: true }));

  /** A server that plays the monitor; gives its path. */
  const serve = (play: (socket: Socket) => void): Promise<string> =>
    new Promise((resolve) => {
      const path = join(folder, `${Math.random()}`.slice(2));
      server = createServer((socket) => {
        socket.on('error', () => undefined);
        play(socket);
      }).listen(path, () => resolve(path));
    });
  const open = (path: string): Promise<QmpClient> => QmpClient.open({ kind: 'unix', path }, 'Lab');
  const code = (wanted: string) => (error: { code?: unknown; message: string }) => {
    assert.equal(error.code, wanted);
    assert.match(error.message, /^(Lab|QEMU) .+\.$/);
    return true;
  };
  /** Greets, answers the negotiation, and leaves the rest to `then`. */
  const greeted = (then: (socket: Socket, message: { id: number; execute: string }) => void) => (socket: Socket) => {
    socket.write(GREETING);
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().trim().split('\n')) {
        const message = JSON.parse(line) as { id: number; execute: string };
        if (message.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${message.id}}\r\n`);
        else then(socket, message);
      }
    });
  };

  it('that does not listen', async () => {
    await assert.rejects(open(join(folder, 'none')), code('qemu/ENOENT'));
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(open(join(folder, 'file')), /Lab/);
  });

  it('that serves somebody else', async () => {
    const path = await serve(() => undefined);
    const begun = Date.now();
    await assert.rejects(open(path), code('qemu/busy'));
    assert.ok(Date.now() - begun < 5000);
  });

  for (const [name, bytes] of [
    ['no JSON', 'SSH-2.0-OpenSSH\r\n'],
    ['no greeting', '{"return": {}}\r\n'],
    ['a list', '[1, 2]\r\n'],
    ['a greeting without a version', '{"QMP": {"version": null}}\n'],
  ] as const) {
    it(`that says ${name}`, async () => {
      const path = await serve((socket) => socket.write(bytes));
      await assert.rejects(open(path), code('qemu/strange'));
    });
  }

  it('that sends a line without an end', async () => {
    const path = await serve((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20, 0x61)));
      };
      socket.on('drain', more);
      more();
    });
    await assert.rejects(open(path), code('qemu/strange'));
  });

  it('that ends in the midst of a command', async () => {
    const client = await open(await serve(greeted((socket) => socket.destroy())));
    let closed = 0;
    client.onClose(() => (closed += 1));
    await assert.rejects(client.execute('query-status'), code('qemu/lost'));
    await assert.rejects(client.execute('query-status'), code('qemu/lost'));
    assert.equal(closed, 1);
  });

  it('that never answers, one command of which does not hold up another', async () => {
    const client = await open(
      await serve(
        greeted((socket, { id, execute }) => {
          if (execute === 'fast') socket.write(`{"return": "done", "id": ${id}}\n`);
        }),
      ),
    );
    const slow = assert.rejects(client.execute('slow', undefined, { limitMs: 300 }), code('qemu/slow'));
    assert.equal(await client.execute('fast'), 'done');
    await slow;
    const abort = new AbortController();
    const given = client.execute('slow', undefined, { signal: abort.signal });
    abort.abort(new Error('given up'));
    await assert.rejects(given, /given up/);
    client.dispose();
  });

  it('that answers what nobody asked, and in pieces', async () => {
    const client = await open(
      await serve(
        greeted((socket, { id }) => {
          socket.write('{"return": 1, "id": 99}\n{"return": 2}\n{"return": 3, "id": "x"}\n{"event": 7}\n\r\n');
          socket.write('{"event": "STOP", "timestamp": {"seconds": -1, "microseconds": -1}}\n');
          const answer = Buffer.from(`{"return": "\u00fc\u{1f600}", "id": ${id}}\r\n`);
          for (const byte of answer) socket.write(Buffer.of(byte));
        }),
      ),
    );
    const events: string[] = [];
    client.onEvent(({ name, data, time }) => events.push(`${name} ${JSON.stringify(data)} ${time > 1e12}`));
    assert.equal(await client.execute('x'), '\u00fc\u{1f600}');
    assert.deepEqual(events, ['STOP {} true']);
    client.dispose();
  });

  it('that refuses', async () => {
    const client = await open(
      await serve(
        greeted((socket, { id }) =>
          socket.write(`{"error": {"class": "GenericError", "desc": "Not today"}, "id": ${id}}\n`),
        ),
      ),
    );
    await assert.rejects(client.execute('x'), /QEMU says: Not today/);
    client.dispose();
  });
});
