// The parts of `vmxray debug` that touch neither a guest nor a terminal: the wire, the guest's text, options, history.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { DapClient, Refused } from '../../src/cli/debug/client';
import { wholeWord } from '../../src/cli/debug/completion';
import { GuestText } from '../../src/cli/debug/guest-text';
import { HISTORY_LINES, historyPath, loadHistory, saveHistory } from '../../src/cli/debug/history';
import { separateTabs } from '../../src/cli/debug/keys';
import { DEBUG_OPTIONS, planStart, takeCommands } from '../../src/cli/debug/options';
import { Screen } from '../../src/cli/debug/screen';
import { COLOURED, PLAIN, styleFor } from '../../src/cli/debug/style';
import { MessageReader } from '../../src/dap/wire';
import { parseOptions } from '../../src/cli/options';

describe("the debugger's wire", () => {
  const framed = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const bodies = ['{"a":1}', '{"ä":"€"}', '{}'];

  for (const size of [1, 2, 7, 1000]) {
    it(`messages in pieces of ${size} bytes`, () => {
      const received: unknown[] = [];
      const reader = new MessageReader((message) => received.push(message));
      const bytes = Buffer.from(bodies.map(framed).join(''));
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      assert.deepEqual(
        received,
        bodies.map((body) => JSON.parse(body) as unknown),
      );
    });
  }

  for (const noise of [
    'x'.repeat(5000),
    'Content-Length: -1\r\n\r\n',
    'Length: 2\r\n\r\n{}',
    'Content-Length: 9999999999\r\n\r\n',
  ])
    it(`refuses ${JSON.stringify(noise.slice(0, 40))}`, () => {
      assert.throws(() => new MessageReader(() => {}).push(Buffer.from(noise)), /protocol|size/);
    });

  const connect = (): { client: DapClient; from: PassThrough; closed: string[] } => {
    const [from, to] = [new PassThrough(), new PassThrough()];
    const closed: string[] = [];
    const client = new DapClient(from, to, { onEvent: () => {}, onClosed: (reason) => closed.push(reason) });
    return { client, from, closed };
  };
  const response = (more: object): string =>
    framed(JSON.stringify({ type: 'response', request_seq: 1, command: 'x', success: false, ...more }));

  it('a refusal is the sentence that the adapter formats', async () => {
    const { client, from } = connect();
    const refused = client.request('x');
    from.write(response({ body: { error: { id: 1, format: 'no {what} here', variables: { what: 'tea' } } } }));
    await assert.rejects(refused, (error) => error instanceof Refused && error.message === 'no tea here');
  });

  it('an answer that does not come', async () => {
    await assert.rejects(connect().client.request('x', {}, 20), /No answer to "x" came within 0\.02 s/);
  });

  it('a connection that ends refuses what is open, and says so once', async () => {
    const { client, from, closed } = connect();
    const open = client.request('x');
    from.destroy();
    await assert.rejects(open, /closed the connection/);
    await assert.rejects(client.request('y'), /closed the connection/);
    assert.equal(closed.length, 1);
  });

  it('noise ends the connection', async () => {
    const { client, from } = connect();
    from.write(framed('{no json'));
    await assert.rejects(client.request('x'));
  });
});

describe("the guest's text", () => {
  const cases: readonly [string, string][] = [
    ['plain\r\ntext\n', 'plain\ntext\n'],
    ['\x1b[31mred\x1b[0m\x1b[2J', 'red'],
    ['\x1b]0;title\x07a\x1b]2;t\x1b\\b', 'ab'],
    ['\x1bPq~\x1b\\c\x1b(Bd\x1bMe', 'cde'],
    ['10%\r20%\r\n', '10%\n20%\n'],
    ['\r\r\n', '\n'],
    ['a\x07\x08b\x00\x7f\x9bc\t', 'abc\t'],
    ['ä€😀', 'ä€😀'],
  ];
  for (const [sent, shown] of cases) {
    it(JSON.stringify(sent), () => {
      assert.equal(new GuestText().take(Buffer.from(sent)), shown);
      const text = new GuestText();
      assert.equal([...Buffer.from(sent)].map((byte) => text.take(Uint8Array.of(byte))).join(''), shown);
    });
  }
});

describe("the debugger's screen", () => {
  const screen = (style = PLAIN): { screen: Screen; shown: () => string } => {
    let text = '';
    const out = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
    return { screen: new Screen(out, style), shown: () => text };
  };
  const guest = (on: Screen, text: string): void => on.guest(Buffer.from(text));

  it('never mixes lines', () => {
    const { screen: on, shown } = screen();
    guest(on, 'lo');
    guest(on, 'gin: ');
    on.print('Paused');
    guest(on, 'root\nPass');
    on.settle();
    on.settle();
    on.print('');
    assert.equal(shown(), 'guest| login: \nPaused\nguest| root\nguest| Pass\n');
  });

  it('passes no control sequence on but its own colours', () => {
    const { screen: on, shown } = screen(COLOURED);
    on.print(`${on.mark('stop', 'a')}\x1b]0;t\x07\x1b[2J\tb\r\n`);
    assert.equal(shown(), '\x1b[1ma\x1b[0m]0;t[2J\tb\n');
  });

  it('writes whole lines above a prompt', () => {
    const { screen: on, shown } = screen();
    const steps: string[] = [];
    on.prompt = { hide: () => steps.push(`hide ${shown().length}`), show: () => steps.push(`show ${shown().length}`) };
    guest(on, 'x');
    assert.deepEqual([shown(), steps], ['guest| x\n', ['hide 0', 'show 9']]);
  });

  it('dims the guest where there are colours', () => {
    const { screen: on, shown } = screen(COLOURED);
    guest(on, 'a\n');
    assert.equal(shown(), '\x1b[2mguest| a\x1b[0m\n');
  });

  const styles: readonly [boolean, NodeJS.ProcessEnv, typeof PLAIN][] = [
    [true, { TERM: 'xterm' }, COLOURED],
    [true, { TERM: 'dumb' }, PLAIN],
    [true, { NO_COLOR: '1' }, PLAIN],
    [true, { NO_COLOR: '' }, COLOURED],
    [false, {}, PLAIN],
  ];
  for (const [isTerminal, environment, style] of styles)
    it(`colours: ${isTerminal} ${JSON.stringify(environment)}`, () =>
      assert.equal(styleFor(isTerminal, environment), style));
});

describe("the debugger's options", () => {
  const plan = (...args: string[]) => planStart(parseOptions('debug', DEBUG_OPTIONS, args));

  it('of run become launch attributes', () => {
    assert.deepEqual(
      plan('--kernel', 'a/k', '--initrd', 'i', '--append', 'x=1', '--memory', '64M', '--bare', '--symbols', 's'),
      {
        command: 'launch',
        args: {
          kernel: resolve('a/k'),
          initrd: resolve('i'),
          cmdline: 'x=1',
          memory: '64M',
          bare: true,
          console: 'terminal',
          symbols: resolve('s'),
          stopOnEntry: true,
        },
      },
    );
  });

  it('--attach names a machine', () => {
    assert.deepEqual(plan('--attach', '123'), { command: 'attach', args: { machine: '123', console: 'terminal' } });
    assert.throws(() => plan('--attach', '123', '--bare'), /leave --bare out/);
    assert.throws(() => plan(), /There is no guest/);
  });

  it('-x gives commands, in order', () => {
    assert.deepEqual(takeCommands(['-x', 'b main', '--kernel', 'k', '-x', 'c']), {
      rest: ['--kernel', 'k'],
      commands: ['b main', 'c'],
    });
    assert.throws(() => takeCommands(['-x']), /-x wants a command/);
  });
});

describe("the debugger's history", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-history-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('lies where the user keeps state', () => {
    assert.equal(historyPath({ XDG_STATE_HOME: '/s' }), '/s/vmxray/debug-history');
    assert.equal(historyPath({ HOME: '/h', XDG_STATE_HOME: 'relative' }), '/h/.local/state/vmxray/debug-history');
    assert.equal(historyPath({ HOME: '' }), undefined);
  });

  it('comes back, the newest first, bounded, and is the user’s alone', () => {
    const path = join(folder, 'a', 'history');
    saveHistory(path, ['newest', '', 'x'.repeat(5000), ...Array.from({ length: 2 * HISTORY_LINES }, (_, i) => `${i}`)]);
    const lines = loadHistory(path);
    assert.deepEqual([lines.length, lines[0], lines[1]], [HISTORY_LINES, 'newest', '0']);
    assert.equal(readFileSync(path, 'utf8').split('\n').at(-2), 'newest');
    assert.equal(statSync(path).mode & 0o077, 0);
  });

  it('is empty where it cannot be', () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x\n');
    saveHistory(join(file, 'history'), ['a']);
    assert.deepEqual([loadHistory(join(file, 'history')), loadHistory(undefined)], [[], []]);
  });
});

describe('completion at a place', () => {
  const cases: readonly [text: string, part: string, item: object, whole: string][] = [
    ['wal', 'wal', { label: 'walk', start: 1, length: 3 }, 'walk'],
    ['walk km', 'km', { label: 'kmain', start: 6, length: 2 }, 'kmain'],
    ['p $r', '$r', { label: '$rax', text: 'rax', start: 4, length: 1 }, '$rax'],
    ['walk km', 'km', { label: 'kmain' }, 'kmain'],
    ['walk km', 'km', { label: 'kmain', text: 'ain' }, 'kmain'],
  ];
  for (const [text, part, item, whole] of cases)
    it(`${text} + ${JSON.stringify(item)}`, () => assert.equal(wholeWord(item as never, text, part), whole));
});

describe('tabs', () => {
  it('come alone', async () => {
    const input = new PassThrough();
    const pieces: string[] = [];
    separateTabs(input).on('data', (piece) => pieces.push(String(piece)));
    input.write('a\tb\t\tä');
    input.end('\t');
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(pieces, ['a', '\t', 'b', '\t', '\t', 'ä', '\t']);
  });
});
