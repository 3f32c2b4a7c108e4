/** Other values for variables, members and elements. */
import assert from 'node:assert/strict';
import { assignExpression, showExpression } from '../../../src/dap/values/show';
import { contextOf, GuestReader, outcomeOf, rowAt } from './guest-reader';

/** An assignment, what the row says then, and what else has changed. */
const cases: readonly (readonly [text: string, value: string, expected: string])[] = [
  ['first->pid', '26', '26 (0x1a)'],
  ['first->pid', '-1', '-1 (0xffffffff)'],
  ['first->pid', '0xffffffff', '-1 (0xffffffff)'],
  ['first->pid', '0x100000000', '`0x100000000` is no `int`: it does not fit in 32 bits.'],
  ['first->pid', '-0x80000001', '`-0x80000001` is no `int`: it does not fit in 32 bits.'],
  ['first->pid', '(int)0x1ffffffff', '-1 (0xffffffff)'],
  ['first->pid', 'first->pid + 1', '2'],
  ['first->pid', '27 (0x1b)', '27 (0x1b)'],
  ['first->pid', 'nothing', 'There is no symbol, register or variable `nothing` (column 1).'],
  ['first->nice', '2', '2'],
  ['first->nice', '-4', '-4 (0x4)'],
  ['first->nice', '8', '`8` is no `int`: it does not fit in 3 bits.'],
  ['first->idle', '0', '0'],
  ['first->prio', '0xfffff', '1048575 (0xfffff)'],
  ['first->state', 'DEAD', 'DEAD'],
  ['first->state', '4', 'STOPPED'],
  ['first->flags', 'F_WRITE | F_EXEC', 'F_WRITE | F_EXEC'],
  ['mode', 'RUNNING', 'RUNNING'],
  ['first->alive', 'false', 'false'],
  ['first->alive', '7', 'true'],
  ['first->letter', "'z'", "122 'z'"],
  ['first->letter', "122 'z'", "122 'z'"],
  ['first->letter', '-1', "-1 '\\xff'"],
  ['first->ratio', '1e-3', '0.001'],
  ['first->ratio', '-inf', '-inf'],
  ['first->ratio', 'first', '`first` is no `double`: write a number such as 0.5, 1e-3, inf or nan.'],
  ['first->parent', 'first + 1', '0x20a0'],
  ['first->parent', 'NULL', '0x0'],
  ['first->parent', '&init_task', '0x2000'],
  ['first->action', '0xffffffff81000000 <runner>', '0xffffffff81000000 <runner>'],
  ['first->action', 'runner', '0xffffffff81000000 <runner>'],
  ['first->name', 'names[2]', '0x1320 "two"'],
  ['first->comm', '"swapper"', '"swapper"'],
  ['first->comm', '"12345678901234567"', '`"12345678901234567"` is no `char [16]`: it has more than 16 characters.'],
  ['first->comm', 'swapper', '`swapper` is no `char [16]`: write a string such as "init".'],
  ['first->grid[1][2]', '66', '66 (0x42)'],
  ['table_of_int[7]', '7', '7'],
  ['*(u16*)physical(0x1000)', '0x1234', '4660 (0x1234)'],
  ['untyped', '1', '1'],
  ['$rbx', '5', '5'],
  ['i', '5', '5'],
  ['packed.y', '1', '1'],
  ['small_flags', 'F_EXEC', 'F_EXEC'],
  ['spot.y', '10', '10 (0xa)'],
  ['first->at', '1', 'first->at cannot be written.'],
  ['first->grid', '1', 'first->grid cannot be written.'],
  ['gone', '1', 'gone cannot be written.'],
  ['sum', '1', 'sum cannot be written.'],
  ['halves.x', '1', 'halves.x cannot be written.'],
  ['first + 1', '1', 'first + 1 cannot be written.'],
  ['5', '1', 'Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.'],
];

describe('assignment to values', () => {
  for (const [text, value, expected] of cases) {
    it(`${text} = ${value}`, async () => {
      const reader = new GuestReader();
      const context = contextOf(reader);
      const shown = await outcomeOf(async () => (await assignExpression(text, value, '', context)).value);
      assert.equal(shown, expected);
      const isRefused = /\.$/.test(expected);
      if (!isRefused) assert.equal((await showExpression(text, '', context)).value, expected, 'read again');
    });
  }

  it('neighbours stay as they are', async () => {
    const reader = new GuestReader();
    const before = reader.memory.bytes.slice();
    await assignExpression('first->prio', '0', '', contextOf(reader));
    const changed = [...before.keys()].filter((at) => before[at] !== reader.memory.bytes[at]);
    assert.deepEqual(
      changed.map((at) => at + 0x1000),
      [0x2040, 0x2041, 0x2042],
    );
    assert.equal((await rowAt('first->nice', reader)).value, '-3 (0x5)');
    assert.equal((await rowAt('first->idle', reader)).value, '1');
    await assignExpression('i', '-1', '', contextOf(reader));
    assert.equal(reader.registers['rbx']!.value, 0xffffffff_ffffffffn);
    await assignExpression('packed.x', '7', '', contextOf(reader));
    assert.equal(reader.registers['rax']!.value, 0xffffffff_00000007n);
  });

  it('members of a row are written', async () => {
    const reader = new GuestReader();
    const row = await rowAt('init_task / at / y', reader);
    assert.equal((await row.assign!('99')).value, '99 (0x63)');
    assert.equal((await rowAt('first->at', reader)).value, '{x = 8, y = 99}');
  });
});
