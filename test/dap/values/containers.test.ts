/** Lists, trees and arrays of the Linux kernel by their entries; damaged ones end. */
import assert from 'node:assert/strict';
import { entriesOf } from '../../../src/dap/values/containers';
import { GuestMemory } from '../../symbols/types/guest';
import { TYPES } from '../../symbols/types/sample';
import { childrenOf, GuestReader, rowAt } from './guest-reader';

const LIST = 0x1128;
const HEADS = 0x1118;
const TREE = 0x1110;
const PAGES = 0x1100;

/** Links nodes into a ring. */
function ring(memory: GuestMemory, ...nodes: number[]): void {
  nodes.forEach((node, index) => memory.u64(node, BigInt(nodes[(index + 1) % nodes.length]!)));
}

/** A node of the tree with its right and left children. */
function treeNode(memory: GuestMemory, at: number, left: number, right: number): void {
  memory.u64(at + 8, BigInt(right));
  memory.u64(at + 16, BigInt(left));
}

/** A node of an xarray at 0x...; its slots are raw entries. */
function xaNode(memory: GuestMemory, at: number, shift: number, slots: readonly bigint[]): void {
  memory.bytes[at - 0x1000] = shift;
  slots.forEach((slot, index) => memory.u64(at + 24 + 8 * index, slot));
}
const link = (at: number): bigint => BigInt(at) | 2n;

const GUESTS: Readonly<Record<string, (memory: GuestMemory) => void>> = {
  'empty list': (memory) => ring(memory, LIST),
  'list of two': (memory) => ring(memory, LIST, 0x2028, 0x2128),
  'list that is not in use': () => {},
  'list with a loop beside its head': (memory) => {
    ring(memory, 0x2028, 0x2128);
    memory.u64(LIST, 0x2028n);
  },
  'list into nothing': (memory) => {
    memory.u64(LIST, 0x2028n);
    memory.u64(0x2028, 0x9000n);
  },
  'hash chain': (memory) => {
    memory.u64(HEADS + 8, 0x2080n);
    memory.u64(0x2080, 0x2180n);
    memory.u64(0x2180, 0n);
  },
  'hash chain that ends oddly': (memory) => {
    memory.u64(HEADS + 8, 0x2080n);
    memory.u64(0x2080, 0x13n);
  },
  tree: (memory) => {
    memory.u64(TREE, 0x4100n);
    treeNode(memory, 0x4100, 0x4140, 0x4180);
    treeNode(memory, 0x4140, 0, 0x41c0);
    treeNode(memory, 0x4180, 0, 0);
    treeNode(memory, 0x41c0, 0, 0);
  },
  'tree with a loop': (memory) => {
    memory.u64(TREE, 0x4100n);
    treeNode(memory, 0x4100, 0x4100, 0);
  },
  'xarray of one': (memory) => memory.u64(PAGES + 8, 0x2000n),
  'xarray of two levels': (memory) => {
    memory.u64(PAGES + 8, link(0x4100));
    // A slot for 4 indices, a sibling of it, a node, an entry of its own.
    xaNode(memory, 0x4100, 2, [0x2000n, 2n, link(0x4200), 0n]);
    xaNode(memory, 0x4200, 0, [0n, 0x2100n, 0x2000n, 85n]);
  },
  'xarray with a loop': (memory) => {
    memory.u64(PAGES + 8, link(0x4100));
    xaNode(memory, 0x4100, 2, [link(0x4100), 0n, 0n, 0n]);
  },
};

describe('entries of containers', () => {
  const cases: readonly (readonly [keyof typeof GUESTS, 'list' | 'hlist' | 'rbtree' | 'xarray', number, string])[] = [
    ['empty list', 'list', LIST, ''],
    ['list of two', 'list', LIST, '2028 2128'],
    ['list that is not in use', 'list', LIST, ' (a pointer in it is 0: it is not in use)'],
    ['list with a loop beside its head', 'list', LIST, '2028 2128 (0x2028 is met twice)'],
    ['list into nothing', 'list', LIST, '2028 9000 (not mapped at 0x9000)'],
    ['hash chain', 'hlist', HEADS + 8, '2080 2180'],
    ['hash chain', 'hlist', HEADS, ''],
    ['hash chain that ends oddly', 'hlist', HEADS + 8, '2080'],
    ['tree', 'rbtree', TREE, '4140 41c0 4100 4180'],
    ['tree with a loop', 'rbtree', TREE, ' (0x4100 is met twice)'],
    ['xarray of one', 'xarray', PAGES, '2000@0'],
    ['xarray of two levels', 'xarray', PAGES, '2000@0 2100@9 2000@10 55@11'],
    ['xarray with a loop', 'xarray', PAGES, ' (0x4100 is met twice)'],
  ];
  for (const [guest, kind, head, expected] of cases) {
    it(`${guest} at 0x${head.toString(16)}`, async () => {
      const memory = new GuestMemory();
      GUESTS[guest]!(memory);
      const { found, cut } = await entriesOf(kind, BigInt(head), 100, new GuestReader(memory), TYPES);
      const shown = found.map(({ address, index }) => address.toString(16) + (index === undefined ? '' : `@${index}`));
      assert.equal(shown.join(' ') + (cut === undefined ? '' : ` (${cut})`), expected);
    });
  }

  it('no more are looked at than asked for', async () => {
    const memory = new GuestMemory();
    GUESTS['list of two']!(memory);
    const { found, cut } = await entriesOf('list', BigInt(LIST), 1, new GuestReader(memory), TYPES);
    assert.deepEqual([found.length, cut], [1, 'more than 1']);
  });

  it('trees that hold nothing end', async () => {
    const memory = new GuestMemory();
    memory.u64(PAGES + 8, link(0x4000));
    // Every node leads to nodes, no entry anywhere.
    for (let at = 0x4000; at < 0x5f00; at += 8) memory.u64(at, link(0x4000 + (((at * 40) % 0x1f00) & ~3)));
    const { found, cut } = await entriesOf('xarray', BigInt(PAGES), 20, new GuestReader(memory), TYPES);
    assert.equal(found.length, 0);
    assert.match(cut!, /met twice|more than|deeper|not mapped/);
  });
});

describe('containers as rows', () => {
  const cases: readonly (readonly [guest: keyof typeof GUESTS, path: string, value: string, children: string])[] = [
    [
      'list of two',
      'list(*(struct list_head *)0x1128, struct task, tasks)',
      '{length = 2}',
      '[0] *(struct task *)0x2000 1, [1] *(struct task *)0x2100 2',
    ],
    ['list of two', 'list(0x1128)', '{length = 2}', '[0] *(struct list_head *)0x2028, [1] *(struct list_head *)0x2128'],
    [
      'list of two',
      '*(struct list_head *)0x1128',
      '{next = 0x2028, prev = 0x0}',
      'next (*(struct list_head *)0x1128).next, prev (*(struct list_head *)0x1128).prev, [length] 2, [entries] 2',
    ],
    [
      'list of two',
      '(struct list_head *)0x1128 / [entries]',
      '2',
      '[0] *(struct list_head *)0x2028, [1] *(struct list_head *)0x2128',
    ],
    ['empty list', 'list(0x1128)', '{length = 0}', ''],
    [
      'list that is not in use',
      '*(struct list_head *)0x1128',
      '{next = 0x0, prev = 0x0}',
      'next (*(struct list_head *)0x1128).next, prev (*(struct list_head *)0x1128).prev, [length] 0 <a pointer in it is 0: it is not in use>',
    ],
    [
      'hash chain',
      'hlist(heads[1], struct task, node)',
      '{length = 2}',
      '[0] *(struct task *)0x2000 1, [1] *(struct task *)0x2100 2',
    ],
    ['hash chain', 'heads[1]', '{first = 0x2080}', 'first heads[1].first, [length] 2, [entries] 2'],
    [
      'tree',
      'rbtree(tree)',
      '{length = 4}',
      '[0] *(struct rb_node *)0x4140, [1] *(struct rb_node *)0x41c0, [2] *(struct rb_node *)0x4100, [3] *(struct rb_node *)0x4180',
    ],
    [
      'xarray of two levels',
      'xarray(pages, struct task)',
      '{length = 4}',
      '[0] *(struct task *)0x2000 1, [9] *(struct task *)0x2100 2, [10] *(struct task *)0x2000 1, [11] 42',
    ],
    ['xarray of two levels', 'pages / [entries]', '4', '[0] 0x2000, [9] 0x2100, [10] 0x2000, [11] 42'],
  ];
  for (const [guest, path, value, expected] of cases) {
    it(`${guest}: ${path}`, async () => {
      const memory = new GuestMemory();
      GUESTS[guest]!(memory);
      const row = await rowAt(path, new GuestReader(memory));
      assert.equal(row.value, value);
      const shown = (await childrenOf(row)).map(({ name, value: text, evaluateName, type }) => {
        const pid = type === 'struct task' ? ` ${/pid = (\d+)/.exec(text)?.[1]}` : '';
        return `${name} ${evaluateName === undefined ? text : evaluateName + pid}`;
      });
      assert.equal(shown.join(', '), expected);
    });
  }
});
