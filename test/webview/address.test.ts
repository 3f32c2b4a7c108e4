// The address explorer's picture: which entry stands where, and what its bits say.
import assert from 'node:assert/strict';
import type { WalkLevel } from '../../src/protocol/walk';
import { blockKind } from '../../webview/address/block-map';
import { entryFields } from '../../webview/address/entry-bits';
import { sizeText, walkColumns } from '../../webview/address/walk-grid';

const level = (table: string): WalkLevel => ({
  table,
  space: 'physical',
  index: 1,
  entryAddress: '0x1000',
  entry: '0x7',
  entryBytes: 8,
  bits: [],
});
const walk = (...tables: string[]) =>
  walkColumns({ levels: tables.map(level) }).map(({ title, ept, guest }) => [
    title,
    ept.map((one) => one.index),
    guest?.index,
  ]);

describe('the columns of a walk', () => {
  it('put the EPT levels under the guest entry that they lead to, and the last ones under the page', () => {
    assert.deepEqual(walk('EPT PML4E', 'EPT PTE', 'PML4E', 'EPT PML4E', 'PDE', 'EPT PML4E', 'EPT PTE'), [
      ['PML4E', [0, 1], 2],
      ['PDE', [3], 4],
      ['Page', [5, 6], undefined],
    ]);
  });
  it('are the guest tables alone without EPT, the EPT alone without paging, and none without both', () => {
    assert.deepEqual(walk('PDE', 'PTE'), [
      ['PDE', [], 0],
      ['PTE', [], 1],
    ]);
    assert.deepEqual(walk('EPT PML4E'), [['Page', [0], undefined]]);
    assert.deepEqual(walk(), []);
  });
});

describe('the fields of an entry', () => {
  const meanings = (table: string, entry: bigint, bytes: 4 | 8 = 8): Record<string, string> =>
    Object.fromEntries(
      entryFields(table, entry, bytes).map(({ name, value, meaning }) => [name, `${value} ${meaning}`]),
    );
  it('of a guest PTE', () => {
    const fields = meanings('PTE', 0x8000_0000_1234_5063n);
    assert.equal(fields.P, '1 present');
    assert.equal(fields['U/S'], '0 supervisor only');
    assert.equal(fields.D, '1 written (of an entry that maps a page)');
    assert.equal(fields.XD, '1 no instruction fetches');
    assert.equal(fields.address, '0x12345000 guest-physical');
  });
  it('of an EPT PTE', () => {
    const fields = meanings('EPT PTE', 0x5437n);
    assert.equal(fields.W, '1 writes allowed');
    assert.equal(fields.A, '0 not accessed yet');
    assert.equal(fields['memory type'], '6 write back');
    assert.equal(fields.address, '0x5000 physical');
  });
  it('of an EPT entry that refers to a table, which has no memory type', () => {
    assert.equal(meanings('EPT PDE', 0x5007n)['memory type'], undefined);
    assert.equal(meanings('EPT PDE', 0x20_0087n)['memory type'], '0 uncacheable');
  });
  it('of a 32-bit PTE, which has no XD', () => {
    const fields = meanings('PTE', 0xffff_f001n, 4);
    assert.equal(fields.XD, undefined);
    assert.equal(fields.address, '0xfffff000 guest-physical');
  });
});

describe('sizes', () => {
  const cases: readonly [number | bigint, string][] = [
    [512, '512 B'],
    [4096, '4 KiB'],
    [0x20_0000, '2 MiB'],
    [1n << 47n, '128 TiB'],
  ];
  for (const [bytes, text] of cases) it(text, () => assert.equal(sizeText(bytes), text));
});

describe('the blocks of guest RAM', () => {
  const cases = [
    [0, 0, undefined, 'unmapped'],
    [3, 0, 0, 'mapped'],
    [512, 4, 4, 'written'],
    [512, 5, 4, 'fresh'],
    [512, 5, undefined, 'written'],
  ] as const;
  for (const [mapped, written, before, kind] of cases)
    it(kind, () => assert.equal(blockKind(mapped, written, before), kind));
});
