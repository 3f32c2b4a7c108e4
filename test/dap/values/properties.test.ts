/** Rows over memory that makes no sense, and types that have no end. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/common/errors';
import type { Row } from '../../../src/dap/values/row';
import { rowOf } from '../../../src/dap/values/rows';
import { showExpression } from '../../../src/dap/values/show';
import type { Member, Type } from '../../../src/symbols/types/type';
import { GuestMemory } from '../../symbols/types/guest';
import { contextOf, GuestReader } from './guest-reader';

const SEED = 1;
const MOST_ROWS = 300;

/** Opens rows until a few hundred were seen; every one has a text of bounded length. */
async function explore(first: Row): Promise<number> {
  const rows = [first];
  let seen = 0;
  for (let row = rows.shift(); row && seen < MOST_ROWS; row = rows.shift(), seen++) {
    assert.ok(row.value.length < 700, row.value);
    const children = (await row.children?.({ start: 0, count: 8 })) ?? [];
    assert.ok(children.length <= 10, String(children.length));
    rows.push(...children);
  }
  return seen;
}

describe('properties of rows', () => {
  it('random memory is shown, opened and ends', async () => {
    const texts = [
      '*(struct task *)0x2000',
      '(struct list_head *)0x3000',
      'list(0x3000, struct task, tasks)',
      'hlist(0x3008)',
      'rbtree(0x3010)',
      'xarray(pages)',
      '*(struct xa_node *)0x2100',
      'names',
      '(char **)0x2000',
      '*first@5',
    ];
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.array(fc.tuple(fc.nat(0x4ff8), fc.oneof(fc.bigInt(0n, 0x6000n), fc.bigInt(0n, 2n ** 64n - 1n))), {
          maxLength: 120,
        }),
        async (text, words) => {
          const memory = new GuestMemory();
          // Whole words near each other, many of them addresses inside of the memory.
          for (const [at, value] of words) memory.u64(0x1000 + (at & ~7), value);
          try {
            seen += await explore(await showExpression(text, '', contextOf(new GuestReader(memory))));
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
        },
      ),
      { numRuns: 150, seed: SEED },
    );
    assert.ok(seen > 1000, String(seen));
  });

  const endless: readonly (readonly [string, () => Type])[] = [
    ['a pointer to itself', () => circular({ kind: 'pointer', size: 8 })],
    ['an array of itself', () => circular({ kind: 'array', count: 3 })],
    ['a typedef of itself', () => circular({ kind: 'typedef', name: 'loop' })],
    ['a structure in itself', () => structure('inner')],
    ['a structure in itself without a name', () => structure(undefined)],
  ];
  for (const [what, type] of endless) {
    it(`${what} is shown`, async () => {
      const located = { kind: 'memory', space: 'linear', address: 0x2000n } as const;
      const row = await rowOf({ name: 'x', type: type(), located, format: '' }, contextOf(new GuestReader()));
      assert.ok((await explore(row)) > 0);
    });
  }
});

/** A type that refers to itself, as only damaged debug information has them. */
function circular(type: object): Type {
  const whole = { ...type } as { to: Type; of: Type } & Type;
  return Object.assign(whole, { to: whole, of: whole });
}

function structure(name: string | undefined): Type {
  const members: Member[] = [];
  const type: Type = { kind: 'struct', name: 'loop', size: 8, members };
  members.push({ name, type, bitOffset: 0 }, { name: 'other', type, bitOffset: 0 });
  return type;
}
