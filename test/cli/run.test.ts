// `vmxray run` from the outside: exit codes, the serial line, statistics, signals.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EscapeFilter } from '../../src/cli/serial-line';
import type { Stats } from '../../src/cli/stats';
import type { ProfileReport } from '../../src/engine/profile';
import { lab, requireLab } from '../support/lab/lab';
import { guest, PROGRAM, type Running, startVmxray, vmxray } from './vmxray';

const writeBytes = (file: string, bytes: readonly number[]): void => writeFileSync(file, Uint8Array.from(bytes));

describe('vmxray run', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-run-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('runs a guest to its end: serial on standard output, nothing else there', async () => {
    const { code, output, errors } = await vmxray('run', '--kernel', guest('hello'));
    assert.match(output, /^Hello from 32-bit protected mode\n/);
    assert.deepEqual([code, errors], [0, '']);
  });

  it('sets no flag that the V8 of Node 24 does not know', async function () {
    const { command } = requireLab(this, await lab.node24());
    const { status, stderr } = spawnSync(command, [PROGRAM, 'run', '--kernel', guest('hello')], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('the same run twice has the same statistics but for times and memory', async () => {
    const stats = async (name: string): Promise<Stats> => {
      const file = join(folder, name);
      const serial = `file:${join(folder, `${name}.serial`)}`;
      const { code, output } = await vmxray('run', '--kernel', guest('tour'), '--stats', file, '--serial', serial);
      assert.deepEqual([code, output], [0, '']);
      assert.match(readFileSync(join(folder, `${name}.serial`), 'utf8'), /RESULT pass/);
      return JSON.parse(readFileSync(file, 'utf8')) as Stats;
    };
    const first = await stats('first');
    const second = await stats('second');
    assert.deepEqual([first.endReason, first.debugExit], ['powered off', undefined]);
    assert.ok(first.instructions > 10_000 && first.ticks > first.instructions);
    assert.ok(first.exits.CPUID! > 0 && first.exits['EPT violation']! > 0);
    for (const figure of [first.wallMs, first.cpuMs, first.peakRssBytes]) assert.ok(figure > 0);
    const figures = { wallMs: 0, cpuMs: 0, peakRssBytes: 0 };
    assert.deepEqual({ ...first, ...figures }, { ...second, ...figures });
  });

  it('an idle guest that waits for real time, or has another EPT, ends in the same state', async () => {
    const hash = async (...options: string[]): Promise<[string, number, number]> => {
      const file = join(folder, 'hash');
      await vmxray('run', '--kernel', guest('tour'), '--serial', 'none', '--stats', file, ...options);
      const { stateHash, instructions, ticks } = JSON.parse(readFileSync(file, 'utf8')) as Stats;
      return [stateHash, instructions, ticks];
    };
    const usual = await hash();
    for (const options of [['--pace', 'wall'], ['--ept', 'eager2m'], ['--ept', 'evict'], ['--no-jit']])
      assert.deepEqual(await hash(...options), usual, options.join(' '));
    assert.notDeepEqual(await hash('--seed', '2'), usual);
  });

  it('tells where guest time went', async () => {
    const file = join(folder, 'profile.json');
    const run = ['run', '--kernel', guest('rep'), '--serial', 'none', '--profile'];
    await vmxray(...run, file);
    const profile = JSON.parse(readFileSync(file, 'utf8')) as ProfileReport;
    assert.ok(profile.compiled > 0 && profile.interpreted > 0 && profile.compile.regions > 0);
    const { errors } = await vmxray(...run, '-', '--no-jit');
    assert.match(errors, /^instructions +\d+: 0\.0% compiled, 100\.0% interpreted\n/);
  });

  it('saved anywhere, restored in another process and run on, ends in the same state', async () => {
    const [snapshot, file] = [join(folder, 'snapshot'), join(folder, 'restored')];
    const outcome = async (...options: string[]): Promise<Partial<Stats> & { output: string }> => {
      const { output } = await vmxray('run', '--stats', file, ...options);
      const { stateHash, instructions, ticks, exits, endReason } = JSON.parse(readFileSync(file, 'utf8')) as Stats;
      return { stateHash, instructions, ticks, exits, endReason, output };
    };
    const kernel = ['--kernel', guest('tour')];
    const through = await outcome(...kernel);
    for (const instructions of ['1', '20000', '40001']) {
      const { output } = await outcome(...kernel, '--max-instructions', instructions, '--save', snapshot);
      const rest = await outcome('--restore', snapshot);
      assert.deepEqual({ ...rest, output: output + rest.output }, through, `saved at ${instructions}`);
    }
  });

  it('a bare machine has no exits', async () => {
    const file = join(folder, 'bare');
    const { code } = await vmxray('run', '--kernel', guest('hello'), '--bare', '--stats', file, '--serial', 'none');
    assert.deepEqual([code, (JSON.parse(readFileSync(file, 'utf8')) as Stats).exits], [0, {}]);
  });

  it('stops at the limit of instructions, exactly', async () => {
    const file = join(folder, 'limit');
    const { code, errors } = await vmxray(
      ...['run', '--kernel', guest('tour'), '--max-instructions', '12345', '--stats', file],
    );
    const { instructions, endReason } = JSON.parse(readFileSync(file, 'utf8')) as Stats;
    assert.deepEqual([code, instructions, endReason], [3, 12345, 'instruction limit']);
    assert.match(errors, /^vmxray: The limit of instructions was reached \(at linear 0x[0-9a-f]+, after 12345/);
  });

  it('says how a guest crashed', async () => {
    const file = join(folder, 'halt.bin');
    writeBytes(file, [0xfa, 0xf4]); // CLI; HLT
    const { code, errors } = await vmxray('run', '--kernel', file, '--flat', '0x7c00:real16');
    assert.equal(code, 1);
    assert.match(errors, /^vmxray: .*HLT with interrupts off.*\n$/);
  });

  it('a guest that waits for a key ends when none can come', async () => {
    const file = join(folder, 'wait.bin');
    writeBytes(file, [0xfb, 0xf4, 0xeb, 0xfd]); // STI; HLT; JMP back
    const { code, errors } = await vmxray('run', '--kernel', file, '--flat', '0x7c00:real16');
    assert.equal(code, 1);
    assert.match(errors, /no(ne)? can come|never wake/);
  });

  describe('while it runs', () => {
    // OUT 0x3f8 'R'; JMP to itself
    const busy = [0xba, 0xf8, 0x03, 0xb0, 0x52, 0xee, 0xeb, 0xfe];
    const startBusy = async (...more: string[]): Promise<Running> => {
      const file = join(folder, 'busy.bin');
      writeBytes(file, busy);
      const started = startVmxray('run', '--kernel', file, '--flat', '0x7c00:real16', ...more);
      await started.speaks();
      return started;
    };

    it('Ctrl-A X quits', async () => {
      const { child, ended } = await startBusy();
      child.stdin.write(Uint8Array.of(1, 0x78));
      assert.equal((await ended()).code, 0);
    });

    it('the end of standard input does not', async () => {
      const { child, ended } = await startBusy();
      child.stdin.end();
      const over = ended();
      const first = await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 500, 'still running'))]);
      assert.equal(first, 'still running');
      child.kill('SIGTERM');
      assert.equal((await over).code, 143);
    });

    it('SIGINT ends it, with statistics', async () => {
      const stats = join(folder, 'interrupted');
      const { child, ended } = await startBusy('--stats', stats);
      child.kill('SIGINT');
      assert.equal((await ended()).code, 130);
      assert.equal((JSON.parse(readFileSync(stats, 'utf8')) as Stats).endReason, 'stop requested');
    });

    it('a reader that goes away ends it without a word', async () => {
      const file = join(folder, 'chatty.bin');
      writeBytes(file, [0xba, 0xf8, 0x03, 0xb0, 0x52, 0xee, 0xeb, 0xfd]); // OUT; JMP to the OUT
      const { child, ended, speaks } = startVmxray('run', '--kernel', file, '--flat', '0x7c00:real16');
      await speaks();
      child.stdout.destroy();
      const { code, errors } = await ended();
      assert.deepEqual([code, errors], [141, '']);
    });
  });

  it('gives typed bytes to the guest', async () => {
    // MOV DX,3FDh; IN AL,DX; TEST AL,1; JZ back; MOV DL,F8h; IN AL,DX; INC AL; OUT DX,AL; MOV DX,F4h; OUT DX,AL
    const echo = [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xb2, 0xf8, 0xec, 0xfe, 0xc0, 0xee];
    const file = join(folder, 'echo.bin');
    writeBytes(file, [...echo, 0xba, 0xf4, 0x00, 0xee]);
    const { child, ended } = startVmxray('run', '--kernel', file, '--flat', '0x7c00:real16');
    child.stdin.end('A');
    const { code, output } = await ended();
    assert.deepEqual([code, output], [0, 'B']);
  });

  describe('help and version', () => {
    for (const args of [['--help'], ['run', '--help'], ['dap', '--help'], ['--version']]) {
      it(args.join(' '), async () => {
        const { code, output, errors } = await vmxray(...args);
        assert.deepEqual([code, errors], [0, '']);
        assert.match(output, args[0] === '--version' ? /^vmxray \d+\.\d+\.\d+\n$/ : /Usage: vmxray/);
        for (const line of output.split('\n')) assert.ok(line.length <= 120, line);
      });
    }
  });
});

describe('the escape key', () => {
  const cases: readonly [string, string | 'quit'][] = [
    ['abc', 'abc'],
    ['\x01x', 'quit'],
    ['\x01X', 'quit'],
    ['a\x01\x01b', 'a\x01b'],
    ['a\x01ab', 'a\x01b'],
    ['a\x01qb', 'ab'],
    ['\x03', '\x03'],
  ];
  for (const [typed, expected] of cases) {
    it(JSON.stringify(typed), () => {
      const whole = new EscapeFilter().take(Buffer.from(typed));
      assert.deepEqual(whole, expected === 'quit' ? 'quit' : new Uint8Array(Buffer.from(expected)));
      const filter = new EscapeFilter();
      const pieces = [...Buffer.from(typed)].map((byte) => filter.take(Uint8Array.of(byte)));
      if (expected === 'quit') assert.equal(pieces.at(-1), 'quit');
      else assert.equal(Buffer.concat(pieces as Uint8Array[]).toString(), expected);
    });
  }
});
