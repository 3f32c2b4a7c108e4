/** Values of a program as rows: their text, what they open into, their names as expressions. */
import assert from 'node:assert/strict';
import { splitFormat } from '../../../src/dap/values/reader';
import { referenceTo } from '../../../src/dap/values/row';
import { placeOf, showExpression, showVariables } from '../../../src/dap/values/show';
import { LOCAL_VARIABLES } from '../../symbols/types/guest';
import { childrenOf, contextOf, GuestReader, outcomeOf, rowAt } from './guest-reader';

const TASK =
  '{pid = 1, state = SLEEPING, comm = "init", parent = 0x2000, name = 0x1310, tasks = {next = 0x2128, prev = 0x2128}, {whole = 42949672971, …}, …}';

describe('values as text', () => {
  const cases: readonly (readonly [text: string, value: string, type: string])[] = [
    ['counter', '0x1122334455667788', 'long unsigned int'],
    ['small', '-2 (0xfffe)', 'short int'],
    ['mode', 'STOPPED', 'enum state'],
    ['pi', '3.5', 'double'],
    ['init_task', TASK, 'struct task'],
    ['*first', TASK, 'struct task'],
    ['first', '0x2000', 'struct task *'],
    ['first->pid', '1', 'int'],
    ['first->nice', '-3 (0x5)', 'int'],
    ['first->idle', '1', 'unsigned int'],
    ['first->prio', '344865 (0x54321)', 'unsigned int'],
    ['first->flags', 'F_READ | F_EXEC', 'enum flags'],
    ['(enum flags)3', 'F_RW', 'enum flags'],
    ['(enum flags)0x101', 'F_READ | 0x100', 'enum flags'],
    ['(enum flags)0x100', '256', 'enum flags'],
    ['(enum flags)0', '0', 'enum flags'],
    ['(enum state)17', '17', 'enum state'],
    ['first->action', '0xffffffff81000000 <runner>', 'int (*)(void *)'],
    ['runner', '0xffffffff81000000 <runner>', 'int (void)'],
    ['&runner', '0xffffffff81000000 <runner>', 'int (*)(void)'],
    ['first->name', '0x1310 "one"', 'const char *'],
    ['first->comm', '"init"', 'char [16]'],
    ['first->comm[0]', "105 'i'", 'char'],
    ['first->comm[9]', "0 '\\0'", 'char'],
    ['(char)-1', "-1 '\\xff'", 'char'],
    ['(unsigned char)39', "39 '\\''", 'unsigned char'],
    ['first->alive', 'true', '_Bool'],
    ['first->letter', "65 'A'", 'char'],
    ['first->ratio', '0.25', 'double'],
    ['first->grid', '{{1, 2, 3}, {4, 5, 6}}', 'int [2][3]'],
    ['first->at', '{x = 8, y = 9}', 'struct point'],
    ['first->more', '""', 'char []'],
    ['endless', '"Hello\\n"', 'const char [12]'],
    ['lengthless', '"Hello\\n"', 'char []'],
    ['(unsigned char)6', '6', 'unsigned char'],
    ['(unsigned char)200', '200 (0xc8)', 'unsigned char'],
    ['banner', '"Hello\\n"', 'const char [12]'],
    ['names', '{0x1300, 0x1310, 0x1320, 0x0}', 'char *[4]'],
    ['table_of_int', '{0, 10, 20, 30, 40, 50, 60, 70}', 'int [8]'],
    ['table_of_int[2]@3', '{20, 30, 40}', 'int [3]'],
    ['*table_of_int@i', '{0, 10, 20}', 'int [3]'],
    ['*table_of_int@(i - 4)', 'An array with @ has 0 to 2147483647 elements, not -1.', ''],
    ['*first@2', `{${TASK.replace('{whole = 42949672971, …}', '{…}')}, …}`, 'struct task [2]'],
    ['reference', '10 (0xa)', 'int'],
    ['secret', '<incomplete type>', 'struct hidden'],
    ['(char *)0', '0x0', 'char *'],
    ['(char *)0x10', '0x10', 'char *'],
    ['*(struct point *)0x10', 'The 8 bytes at 0x10 cannot be read: nothing is mapped there.', ''],
    ['*(int *)0x10', 'The 4 bytes at 0x10 cannot be read: nothing is mapped there.', ''],
    ['*(struct point *)0x5ffc', '{x = 0, y = <not mapped at 0x5ffc>}', 'struct point'],
    ['((struct point *)physical(0x2068))->y', '9', 'int'],
    // Not in memory
    ['i', '3', 'int'],
    ['packed', '{x = 5, y = -1}', 'struct point'],
    ['packed.y', '-1 (0xffffffff)', 'int'],
    ['bytes', '{x = 1, y = -2}', 'struct point'],
    ['halves', '{x = 3, y = 0}', 'struct point'],
    ['torn', '<Half of `torn` is gone>', 'long unsigned int'],
    ['gone', '<The compiler removed `gone`>', 'int'],
    ['sum', '42 (0x2a)', 'long unsigned int'],
    ['small_flags', 'F_RW', 'enum flags'],
    // Without a type
    ['$rbx', '0xffffffff00000003', 'u64'],
    ['i + 26', '29 (0x1d)', 's64'],
    ['untyped', '0x1122334455667788', 'u64'],
    // Formats
    ['first->pid,x', '0x1', 'int'],
    ['small,x', '0xfffe', 'short int'],
    ['small,d', '-2', 'short int'],
    ['first->nice,b', '0b101', 'int'],
    ['first->prio,o', '01241441', 'unsigned int'],
    ['first->pid + 64 ,c', '65 (0x41)', 's64'],
    ['(u8)65,c', "65 'A'", 'u8'],
    ['mode,d', '4', 'enum state'],
    ['first->grid,x', '{{0x1, 0x2, 0x3}, {0x4, 0x5, 0x6}}', 'int [2][3]'],
    ['first->comm,d', '{105, 110, 105, 116, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}', 'char [16]'],
    ['(void *)first->name,s', '0x1310 "one"', 'void *'],
    ['first,d', '8192', 'struct task *'],
    ['i + 26,x', '0x1d', 's64'],
    // Refused
    ['first->pit', '`struct task` has no member `pit` (column 8): did you mean `pid`?', ''],
    ['gone + 1', 'The compiler removed `gone`.', ''],
  ];
  for (const [text, value, type] of cases) {
    it(text, async () => {
      const shown = await outcomeOf(async () => {
        const row = await showExpression(text, '', contextOf(new GuestReader()));
        return `${row.value}\n${row.type}`;
      });
      assert.equal(shown, type === '' ? value : `${value}\n${type}`);
    });
  }

  it('hexadecimal for the whole view leaves names and texts', async () => {
    const shown = async (text: string) => (await showExpression(text, 'h', contextOf(new GuestReader()))).value;
    assert.equal(await shown('first->at'), '{x = 0x8, y = 0x9}');
    assert.equal(await shown('mode'), 'STOPPED');
    assert.equal(await shown('first->comm'), '"init"');
    assert.equal(await shown('first->letter'), "65 'A'");
  });

  it('a comma that ends no format belongs to the expression', () => {
    assert.deepEqual(splitFormat('list(a, b, c)', ''), { text: 'list(a, b, c)', format: '' });
    assert.deepEqual(splitFormat('a , x ', 'h'), { text: 'a', format: 'x' });
  });
});

describe('what values open into', () => {
  const cases: readonly (readonly [path: string, children: readonly string[]])[] = [
    ['first->at', ['first->at.x x = 8', 'first->at.y y = 9']],
    ['&first->at', ['(&first->at)->x x = 8', '(&first->at)->y y = 9']],
    ['first / at', ['first->at.x x = 8', 'first->at.y y = 9']],
    ['init_task / parent / at', ['init_task.parent->at.x x = 8', 'init_task.parent->at.y y = 9']],
    [
      'init_task / <union>',
      ['init_task.whole whole = 42949672971 (0xa0000000b)', '- <struct> = {low = 11, high = 10}'],
    ],
    ['init_task / <union> / <struct>', ['init_task.low low = 11 (0xb)', 'init_task.high high = 10 (0xa)']],
    ['first->grid', ['first->grid[0] [0] = {1, 2, 3}', 'first->grid[1] [1] = {4, 5, 6}']],
    ['first->grid / [1]', ['first->grid[1][0] [0] = 4', 'first->grid[1][1] [1] = 5', 'first->grid[1][2] [2] = 6']],
    ['names / [1]', []],
    ['&mode', ['*(&mode) *&mode = STOPPED']],
    ['&names[2]', ['*(&names[2]) *&names[2] = 0x1320 "two"']],
    ['packed', ['packed.x x = 5', 'packed.y y = -1 (0xffffffff)']],
    ['halves', ['halves.x x = 3', 'halves.y y = 0']],
    [
      '(struct point *)physical(0x2068)',
      ['((struct point *)physical(0x2068))->x x = 8', '((struct point *)physical(0x2068))->y y = 9'],
    ],
    ['first->action', []],
    ['(void *)first', []],
    ['gone_task', []],
    ['(struct task *)0', []],
    ['secret', []],
    [
      '*(struct point *)0x5ffc',
      ['(*(struct point *)0x5ffc).x x = 0', '(*(struct point *)0x5ffc).y y = <not mapped at 0x5ffc>'],
    ],
    ['counter', []],
    ['*first@2', [`(*first@2)[0] [0] = ${TASK}`, `(*first@2)[1] [1] = {pid = 0, `]],
    ['(*first@2) / [0] / at', ['(*first@2)[0].at.x x = 8', '(*first@2)[0].at.y y = 9']],
  ];
  for (const [path, expected] of cases) {
    it(path, async () => {
      const rows = await childrenOf(await rowAt(path, new GuestReader()));
      const shown = rows.map(({ name, value, evaluateName = '-' }) => `${evaluateName} ${name} = ${value}`);
      assert.equal(shown.length, expected.length);
      expected.forEach((text, index) => assert.equal(shown[index]!.slice(0, text.length), text));
    });
  }

  it('every name of a child means the child', async () => {
    const reader = new GuestReader();
    let checked = 0;
    const visit = async (path: string, depth: number): Promise<void> => {
      for (const child of await childrenOf(await rowAt(path, reader))) {
        if (child.evaluateName !== undefined) {
          const again = await rowAt(child.evaluateName, reader);
          assert.equal(again.value, child.value, child.evaluateName);
          assert.equal(again.type, child.type, child.evaluateName);
          assert.deepEqual(again.place, child.place, child.evaluateName);
          checked++;
        }
        if (depth > 0 && child.evaluateName !== undefined) await visit(child.evaluateName, depth - 1);
      }
    };
    for (const text of ['init_task', 'first', 'names', '&names', 'halves', 'packed']) await visit(text, 2);
    assert.ok(checked > 200, String(checked));
  });

  it('a structure is read once, an array by pages', async () => {
    const reader = new GuestReader();
    const row = await rowAt('init_task', reader);
    reader.reads = 0;
    assert.equal((await childrenOf(row)).length, 19);
    // The structure, the one string that is pointed to, and the text behind its end.
    assert.equal(reader.reads, 3);
    const array = await rowAt('table_of_int', reader);
    assert.equal(array.indexed, 8);
    reader.reads = 0;
    const page = await childrenOf(array, { start: 6, count: 10 });
    assert.deepEqual(
      page.map(({ name, value }) => `${name} ${value}`),
      ['[6] 60 (0x3c)', '[7] 70 (0x46)'],
    );
    assert.equal(reader.reads, 1);
  });
});

describe('variables of a frame', () => {
  it('show what there is of each, and why not', async () => {
    const rows = await showVariables(
      [...LOCAL_VARIABLES, { ...LOCAL_VARIABLES[0]!, kind: 'local' }],
      '',
      contextOf(new GuestReader()),
    );
    assert.deepEqual(
      rows.map(({ name, value, evaluateName }) => `${name} = ${value}${evaluateName === name ? '' : ' (no name)'}`),
      [
        'i (outer) = 3 (no name)',
        'task = 0x2000',
        'spot = {x = 7, y = -9}',
        'text = "abcd"',
        'gone = <The compiler removed `gone`>',
        'gone_task = <The compiler removed `gone_task`>',
        'sum = 42 (0x2a)',
        'packed = {x = 5, y = -1}',
        'bytes = {x = 1, y = -2}',
        'halves = {x = 3, y = 0}',
        'torn = <Half of `torn` is gone>',
        'small_flags = F_RW',
        'RUNNING = 77',
        'i = 3',
      ],
    );
  });
});

describe('where values are', () => {
  const cases: readonly (readonly [text: string, place: string])[] = [
    ['init_task', '0x2000 160'],
    ['first->at.y', '0x206c 4'],
    ['first', '0x1070 8'],
    ['first + 1', '0x20a0 160'],
    ['&first->at', '0x2068 8'],
    ['first->nice', '0x2040 1'],
    ['first->prio', '0x2040 3'],
    ['untyped', '0x1000 8'],
    ['bare', '0x1040 8'],
    ['*(u16*)physical(0x1000)', 'physical:0x1000 2'],
    ['table_of_int', '0x1040 32'],
    ['table_of_int[1]@2', '0x1044 8'],
    ['i', 'none'],
    ['$rax', 'none'],
    ['gone', 'none'],
    ['5', 'none'],
  ];
  for (const [text, expected] of cases) {
    it(text, async () => {
      const place = await placeOf(text, contextOf(new GuestReader()));
      assert.equal(place ? `${referenceTo(place)} ${place.bytes}` : 'none', expected);
    });
  }

  it('a row says what memory to show', async () => {
    const memory = async (text: string): Promise<string> => {
      const row = await rowAt(text, new GuestReader());
      return row.memory ? referenceTo(row.memory) : 'none';
    };
    assert.equal(await memory('first'), '0x2000');
    assert.equal(await memory('first->at'), '0x2068');
    assert.equal(await memory('runner'), '0xffffffff81000000');
    assert.equal(await memory('(struct task *)0'), 'none');
    assert.equal(await memory('(u8*)physical(0x1000)'), 'physical:0x1000');
    assert.equal(await memory('i'), 'none');
  });
});
