// QMP against servers that play a monitor which misbehaves.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '../../../src/targets/qmp/qmp-client';

describe('targets: a QMP monitor that misbehaves', function () {
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
  const open = (path: string): Promise<QmpClient> => QmpClient.open({ path }, 'Lab');
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
