// Every sample guest passes on our machine, bare and as a guest of our hypervisor: isa-debug-exit gives 0x10 (the tour
// powers off instead) and no check fails. The guests say what the SDM says; where QEMU or Bochs depart from it is in
// deviations.mjs. The exits that the hypervisor guest sees are those that it sees on Bochs, field by field.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';
import { lab, requireLab } from '../support/lab/lab';
import { exitsOf } from './exit-lines';

const folder = join(process.cwd(), 'test/guests');
const PASSED = 0x10;
/** Far above what any guest needs: a guest that hangs ends here. */
const LIMIT = 400_000_000;
const MIB = 1 << 20;

interface Run {
  readonly serial: string;
  readonly result: RunResult;
}

/** Runs a sample guest to its end with as much RAM as QEMU and Bochs give it. */
function run(name: string, bare: boolean): Run {
  const serial: number[] = [];
  const machine = new Machine({
    kernel: readFileSync(join(folder, `bin/${name}.elf`)),
    boot: {},
    memoryBytes: 128 * MIB,
    bare,
    onSerial: (byte) => serial.push(byte),
  });
  const result = machine.run(LIMIT);
  return { serial: Buffer.from(serial).toString('latin1'), result };
}

function linesThatBegin(serial: string, word: string): string[] {
  return serial.split(/\r?\n/).filter((line) => line.startsWith(word));
}

describe('sample guests on our machine', function () {
  this.timeout(180_000);
  const names = readdirSync(join(folder, 'bin'))
    .filter((file) => file.endsWith('.elf'))
    .map((file) => file.slice(0, -'.elf'.length));
  for (const name of names) {
    for (const bare of [true, false]) {
      it(`${name}, ${bare ? 'bare' : 'under the hypervisor'}`, () => {
        const { serial, result } = run(name, bare);
        assert.deepEqual(linesThatBegin(serial, 'FAIL '), []);
        assert.deepEqual(result, name === 'tour' ? { reason: 'powered off' } : { reason: 'debug exit', value: PASSED });
        assert.match(linesThatBegin(serial, 'RESULT ').join(), /^RESULT pass \d+ checks$/);
      });
    }
  }
});

describe('exits of the hypervisor guest', function () {
  this.timeout(300_000);
  /** Bochs has no monitor trap flag. */
  const ABSENT_ON_BOCHS = ['65'];
  let ours: Map<string, string>;
  before(() => {
    ours = exitsOf(run('hypervisor', true).serial);
  });

  it('equal those of Bochs as recorded for the committed ELF', () => {
    const theirs = exitsOf(readFileSync(join(folder, 'hypervisor/bochs.txt'), 'latin1'));
    const expected = new Map([...theirs, ...[...ours].filter(([number]) => ABSENT_ON_BOCHS.includes(number))]);
    assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(expected));
    assert.ok(theirs.size > 80, `${theirs.size} exits`);
  });

  it('are still those of Bochs', async function () {
    requireLab(this, await lab.bochs());
    requireLab(this, await lab.gcc());
    const bochs = spawnSync(process.execPath, [join(folder, 'run-bochs.mjs'), 'hypervisor'], { encoding: 'latin1' });
    assert.equal(bochs.status, 0, bochs.stdout.slice(-2000));
    const recorded = exitsOf(readFileSync(join(folder, 'hypervisor/bochs.txt'), 'latin1'));
    assert.deepEqual(Object.fromEntries(exitsOf(bochs.stdout)), Object.fromEntries(recorded));
  });
});
