// Restores snapshots in a fresh process.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Resumed } from './resume';

/** What becomes of each snapshot's machine in another process, run by `node` (default: this one) to `until`. */
export function resumedElsewhere(
  snapshots: readonly Uint8Array[],
  until: number,
  node: string = process.execPath,
): readonly Resumed[] {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-resume-'));
  try {
    const script = join(folder, 'resume.js');
    buildSync({ entryPoints: ['test/machine/resume.ts'], bundle: true, platform: 'node', outfile: script });
    const files = snapshots.map((snapshot, i) => {
      const file = join(folder, `${i}.snapshot`);
      writeFileSync(file, snapshot);
      return file;
    });
    const said = execFileSync(node, [script, 'resume', String(until), ...files], { maxBuffer: 1 << 28 });
    return JSON.parse(said.toString()) as Resumed[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
