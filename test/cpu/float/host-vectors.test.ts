// Every floating-point function against what a real CPU did: golden vectors always, fresh ones where gcc and an AMD CPU
// are there (the masks in check.ts describe AMD's differences from our choices).
// To refresh the golden file: gcc -O1 -msse4.1 -o host host.c && ./host 1 150 | gzip -9n > vectors.bin.gz

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { check } from './check';
import { SSE_MODELS } from './sse-model';
import { parseVectors } from './vectors';
import type { VectorFile } from './vectors';
import { X87_MODELS } from './x87-model';

const GOLDEN = 'test/golden/float/vectors.bin.gz';
const HARNESS = 'test/cpu/float/host.c';

function assertAgrees({ cpu, vectors }: VectorFile, operation: string): void {
  const differences = vectors.filter((vector) => vector.operation === operation).map(check);
  const found = differences.filter((difference) => difference !== undefined);
  assert.ok(differences.length >= 100, `${operation}: only ${differences.length} vectors`);
  assert.equal(found.length, 0, `${found.length} differences from ${cpu}:\n  ${found.slice(0, 3).join('\n  ')}`);
}

describe('floating point against golden vectors', () => {
  const file = parseVectors(gunzipSync(readFileSync(GOLDEN)));

  it('names the CPU, and has vectors of every model', () => {
    assert.match(file.cpu, /AMD|Intel/);
    const models = [...Object.keys(X87_MODELS), ...Object.keys(SSE_MODELS)];
    assert.deepEqual([...file.operations].sort(), models.sort());
  });
  for (const operation of file.operations) it(operation, () => assertAgrees(file, operation));

  it('notices a wrong result, a wrong flag and a wrong condition code', () => {
    const vector = file.vectors.find(({ operation, status }) => operation === 'fadd' && (status & 0x20) !== 0);
    assert.ok(vector);
    assert.equal(check(vector), undefined);
    const r = Buffer.from(vector.r);
    r.writeUInt8(r.readUInt8(0) ^ 1, 0);
    assert.match(check({ ...vector, r }) ?? '', /fadd/);
    assert.match(check({ ...vector, status: vector.status ^ 0x10 }) ?? '', /fadd/);
    assert.match(check({ ...vector, status: vector.status ^ 0x200 }) ?? '', /fadd/);
  });
});

/** Builds and runs the harness; undefined without gcc. */
function freshVectors(seed: number, each: number): VectorFile | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-float-'));
  try {
    const program = join(folder, 'host');
    try {
      execFileSync('gcc', ['-O1', '-msse4.1', '-o', program, HARNESS], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return parseVectors(execFileSync(program, [String(seed), String(each)], { maxBuffer: 1 << 28 }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('floating point against this CPU', () => {
  it('agrees on 1000 fresh vectors of each instruction', function () {
    if (process.arch !== 'x64' || !/AMD/.test(cpus()[0]?.model ?? '')) return this.skip();
    const file = freshVectors(20, 1000);
    if (file === undefined) return this.skip();
    for (const operation of file.operations) assertAgrees(file, operation);
  });
});
