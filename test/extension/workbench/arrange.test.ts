// Which rows of the tree are shown, in which groups, and what their menus are keyed by.
import assert from 'node:assert/strict';
import { contextValue, groups, labelNames, passes } from '../../../src/extension/workbench/tree/arrange';
import type { Item, ItemState } from '../../../src/inventory/provider';

const item = (label: string, state?: ItemState, labels?: Record<string, string>): Item => ({
  id: label,
  kind: 'machine',
  label,
  description: state,
  state,
  icon: 'vm',
  hasChildren: false,
  actions: ['start', 'kill'],
  labels,
});
const ITEMS = [
  item('Alpine', 'stopped', { team: 'kernel' }),
  item('Debian', 'running', { team: 'tools', os: 'linux' }),
  item('Tour', 'paused'),
];

describe('the rows of the tree', () => {
  const filters: readonly [string, readonly string[]][] = [
    ['', ['Alpine', 'Debian', 'Tour']],
    ['ALP', ['Alpine']],
    ['running', ['Debian']],
    ['team=kernel', ['Alpine']],
    ['team= linux', ['Debian']],
    ['machine', ['Alpine', 'Debian', 'Tour']],
    ['nothing', []],
  ];
  for (const [filter, labels] of filters)
    it(`"${filter}" shows ${labels.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(
        ITEMS.filter((one) => passes(one, filter)).map(({ label }) => label),
        labels,
      );
    });

  it('group by state and by label', () => {
    const names = (all: ReturnType<typeof groups>): string[] =>
      all.map(({ name, items }) => `${name}: ${items.map(({ label }) => label).join(' ')}`);
    assert.deepEqual(names(groups(ITEMS, 'state')), ['running: Debian', 'paused: Tour', 'stopped: Alpine']);
    assert.deepEqual(names(groups(ITEMS, 'label:team')), [
      'team: kernel: Alpine',
      'team: tools: Debian',
      'no team: Tour',
    ]);
    assert.deepEqual(labelNames(ITEMS), ['os', 'team']);
  });

  it('key their menus by kind, state and actions', () => {
    assert.equal(contextValue(ITEMS[1]!), ';kind:machine;state:running;start;kill;');
    assert.equal(contextValue({ kind: 'folder', state: undefined, actions: [] }), ';kind:folder;');
  });
});
