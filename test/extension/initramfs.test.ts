// The tiny initial RAM disk: its /init is what init.S says (assembled anew where the same binutils are installed), and its
// archive is the one that the lab's independent writer makes. `npm run test:update` writes init-program.ts anew.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INIT_PROGRAM, MADE_WITH } from '../../src/extension/initramfs/init-program';
import { tinyInitramfs } from '../../src/extension/initramfs/tiny-initramfs';
import { cpio } from '../support/lab/cpio';

const FOLDER = join('src', 'extension', 'initramfs');
const LD = ['-m', 'elf_x86_64', '-n', '-s', '--build-id=none', '-z', 'noexecstack', '--no-warn-rwx-segments'];

/** The installed assembler and linker by the first lines of their `--version`; undefined without them. */
function binutils(): string | undefined {
  const lines = ['as', 'ld'].map(
    (tool) => spawnSync(tool, ['--version'], { encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C' } }).stdout,
  );
  return lines.every(Boolean) ? lines.map((text) => text.split('\n')[0]).join(', ') : undefined;
}

function assembled(): string {
  const work = mkdtempSync(join(tmpdir(), 'vmxray-init-'));
  try {
    const [object, program] = [join(work, 'init.o'), join(work, 'init')];
    execFileSync('as', ['--64', '-o', object, join(FOLDER, 'init.S')]);
    execFileSync('ld', [...LD, '-o', program, object]);
    return readFileSync(program).toString('base64');
  } finally {
    rmSync(work, { recursive: true });
  }
}

const generated = (program: string, tools: string): string => `/**
 * The program of \`init.S\`, a static x86-64 ELF in base64. Generated: \`npm run test:update\` writes it anew after a change
 * of the source, and a test compares the two.
 */

/** The assembler and linker that made it: others may give other bytes. */
export const MADE_WITH = '${tools}';

/** The ELF file, base64. */
export const INIT_PROGRAM =
  '${program}';
`;

describe('the tiny initial RAM disk', () => {
  it('holds the program that its source says', function () {
    const tools = binutils();
    if (process.env.VMXRAY_UPDATE && tools) {
      writeFileSync(join(FOLDER, 'init-program.ts'), generated(assembled(), tools));
      return;
    }
    if (tools !== MADE_WITH) {
      console.log(
        `      skipped: the committed program was made with ${MADE_WITH}; here is ${tools ?? 'no binutils'}.`,
      );
      this.skip();
    }
    assert.equal(assembled(), INIT_PROGRAM, 'run npm run test:update');
  });

  it('is the archive that another writer makes of it', () => {
    const content = Buffer.from(INIT_PROGRAM, 'base64');
    assert.ok(content.length < 4096 && content.subarray(1, 4).toString() === 'ELF');
    const expected = cpio([
      { kind: 'directory', path: 'dev' },
      { kind: 'characterDevice', path: 'dev/console', major: 5, minor: 1 },
      { kind: 'file', path: 'init', content, mode: 0o755 },
    ]);
    assert.deepEqual(Buffer.from(tinyInitramfs()), expected);
  });
});
