/** ACPICA's own tool reads every table, and compiles the disassembled DSDT back to the same bytes without a warning. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionBlock } from '../../../src/machine/acpi/dsdt';
import { facs, fadt, madt, rsdt, table, xsdt } from '../../../src/machine/acpi/tables';
import { lab, requireLab } from '../../support/lab/lab';

const cases: readonly [string, Uint8Array][] = [
  ['dsdt', table('DSDT', 2, Uint8Array.from(definitionBlock()))],
  ['fadt', fadt(0xe0040, 0xe0080)],
  ['facs', facs()],
  ['madt', madt()],
  ['rsdt', rsdt([0xe0000])],
  ['xsdt', xsdt([0xe0000])],
];

describe('acpi: iasl', () => {
  let folder = '';
  let command = '';
  before(async function () {
    this.timeout(180_000);
    ({ command } = requireLab(this, await lab.iasl()));
    folder = mkdtempSync(join(tmpdir(), 'vmxray-acpi-'));
    for (const [name, bytes] of cases) writeFileSync(join(folder, `${name}.dat`), bytes);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function iasl(...parameters: string[]): string {
    const run = spawnSync(command, parameters, { cwd: folder, encoding: 'utf8' });
    const output = run.stdout + run.stderr;
    assert.equal(run.status, 0, output);
    return output;
  }

  for (const [name] of cases)
    it(`disassembles the ${name.toUpperCase()} without a complaint`, () => {
      const output = iasl('-d', `${name}.dat`);
      assert.doesNotMatch(output, /warning|error|invalid|incorrect|unknown/i);
      const listing = readFileSync(join(folder, `${name}.dsl`), 'utf8');
      assert.doesNotMatch(listing, /invalid|incorrect|unknown|warning|\*\*\*\*/i);
    });

  it('compiles the disassembled DSDT back to the same bytes', () => {
    const output = iasl('-oa', '-p', 'again', 'dsdt.dsl');
    assert.match(output, /0 Errors, 0 Warnings, 0 Remarks/);
    const content = (file: string): Buffer => readFileSync(join(folder, file)).subarray(36);
    assert.deepEqual(content('again.aml'), content('dsdt.dat'));
  });
});
