// The golden comparison itself: it must fail for what is missing or differs, and write only when told to.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertGolden } from './golden';

describe('golden', () => {
  const before = process.env.VMXRAY_UPDATE;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmxray-golden-'));
    delete process.env.VMXRAY_UPDATE;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (before !== undefined) process.env.VMXRAY_UPDATE = before;
  });

  it('fails for a golden that is missing, and does not write it', () => {
    assert.throws(() => assertGolden('a/b.txt', 'text', folder), /is missing/);
    assert.ok(!existsSync(join(folder, 'a')));
  });

  it('is written when told to, passes for the same text and fails for another', () => {
    process.env.VMXRAY_UPDATE = '1';
    assertGolden('a/b.txt', 'text', folder);
    delete process.env.VMXRAY_UPDATE;
    assertGolden('a/b.txt', 'text', folder);
    assert.throws(() => assertGolden('a/b.txt', 'other', folder), /differs/);
  });
});
