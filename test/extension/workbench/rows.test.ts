// The rows that the tree remembers: as long as they are there, and the same objects.
import assert from 'node:assert/strict';
import { Rows } from '../../../src/extension/workbench/tree/rows';

interface Row {
  readonly label: string;
}

/** Rows below rows, as the tree reads them: `give(rows, 'top', 'a', 'b')`. */
function give(rows: Rows<Row>, parent: string, ...keys: string[]): Row[] {
  rows.below(parent, rows.turn(), keys);
  return keys.map((key) => rows.keep(key, { label: key }));
}

const known = (rows: Rows<Row>): string[] => [...rows.values()].map(({ label }) => label).sort();

describe('rows of the tree', () => {
  it('stay the same objects when they are read again', () => {
    const rows = new Rows<Row>();
    const [first] = give(rows, 'top', 'a');
    rows.keep('a', { label: 'renamed' });
    assert.equal(rows.get('a'), first);
    assert.equal(first!.label, 'renamed');
  });

  it('are forgotten when they are gone, with all below them', () => {
    const rows = new Rows<Row>();
    give(rows, 'top', 'a', 'b');
    give(rows, 'a', 'a1', 'a2');
    give(rows, 'a1', 'a11');
    give(rows, 'top', 'b');
    assert.deepEqual(known(rows), ['b']);
    assert.equal(rows.has('a11'), false);
  });

  it('stay when another parent has taken them, before or behind', () => {
    const rows = new Rows<Row>();
    give(rows, 'top', 'a', 'b');
    give(rows, 'a', 'moving');
    give(rows, 'b', 'moving');
    give(rows, 'a');
    assert.equal(rows.has('moving'), true);
    give(rows, 'top', 'b');
    assert.deepEqual(known(rows), ['b', 'moving']);
    give(rows, 'b');
    assert.deepEqual(known(rows), ['b']);
  });

  it('are not forgotten for an answer that a later question has overtaken', () => {
    const rows = new Rows<Row>();
    const early = rows.turn();
    give(rows, 'top', 'a', 'new');
    rows.below('top', early, ['a']);
    assert.deepEqual(known(rows), ['a', 'new']);
  });

  it('do not grow in number when items come and go for long', () => {
    const rows = new Rows<Row>();
    for (let round = 0; round < 1000; round++) give(rows, 'top', 'kept', `pod-${round}`);
    assert.deepEqual(known(rows), ['kept', 'pod-999']);
  });
});
