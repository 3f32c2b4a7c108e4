// Every form that user mode can run, on our machine, against what a real CPU did: golden vectors always, fresh ones where
// gcc and an AMD CPU are there (the masks describe AMD's differences from the SDM). The golden file is made anew by
// `npm run test:update` there.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { check } from './compare';
import { coverageTable, missingVectors } from './coverage';
import { Host } from './host';
import { VectorMachine } from './machine';
import { isSpecial, makeVectors } from './make';
import { cpuOf, packVectors, unpackVectors } from './pack';
import type { Vector, VectorGroup } from './vector';

const GOLDEN = 'test/golden/vectors/vectors.bin.br';
const EACH = 100;
const LIMIT_BYTES = 5_000_000;
/** Fresh vectors of each form. `VMXRAY_SEED` gives others; the seed is printed when something differs. */
const FRESH = { each: 16, seed: Number(process.env.VMXRAY_SEED ?? 20_261) } as const;

function isAmd(): boolean {
  return process.arch === 'x64' && /AMD/.test(cpus()[0]?.model ?? '');
}

function compress(file: Buffer): Buffer {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: 9, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: file.length };
  return brotliCompressSync(file, { params });
}

/** Makes the golden file anew where gcc and an AMD CPU are. */
function update(): void {
  const host = isAmd() ? Host.build() : undefined;
  if (host === undefined) return;
  const groups = makeVectors(host, EACH + 4, 1);
  host.dispose();
  mkdirSync(dirname(GOLDEN), { recursive: true });
  writeFileSync(GOLDEN, compress(packVectors({ cpu: host.cpu, groups })));
}

/** Runs all vectors; throws with the first differences of each form that has any. */
function assertAgrees(machine: VectorMachine, groups: Iterable<VectorGroup>): void {
  const lines: string[] = [];
  let count = 0;
  let bad = 0;
  for (const { key, vectors } of groups) {
    let first: string | undefined;
    for (const vector of vectors) {
      const difference = check(machine, key, vector);
      if (difference !== undefined) bad += 1;
      first ??= difference;
    }
    count += vectors.length;
    if (first !== undefined) lines.push(first);
  }
  assert.equal(bad, 0, `${bad} of ${count} vectors differ:\n    ${lines.slice(0, 20).join('\n    ')}`);
}

describe('instructions against vectors of a real CPU', function () {
  this.timeout(180_000);
  let file: Buffer;
  let machine: VectorMachine;
  const counts = new Map<string, { vectors: number; special: number }>();

  before(() => {
    if (process.env['VMXRAY_UPDATE'] === '1') update();
    file = brotliDecompressSync(readFileSync(GOLDEN));
    machine = new VectorMachine();
    for (const { key, vectors } of unpackVectors(file)) {
      counts.set(key, { vectors: vectors.length, special: vectors.filter(isSpecial).length });
    }
  });

  it('are few bytes that name the CPU', () => {
    assert.match(cpuOf(file), /AMD|Intel/);
    assert.ok(readFileSync(GOLDEN).length < LIMIT_BYTES);
  });

  it(`has ${EACH} of every form, a tenth of them faulting or crossing a page`, () => {
    console.log(coverageTable(counts));
    assert.deepEqual(missingVectors(counts, EACH), []);
  });

  it('agrees with all of them', () => assertAgrees(machine, unpackVectors(file)));

  it('agrees with fresh ones of this CPU', function () {
    const host = isAmd() ? Host.build() : undefined;
    if (host === undefined) return this.skip();
    try {
      assert.doesNotThrow(() => assertAgrees(machine, makeVectors(host, FRESH.each, FRESH.seed)), `seed ${FRESH.seed}`);
    } finally {
      host.dispose();
    }
  });

  it('notices a wrong register, flag, byte in memory, address, error code and place', () => {
    const group = [...unpackVectors(file)].find(({ key }) => key === 'ADD 01 Ev,Gv 64 memory')!;
    const stored = group.vectors.find(({ ending }) => ending.fault === undefined)!;
    const faulted = group.vectors.find(({ ending }) => ending.fault === 14)!;
    const spoil = (vector: Vector, ending: Partial<Vector['ending']>): string | undefined =>
      check(machine, group.key, { ...vector, ending: { ...vector.ending, ...ending } });
    assert.equal(spoil(stored, {}), undefined);
    const register = { offset: 11 * 8, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    assert.match(spoil(stored, { runs: [...stored.ending.runs, register] }) ?? '', /r11\+0/);
    assert.match(spoil(stored, { flags: stored.ending.flags ^ 0x80 }) ?? '', /flags/);
    assert.match(spoil(stored, { runs: [] }) ?? '', /data\+/);
    assert.match(spoil(stored, { rip: stored.ending.rip + 1n }) ?? '', /RIP/);
    assert.match(spoil(faulted, { error: faulted.ending.error ^ 2 }) ?? '', /error code/);
    assert.match(spoil(faulted, { address: faulted.ending.address + 1n }) ?? '', /address/);
  });
});
