// The index of a symbol file's names outlives a session, whatever becomes of the folder that it lies in.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, keepIndex, restoreIndex } from '../../src/dap/images/index-cache';
import type { SymbolFile } from '../../src/symbols/symbol-file';

/** A symbol file as far as the cache knows it. */
function file(
  buildId: string | undefined,
  made: Uint8Array | undefined,
): { symbols: SymbolFile; restored: Uint8Array[] } {
  const restored: Uint8Array[] = [];
  const typeIndex = {
    serialise: () => made,
    restore: (bytes: Uint8Array) => restored.push(Uint8Array.from(bytes)) > 0 && bytes.length > 2,
  };
  return { symbols: { buildId, typeIndex } as unknown as SymbolFile, restored };
}

describe('the cache of symbol indexes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-cache-'));
  after(() => rmSync(folder, { recursive: true }));
  const names = Uint8Array.from([1, 2, 3]);

  it('gives back what was kept', () => {
    assert.ok(keepIndex(file('0123456789abcdef', names).symbols, join(folder, 'new')));
    const later = file('0123456789abcdef', undefined);
    assert.ok(restoreIndex(later.symbols, join(folder, 'new')));
    assert.deepEqual(later.restored, [names]);
  });

  it('holds the ones that were used last', () => {
    for (let number = 0; number < 40; number++) {
      keepIndex(file(number.toString(16).padStart(16, 'a'), names).symbols, join(folder, 'full'));
    }
    assert.equal(readdirSync(join(folder, 'full')).length, 32);
  });

  const none: readonly (readonly [string, string | undefined, Uint8Array | undefined])[] = [
    ['no build-id', undefined, names],
    ['a build-id that leads elsewhere', '../../etc/passwd', names],
    ['nothing made', '0123456789abcdef', undefined],
  ];
  for (const [why, buildId, made] of none) {
    it(`keeps nothing: ${why}`, () => {
      assert.equal(keepIndex(file(buildId, made).symbols, join(folder, 'none')), false);
      assert.equal(restoreIndex(file(buildId, made).symbols, join(folder, 'none')), false);
    });
  }

  it('a folder that cannot be made, and a file that is damaged, cost nothing but time', () => {
    writeFileSync(join(folder, 'file'), '');
    assert.equal(keepIndex(file('0123456789abcdef', names).symbols, join(folder, 'file')), false);
    writeFileSync(join(folder, 'fedcba9876543210.names'), 'x');
    assert.equal(restoreIndex(file('fedcba9876543210', undefined).symbols, folder), false);
  });

  it('lies where the system wants caches', () => {
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/c' }), join('/c', 'vmxray', 'symbols'));
    assert.match(cacheFolder({ XDG_CACHE_HOME: 'relative' }), /[\\/]\.cache[\\/]vmxray[\\/]symbols$/);
  });
});
