// `vmxray debug` as its user has it: the built program, a real guest, commands on a pipe or keys on a terminal.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, guest, startVmxray, vmxray } from './vmxray';

const TOUR = ['debug', '--kernel', guest('tour'), '--pace', 'free'];

/** Makes the guest's next instruction a jump to itself. */
const LOOP_HERE = 'set *(u16*)$rip = 0xfeeb';

function piped(lines: readonly string[], ...more: string[]): Promise<Ended> {
  const { child, ended } = startVmxray(...TOUR, ...more);
  child.stdin.end(`${lines.join('\n')}\n`);
  return ended();
}

describe('vmxray debug without a terminal', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-debug-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('breaks at a function and a line, looks around, steps to VM exits, and runs to the power-off', async () => {
    const { code, output, errors } = await piped([
      '# a comment',
      'break describe_processor',
      'continue',
      'bt',
      'regs',
      'walk $rip',
      'stepexit CPUID',
      'exit',
      'next',
      'tbreak timer.c:29 if ticks == 9',
      'continue',
      'p ticks',
      'up',
      'delete',
      'continue',
    ]);
    assert.deepEqual([code, errors], [0, ''], output);
    const expected = [
      /^Paused on entry\n#0 /,
      /\n# a comment\n\(vmxray\) break describe_processor\nBreakpoint 1: describe_processor \(0x[0-9a-f]+.*\)\n/,
      /Breakpoint 1, describe_processor\n#0 .*describe_processor.* at test\/guests\/tour\/processor\.c:\d+\n/,
      /=> \d+ {2}.*describe_processor\(void\)|=> \d+ {2}.*cpuid/,
      /\(vmxray\) bt\n\*#0 [^\n]*describe_processor[^\n]*\n #1 [^\n]*kmain[^\n]* at test\/guests\/tour\/main\.c:\d+\n/,
      /\(vmxray\) regs\n[^]*rip/i,
      /\(vmxray\) walk \$rip\n[^]*PML4E[^]*EPT/,
      /\(vmxray\) stepexit CPUID\n.*VM exit: CPUID/,
      /\(vmxray\) exit\n[^]*CPUID/,
      /Temporary breakpoint 2: timer\.c:29/,
      /#0 .*timer_interrupt.* at test\/guests\/tour\/timer\.c:29\n/,
      /\(vmxray\) p ticks\n9\n/,
      /guest\| RESULT pass/,
      /The guest is gone/,
    ];
    let rest = output;
    for (const pattern of expected) {
      const found = pattern.exec(rest);
      assert.ok(found, `${String(pattern)} in ${rest}`);
      rest = rest.slice(found.index);
    }
    // Every line is the debugger's or the guest's.
    for (const line of output.split('\n')) assert.ok(!/.guest\| /.test(line), line);
  });

  it('watches data: the seeded bug is caught as it strikes', async () => {
    const { code, output } = await piped(['watch guard', 'continue', 'quit']);
    assert.equal(code, 0, output);
    assert.match(output, /Breakpoint 1, .*guard.*: [^]*timer_interrupt/);
  });

  it('plays the tour of npm start', async () => {
    const { code, output } = await vmxray(...TOUR, '--script', 'test/support/tour.commands');
    assert.equal(code, 0, output);
    assert.equal(output.match(/^Paused on VM exit: /gm)?.length, 3);
    assert.match(output, /\* *#0 .*describe_processor[^]*linear 0x[^\n]*physical 0x[^]*ticks == 9\n[^]*RESULT pass/);
  });

  it('says what cannot be done, goes on, and ends with 1', async () => {
    const { code, output } = await piped(['bogus words', 'break nowhere_at_all', 'delete 9', 'p 1 +', 'stepi']);
    assert.equal(code, 1);
    assert.match(output, /There is no breakpoint 9/);
    assert.match(output, /\(vmxray\) stepi\n#0 /);
  });

  it('-x and --script', async () => {
    const script = join(folder, 'script');
    writeFileSync(script, '# words\necho from the script\n\nstepi\n');
    const { code, output } = await vmxray(...TOUR, '-x', 'break kmain', '--script', script);
    assert.equal(code, 0, output);
    assert.match(output, /break kmain\nBreakpoint 1[^]*\n# words\n\(vmxray\) echo from the script\nfrom the script\n/);
  });

  it('pauses what runs in the background, and starts again', async () => {
    const { code, output } = await piped([LOOP_HERE, 'continue &', 'pause', 'restart', 'continue']);
    assert.equal(code, 0, output);
    assert.match(output, /pause\nPaused\n[^]*restart\nPaused on entry\n[^]*RESULT pass/);
  });

  const mistakes: readonly [readonly string[], RegExp][] = [
    [['debug'], /There is no guest/],
    [['debug', '--kernel', '/nowhere/kernel'], /does not exist: check the path/],
    [['debug', '--attach', 'no-such-machine'], /machine/],
    [[...TOUR, '--script', '/nowhere/script'], /The script \/nowhere\/script cannot be read \(ENOENT\)/],
    [[...TOUR, '--stats', 'x'], /There is no option --stats/],
  ];
  for (const [args, sentence] of mistakes) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, errors } = await vmxray(...args);
      assert.equal(code, 2);
      assert.match(errors, sentence);
      assert.doesNotMatch(errors, /\n {4}at /);
    });
  }

  it('has help', async () => {
    const { code, output } = await vmxray('debug', '--help');
    assert.equal(code, 0);
    for (const line of output.split('\n')) assert.ok(line.length <= 120, line);
  });
});

/** Keys for a program on a terminal, each sent when what went before is on the screen. */
class Typist {
  private screen = '';
  private seen = 0;

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (data) => (this.screen += String(data)));
  }

  get everything(): string {
    return this.screen;
  }

  /** Waits for text after what was waited for last. */
  async sees(pattern: RegExp): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const found = pattern.exec(this.screen.slice(this.seen));
      if (found) {
        this.seen += found.index + found[0].length;
        return;
      }
      assert.ok(Date.now() < deadline, `${String(pattern)} in ${JSON.stringify(this.screen.slice(this.seen))}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async types(keys: string, pattern: RegExp): Promise<void> {
    this.child.stdin.write(keys);
    await this.sees(pattern);
  }
}

const hasTerminal = (): boolean => /util-linux/.test(String(spawnSync('script', ['--version']).stdout ?? ''));

describe('vmxray debug on a terminal', function () {
  this.timeout(180_000);
  let home: string;
  let child: ChildProcessWithoutNullStreams | undefined;

  before(function () {
    if (!hasTerminal()) {
      this.test!.title += ' (util-linux has no `script` here)';
      this.skip();
    }
    home = mkdtempSync(join(tmpdir(), 'vmxray-home-'));
  });
  afterEach(() => child?.kill('SIGKILL'));
  after(() => home && rmSync(home, { recursive: true }));

  const PROMPT = /\(vmxray\) (\x1b\[\d+G)?/;

  async function open(environment: object = {}): Promise<{ typist: Typist; ended: Promise<number | null> }> {
    const command = [process.execPath, 'dist/src/cli/main.js', ...TOUR].map((word) => `'${word}'`).join(' ');
    const env = { ...process.env, TERM: 'xterm', NO_COLOR: '', XDG_STATE_HOME: home, ...environment };
    const started = spawn('script', ['-qec', command, '/dev/null'], { env });
    child = started;
    const typist = new Typist(started);
    const ended = once(started, 'exit').then(() => started.exitCode);
    await typist.sees(PROMPT);
    return { typist, ended };
  }

  it('keys break, step, complete and quit', async () => {
    const { typist, ended } = await open();
    await typist.types('b km\t', /kmain/);
    await typist.types('\r', /Breakpoint 1: kmain/);
    await typist.types('c\r', /Breakpoint 1[^]*kmain[^]*=>/);
    await typist.sees(PROMPT);
    await typist.types('next\r', /#0 [^]*guest\| |#0 /);
    await typist.sees(PROMPT);
    await typist.types('\r', /#0 /);
    await typist.sees(PROMPT);
    await typist.types('stepe\t\r', /VM exit/);
    await typist.sees(PROMPT);
    await typist.types('quit\r', /\n/);
    assert.equal(await ended, 0, typist.everything);
    assert.match(typist.everything, /\x1b\[/);
    assert.match(
      readFileSync(join(home, 'vmxray', 'debug-history'), 'utf8'),
      /^b kmain ?\nc\nnext\nstepexit ?\nquit\n$/,
    );
  });

  it('finds the lines of the last session again, and Ctrl-D leaves', async () => {
    const { typist, ended } = await open();
    await typist.types('\x1b[A\x1b[A', /stepexit/);
    await typist.types('\x03', PROMPT);
    child!.stdin.write('\x04');
    assert.equal(await ended, 0, typist.everything);
  });

  it('Ctrl-C stops a guest that runs', async () => {
    const { typist, ended } = await open({ NO_COLOR: '1' });
    await typist.types(`${LOOP_HERE}\r`, /65259|0xfeeb/);
    await typist.sees(PROMPT);
    await typist.types('c\r', /c\r/);
    // The guest runs when there is no prompt any more.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await typist.types('\x03', /Paused\r/);
    await typist.sees(PROMPT);
    await typist.types('info\r', /completed +[1-9]\d{3,} instructions/);
    await typist.sees(PROMPT);
    child!.stdin.write('quit\r');
    assert.equal(await ended, 0, typist.everything);
    assert.doesNotMatch(typist.everything, /\x1b\[\d*m/);
  });

  it('keys that come too early wait for their turn', async () => {
    const { typist, ended } = await open();
    child!.stdin.write('tbreak kmain\rc\rste\tpi\rbt\rquit\r');
    assert.equal(await ended, 0, typist.everything);
    assert.match(typist.everything, /Temporary breakpoint 1[^]*kmain[^]*\(vmxray\) bt[^]*#0/);
  });
});
