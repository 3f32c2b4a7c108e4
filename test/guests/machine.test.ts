// Every sample guest passes on our machine, bare and as a guest of our hypervisor: isa-debug-exit gives 0x10 and no
// check fails. The guests say what the SDM says; where QEMU or Bochs depart from it is in deviations.mjs.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';

const folder = join(process.cwd(), 'test/guests/bin');
const PASSED = 0x10;
/** Far above what any guest needs: a guest that hangs ends here. */
const LIMIT = 400_000_000;

/** Runs a sample guest to its end; gives its serial lines and how it ended. */
function run(name: string, bare: boolean): { lines: string[]; result: RunResult } {
  const serial: number[] = [];
  const machine = new Machine({
    kernel: readFileSync(join(folder, `${name}.elf`)),
    boot: {},
    memoryBytes: 64 << 20,
    bare,
    onSerial: (byte) => serial.push(byte),
  });
  const result = machine.run(LIMIT);
  return { lines: Buffer.from(serial).toString('latin1').split(/\r?\n/), result };
}

describe('sample guests on our machine', function () {
  this.timeout(60_000);
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.elf'))
    .map((file) => file.slice(0, -'.elf'.length));
  for (const name of names) {
    for (const bare of [true, false]) {
      it(`${name}, ${bare ? 'bare' : 'under the hypervisor'}`, () => {
        const { lines, result } = run(name, bare);
        assert.deepEqual(
          lines.filter((line) => line.startsWith('FAIL ')),
          [],
        );
        assert.deepEqual(result, { reason: 'debug exit', value: PASSED });
        assert.match(lines.filter((line) => line.startsWith('RESULT ')).join(), /^RESULT pass \d+ checks$/);
      });
    }
  }
});
