// The committed sample guests are what their sources say: rebuilt with the same compiler they are equal byte for byte.
// Where another compiler or none is installed, each guest's test is skipped.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(process.cwd(), 'test/guests');
const largest = 100_000;

function installedToolchain(): string {
  return ['gcc', 'as', 'ld']
    .map((tool) => {
      const answer = spawnSync(tool, ['--version'], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
      return `${tool}: ${answer.stdout?.split('\n')[0] ?? 'none'}\n`;
    })
    .join('');
}

describe('sample guests', () => {
  const committed = readdirSync(join(folder, 'bin')).filter((name) => name.endsWith('.elf'));
  const expected = readFileSync(join(folder, 'bin/toolchain.txt'), 'utf8');
  const same = installedToolchain() === expected;
  let out = '';

  before(function () {
    this.timeout(240_000);
    if (!same) return;
    out = mkdtempSync(join(tmpdir(), 'vmxray-rebuild-'));
    execFileSync(process.execPath, [join(folder, 'build.mjs'), '--out', out], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  after(() => {
    if (out !== '') rmSync(out, { recursive: true, force: true });
  });

  for (const name of committed) {
    it(`${name} is small and rebuilds byte for byte`, function () {
      const bytes = readFileSync(join(folder, 'bin', name));
      assert.ok(bytes.length < largest, `${bytes.length} bytes, at most ${largest}`);
      if (!same) this.skip();
      assert.ok(
        bytes.equals(readFileSync(join(out, name))),
        `run node test/guests/build.mjs ${name.replace('.elf', '')}`,
      );
    });
  }

  it('every guest of build.mjs is committed', function () {
    if (!same) this.skip();
    const built = readdirSync(out).filter((name) => name.endsWith('.elf'));
    assert.deepEqual([...committed].sort(), built.sort());
  });
});
