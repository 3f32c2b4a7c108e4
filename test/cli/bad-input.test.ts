// What a user can get wrong on the command line: one sentence that says what to do, exit code 2, no stack trace.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guest, vmxray } from './vmxray';

const run = ['run', '--kernel', guest('hello')];

const CASES: readonly [readonly string[], RegExp][] = [
  [[], /There is no command: .*vmxray run/],
  [['rnu'], /There is no command "rnu": did you mean run\?/],
  [['launch-the-rocket'], /There is no command .*`vmxray --help` lists/],
  [['--verbose'], /There is no option --verbose/],
  [['run'], /There is no guest: name one with --kernel FILE/],
  [['run', '--kernel'], /--kernel wants a value: --kernel FILE/],
  [['run', '--kernel', '--memory', '1G'], /--kernel wants a value/],
  [['run', '--kernel', '/nowhere/vmlinuz'], /kernel file \/nowhere\/vmlinuz does not exist: check the path/],
  [['run', '--kernel', guest('hello') + '/x'], /is a file: check the path/],
  [['run', '--kernel', tmpdir()], /is a directory: name a file/],
  [['run', '--kernel', '/dev/zero'], /is not a regular file/],
  [['run', '--kernel', 'README.md'], /not bootable/],
  [['run', '--kernel', 'EMPTY'], /empty/],
  [['run', '--kernel', 'TRUNCATED'], /truncated|not bootable|damaged/],
  [['run', '--kernel', 'HUGE'], /larger than the 3G/],
  [['run', '--kernell', 'x'], /There is no option --kernell: did you mean --kernel\?/],
  [['run', '--frobnicate'], /There is no option --frobnicate: `vmxray run --help`/],
  [['run', 'vmlinuz'], /"vmlinuz" is not an option/],
  [[...run, '--kernel', 'x'], /--kernel is given twice/],
  [[...run, '--append', 'a', '--cmdline', 'b'], /--append is given twice/],
  [[...run, '--no-jit=yes'], /--no-jit takes no value/],
  [[...run, '--initrd', '/nowhere/initrd'], /initrd file \/nowhere\/initrd does not exist/],
  [[...run, '--memory', ''], /"" is not an amount of memory/],
  [[...run, '--memory', '-256M'], /"-256M" is not an amount of memory/],
  [[...run, '--memory', '256X'], /is not an amount of memory: write a number and K, M or G/],
  [[...run, '--memory', '1e9'], /is not an amount of memory/],
  [[...run, '--memory', '9'.repeat(400)], /is not an amount of memory/],
  [[...run, '--memory', '0'], /at least 2M/],
  [[...run, '--memory', '4097K'], /multiple of 4K/],
  [[...run, '--memory', '64T'], /at most 3G/],
  [[...run, '--serial', 'tcp'], /--serial is stdio, none or file:FILE/],
  [[...run, '--serial', 'file:/nowhere/log'], /serial file \/nowhere\/log cannot be written/],
  [[...run, '--stats', '/nowhere/stats'], /stats file \/nowhere\/stats cannot be written/],
  [[...run, '--max-instructions', '0'], /whole number from 1/],
  [[...run, '--max-instructions', '1e9'], /whole number from 1/],
  [[...run, '--seed', '-1'], /"-1" is not a seed/],
  [[...run, '--seed', '4294967296'], /is not a seed/],
  [[...run, '--rtc', 'yesterday'], /is not a time/],
  [[...run, '--rtc', '2026-02-31T99:00:00Z'], /is not a time/],
  [[...run, '--rtc', '1969-12-31'], /is not a time/],
  [[...run, '--pace', 'slow'], /--pace is one of free, wall/],
  [[...run, '--ept', 'none'], /--ept is one of lazy4k, lazy64k, eager2m, evict/],
  [[...run, '--restore', 'x'], /A snapshot says what --kernel says/],
  [['run', '--restore', '/nowhere/snapshot'], /snapshot file \/nowhere\/snapshot does not exist/],
  [['run', '--restore', 'README.md'], /not a snapshot of VMXray/],
  [[...run, '--save', '/nowhere/snapshot'], /snapshot file \/nowhere\/snapshot cannot be written/],
  [[...run, '--flat', '0x7c00'], /not a place for a flat binary/],
  [['dap', '--port', '99999'], /"99999" is not a port/],
  [['dap', '--prot', '1'], /did you mean --port\?/],
];

describe('vmxray: bad input', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmxray-bad-input-'));
    writeFileSync(join(folder, 'EMPTY'), '');
    writeFileSync(join(folder, 'TRUNCATED'), Buffer.from('7f454c4602010100', 'hex'));
    writeFileSync(join(folder, 'HUGE'), '');
    truncateSync(join(folder, 'HUGE'), 4 * 2 ** 30); // sparse: takes no space
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [args, expected] of CASES) {
    it(`vmxray ${args.join(' ').slice(0, 70)}`, async () => {
      const files = args.map((arg) => (/^[A-Z]+$/.test(arg) ? join(folder, arg) : arg));
      const { code, output, errors } = await vmxray(...files);
      assert.match(errors, expected);
      assert.match(errors, /^vmxray: [^\n]+[.?]\n$/, 'one sentence');
      assert.doesNotMatch(errors, /\n\s+at /);
      assert.deepEqual([code, output], [2, '']);
    });
  }
});
