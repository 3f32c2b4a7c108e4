/** Expressions over the types of a program: their types, values and places, and what is said of wrong ones. */
import assert from 'node:assert/strict';
import type { Expression } from '../../../src/symbols/expression/ast';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { parseExpression, parseTyped } from '../../../src/symbols/expression/parse';
import type { TypedExpression } from '../../../src/symbols/expression/typed';
import { typeText } from '../../../src/symbols/types/type-text';
import { GuestMemory, NAMES } from '../types/guest';
import { outcome } from './names';

const SCOPE = new GuestMemory().scope();

function number(expression: Expression): string {
  const { value, type } = evaluate(structuredClone(expression), SCOPE);
  return 'to' in type ? `0x${value.toString(16)}` : String(value);
}

/** `type = value`. */
function valueShown(text: string): string {
  const { type, value } = parseTyped(text, NAMES);
  return `${type ? typeText(type) : '-'} = ${value ? number(value) : 'none'}`;
}

/** Where it is. */
function placeShown({ place, bits }: TypedExpression): string {
  const part = bits ? ` bits ${bits.offset}+${bits.size}` : '';
  if (!place) return 'nowhere';
  if (place.kind === 'memory') return number(place.address) + part;
  return (place.kind === 'register' ? place.name : place.kind) + part;
}

const VALUES: readonly (readonly [string, string])[] = [
  // Symbols by their types
  ['counter', 'long unsigned int = 1234605616436508552'],
  ['small', 'short int = -2'],
  ['mode', 'enum state = 4'],
  ['pi', 'double = none'],
  ['init_task', 'struct task = none'],
  ['runner', 'int (void) = 0xffffffff81000000'],
  ['table_of_int', 'int [8] = 0x1040'],
  ['reference', 'int = 10'],
  ['reference + 1', '- = 11'],
  ['&reference', 'int * = 0x1044'],
  ['untyped', '- = 1234605616436508552'],
  ['bare', '- = 0x1040'],
  ['bare + 4', '- = 4164'],
  ['init_task + 8', '- = 8200'],
  ['runner + 0x10', '- = 18446744071578845200'],
  // Members
  ['init_task.pid', 'int = 1'],
  ['init_task.state', 'enum state = 1'],
  ['init_task.at.y', 'int = 9'],
  ['init_task . at . y', 'int = 9'],
  ['init_task.tasks.next->next', 'struct list_head * = 0x2028'],
  ['init_task.low', 'unsigned int = 11'],
  ['init_task.high', 'unsigned int = 10'],
  ['init_task.whole', 'long unsigned int = 42949672971'],
  ['first->pid', 'int = 1'],
  ['first.pid', 'int = 1'],
  ['first->parent->parent->at.x', 'int = 8'],
  ['(*first).pid', 'int = 1'],
  ['*first->name', 'const char = 111'],
  ['first[0].pid', 'int = 1'],
  ['first->alive', '_Bool = 1'],
  ['first->letter', 'char = 65'],
  ['first->comm[1]', 'char = 110'],
  ['first->action', 'int (*)(void *) = 0xffffffff81000000'],
  ['*first->action', 'int (void *) = 0xffffffff81000000'],
  // Bit-fields
  ['first->nice', 'int = -3'],
  ['first->idle', 'unsigned int = 1'],
  ['first->prio', 'unsigned int = 344865'],
  ['first->nice + 1', '- = -2'],
  // Elements and pointers
  ['table_of_int[3]', 'int = 30'],
  ['*table_of_int', 'int = 0'],
  ['*(table_of_int + 2)', 'int = 20'],
  ['2[table_of_int]', 'int = 20'],
  ['init_task.grid[1][2]', 'int = 6'],
  ['*init_task.grid[1]', 'int = 4'],
  ['(&init_task)[0].pid', 'int = 1'],
  ['&first->at', 'struct point * = 0x2068'],
  ['&first->at + 1', 'struct point * = 0x2070'],
  ['&table_of_int[5]', 'int * = 0x1054'],
  ['&table_of_int[5] - table_of_int', '- = 5'],
  ['&table_of_int[2] - &table_of_int[5]', '- = -3'],
  ['(&init_task + 2) - &init_task', '- = 2'],
  ['&table_of_int', 'int (*)[8] = 0x1040'],
  ['&table_of_int + 1', 'int (*)[8] = 0x1060'],
  ['first + 1', 'struct task * = 0x20a0'],
  ['1 + first', 'struct task * = 0x20a0'],
  ['first - 1', 'struct task * = 0x1f60'],
  ['first == first->parent', '- = 1'],
  ['first < first + 1', '- = 1'],
  ['!first', '- = 0'],
  ['names[1][0]', 'char = 111'],
  ['first ? first : 0', 'struct task * = 0x2000'],
  ['0 ? counter : small', '- = -2'],
  ['1 ? table_of_int : 0', 'int * = 0x1040'],
  // Casts
  ['(struct task *)0x2000', 'struct task * = 0x2000'],
  ['((struct task *)0x2000)->pid', 'int = 1'],
  ['((task_t *)0x2000)->pid', 'int = 1'],
  ['((const struct task * const)0x2000)->pid', 'int = 1'],
  ['(*(struct task **)&first)->pid', 'int = 1'],
  ['(u32)counter', 'u32 = 1432778632'],
  ['(unsigned long)first', 'unsigned long = 8192'],
  ['(enum state)4', 'enum state = 4'],
  ['(_Bool)4', '_Bool = 1'],
  ['(bool)(char)0x100', 'bool = 0'],
  ['(char *)first', 'char * = 0x2000'],
  ['((char *)first)[8]', 'char = 105'],
  ['(void *)first + 1', 'void * = 0x2001'],
  ['(int (*)(void *))0x1000', 'int (*)(void) = 0x1000'],
  ['(int (*)[4])0x1040', 'int (*)[4] = 0x1040'],
  ['(*(int (*)[4])0x1040)[3]', 'int = 30'],
  ['(int *[2])names', 'int *[2] = 0x1020'],
  ['(u16[4])counter', 'u16 [4] = 0x1000'],
  ['((u16[4])counter)[3]', 'u16 = 4386'],
  ['*(u8*)physical(0x1000)', 'u8 = 136'],
  ['((struct task *)physical(0x2000))->at.y', 'int = 9'],
  // Sizes and offsets
  ['sizeof(struct task)', '- = 160'],
  ['sizeof init_task', '- = 160'],
  ['sizeof init_task.comm', '- = 16'],
  ['sizeof(first->at)', '- = 8'],
  ['sizeof(struct task *)', '- = 8'],
  ['sizeof(int[4])', '- = 16'],
  ['sizeof(u32) + 1', '- = 5'],
  ['offsetof(struct task, at.y)', '- = 108'],
  ['offsetof(struct task, grid[1][2])', '- = 100'],
  ['offsetof(struct task, high)', '- = 60'],
  ['container_of(&first->tasks, struct task, tasks)', 'struct task * = 0x2000'],
  ['container_of(init_task.tasks.next, struct task, tasks)->pid', 'int = 2'],
  ['container_of(&first->at.y, struct task, at.y)->pid', 'int = 1'],
  // Enumerators
  ['mode == STOPPED', '- = 1'],
  ['STOPPED == mode', 'There is no symbol, register or variable `STOPPED` (column 1).'],
  ['first->state in (SLEEPING, STOPPED)', '- = 1'],
  ['(enum state)DEAD', 'enum state = 9'],
  ['first->flags & F_EXEC', '- = 4'],
  // The frame's variables hide symbols and enumerators
  ['i', 'int = 3'],
  ['i + 1', '- = 4'],
  ['task->pid', 'int = 1'],
  ['task[0].at.x', 'int = 8'],
  ['spot.x', 'int = 7'],
  ['spot.y', 'int = -9'],
  ['&spot', 'struct point * = 0x3008'],
  ['text[2]', 'char = 99'],
  ['sum', 'long unsigned int = 42'],
  ['packed.x', 'int = 5'],
  ['packed.y', 'int = -1'],
  ['bytes.y', 'int = -2'],
  ['halves.x', 'int = 3'],
  ['halves.y', 'int = 0'],
  ['gone', 'int = none'],
  ['RUNNING', 'enum state = 77'],
  ['mode == RUNNING', '- = 0'],
  // Text
  ['init_task.comm == "init"', '- = 1'],
  ['init_task.comm == "ini"', '- = 0'],
  ['init_task.comm == "initd"', '- = 0'],
  ['init_task.comm != "init"', '- = 0'],
  ['first->name == "one"', '- = 1'],
  ['text == "abcd"', '- = 1'],
  ['text == "abcde"', '- = 0'],
  ['text == "abc"', '- = 0'],
  ['banner == "Hello\\x0a"', '- = 1'],
  ['i == 3 && first->comm == "init" || 0', '- = 1'],
  // Arrays with @
  ['table_of_int[2]@3', 'int [3] = 0x1048'],
  ['*first@2', 'struct task [2] = 0x2000'],
  ['(*first@2)[1].pid', 'int = 0'],
  ['first@4', 'struct task *[4] = 0x1070'],
  ['untyped@2', 'u64 [2] = 0x1000'],
  ['*table_of_int@i', 'int [] = 0x1040'],
  ['*first@(1 + 1)', 'struct task [2] = 0x2000'],
  ['sizeof(*table_of_int@4)', '- = 16'],
  // Per processor
  ['per_cpu_count', 'unsigned int = 100'],
  ['this_cpu(per_cpu_count)', 'unsigned int = 100'],
  ['per_cpu(per_cpu_count, 1)', 'unsigned int = 101'],
  ['per_cpu(per_cpu_count, i - 2)', 'unsigned int = 101'],
  ['this_cpu((unsigned int *)0x48)', 'unsigned int = 100'],
  ['raw_count', '- = 100'],
  ['$current', 'struct task * = 0x2000'],
  ['$current->pid', 'int = 1'],
  ['current->comm[0]', 'char = 105'],
  ['per_cpu(current_task, 1)->parent->pid', 'int = 1'],
  ['&this_cpu(per_cpu_count)', 'unsigned int * = 0x5048'],
];

const COMPLAINTS: readonly (readonly [string, string])[] = [
  ['init_task.pit', '`struct task` has no member `pit` (column 11): did you mean `pid`?'],
  ['first->at.z', '`struct point` has no member `z` (column 11): it has x, y.'],
  [
    'first->nothing',
    '`struct task` has no member `nothing` (column 8): it has pid, state, comm, parent, name and 16 more.',
  ],
  ['first->', 'The name of a member is missing before the end (column 8).'],
  ['first->pid.x', '`int` has no members (column 12).'],
  ['1->x', 'This has no type here and so no members: cast it, as in ((struct page *)x)->flags (column 4).'],
  ['$rbx->pid', 'This has no type here and so no members: cast it, as in ((struct page *)x)->flags (column 7).'],
  ['secret.x', '`struct hidden` is declared, but its members are not known (column 8).'],
  ['&secret + 1', 'The size of `struct hidden` is not known (column 1).'],
  ['sizeof secret', '`sizeof` takes a type, such as u32, or what has one (column 8).'],
  ['sizeof(struct hidden)', 'The size of `struct hidden` is not known (column 8).'],
  ['sizeof first->nice', 'A bit-field has no size in bytes (column 8).'],
  ['&first->nice', 'A bit-field has no address (column 1).'],
  ['&i', 'This is in the register rbx and has no address (column 1).'],
  ['&gone', 'This has no address: The compiler removed `gone` (column 1).'],
  ['gone + 1', 'The compiler removed `gone`.'],
  ['gone_task->pid', 'The compiler removed `gone_task`.'],
  ['torn + 1', 'Half of `torn` is gone.'],
  ['&1', 'Only what lies in memory has an address for & (column 1).'],
  ['&sum', 'This is not in memory and has no address (column 1).'],
  ['pi + 1', 'Floating point is shown, but not computed with (column 1).'],
  ['(double)1', 'Floating point is shown, but not computed with (column 1).'],
  ['init_task == 1', '`struct task` is no number: name one of its members (column 1).'],
  ['1 + init_task.at', '`struct point` is no number: name one of its members (column 1).'],
  ['(struct task)1', 'No value can be cast to `struct task`: write *(struct task *)ADDRESS (column 1).'],
  ['(struct tasc *)1', 'There is no type `struct tasc` (column 9): did you mean `task`?'],
  ['(struct *)1', 'There is no symbol, register or variable `struct` (column 2).'],
  ['*(void *)1 + 1', '`void` has no value: cast it to a type (column 1).'],
  ['first - &table_of_int[1]', 'The distance between `struct task *` and `int *` means nothing: cast both to u64.'],
  ['first->grid[sizeof(1', 'The ( in column 19 needs a `)` before the end (column 21).'],
  ['first + first', 'Two pointers cannot be added.'],
  ['runner(1)', '`runner` cannot be called: expressions run no guest code (column 1).'],
  ['first->action(1)', 'An operator is missing before `(` (column 14).'],
  ['counter == "x"', '`long unsigned int` is not compared with a string: only characters are (column 1).'],
  ['1 + "x"', 'A string stands right behind == or !=, as in task->comm == "init" (column 5).'],
  [
    `((char *)(first->comm == "a")) == "b"`,
    'A string stands right behind == or !=, as in task->comm == "init" (column 35).',
  ],
  [`first->comm == "${'x'.repeat(65)}"`, '`==` compares with at most 64 characters, none of them NUL (column 1).'],
  ['i@2', 'Only what lies in memory can be the first element of an array with @ (column 1).'],
  ['*first@-1', 'An array with @ has 0 to 2147483647 elements (column 1).'],
  ['offsetof(struct task, nice)', 'A bit-field has no address (column 23).'],
  ['offsetof(struct task, parent->pid)', '`offsetof` needs a `)` before `->` (column 29).'],
  ['offsetof(struct task, parent.pid)', 'This is no part of the structure itself (column 23).'],
  ['offsetof(5, x)', '`offsetof` needs a type before the number 5 (column 10).'],
  ['container_of(first, struct task)', '`container_of` needs a `,` before `)` (column 32).'],
  ['this_cpu(nothing)', 'There is no variable `nothing` (column 10).'],
  ['this_cpu(1)', 'A per-CPU variable or a pointer to one is needed (column 10).'],
  ['1 + list(init_task.tasks, struct task, tasks)', '`list(…)` stands alone: it is no value (column 5).'],
  ['list(first, struct task, tasks)', '`struct task *` is no `list_head` (column 6).'],
  ['first->pid = 2', 'An expression does not assign: compare with == (column 12).'],
  ['(int[99999999999])names', 'The array is too long (column 6).'],
  ['init_task.', 'The name of a member is missing (column 11).'],
];

describe('typed expressions', () => {
  for (const [text, expected] of VALUES) {
    it(text, () =>
      assert.equal(
        outcome(() => valueShown(text)),
        expected,
      ),
    );
  }
  for (const [text, expected] of COMPLAINTS) {
    it(`refuses ${text.slice(0, 50)}`, () => {
      const shown = outcome(() => {
        const { value } = parseTyped(text, NAMES);
        return value ? number(value) : 'none';
      });
      assert.equal(shown, expected);
    });
  }
});

describe('places of typed expressions', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['init_task', '0x2000'],
    ['init_task.at', '0x2068'],
    ['init_task.at.y', '0x206c'],
    ['first->nice', '0x2040 bits 0+3'],
    ['first->prio', '0x2040 bits 4+20'],
    ['first->grid[1]', '0x205c'],
    ['*first', '0x2000'],
    ['first', '0x1070'],
    ['untyped', '0x1000'],
    ['pi', '0x1010'],
    ['reference', '0x1044'],
    ['spot.y', '0x300c'],
    ['i', 'rbx'],
    ['packed.y', 'rax bits 32+32'],
    ['halves', 'pieces'],
    ['gone', 'absent'],
    ['*(u32*)physical(0x1008)', '0x1008'],
    ['first + 1', 'nowhere'],
    ['1', 'nowhere'],
  ];
  for (const [text, expected] of cases) {
    it(text, () =>
      assert.equal(
        outcome(() => placeShown(parseTyped(text, NAMES))),
        expected,
      ),
    );
  }
});

describe('containers', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['list(init_task.tasks, struct task, tasks)', 'list 0x2028 struct task 40'],
    ['list(&init_task.tasks, struct task, tasks)', 'list 0x2028 struct task 40'],
    ['list(0x2028)', 'list 0x2028'],
    ['hlist(heads[1], struct task, node)', 'hlist 0x1120 struct task 128'],
    ['rbtree(tree)', 'rbtree 0x1110'],
    ['xarray(pages, struct task)', 'xarray 0x1100 struct task 0'],
    ['list (init_task.tasks', '`list` needs a `)` before the end (column 22).'],
    ['list(init_task.tasks) + 1', 'An operator is missing before `+` (column 23).'],
  ];
  for (const [text, expected] of cases) {
    it(text, () => {
      const shown = outcome(() => {
        const { kind, head, element } = parseTyped(text, NAMES).view!;
        return `${kind} ${number(head)}${element ? ` ${typeText(element.type)} ${element.offset}` : ''}`;
      });
      assert.equal(shown, expected);
    });
  }
});

describe('typed expressions as plain values', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['init_task', '0x2000'],
    ['init_task.comm', '0x2008'],
    ['first->pid', '1'],
    ['*first', '0x2000'],
    ['list(init_task.tasks)', '`list(…)` stands alone: it is no value (column 1).'],
    ['pi', 'Floating point is shown, but not computed with (column 1).'],
  ];
  for (const [text, expected] of cases) {
    it(text, () =>
      assert.equal(
        outcome(() => number(parseExpression(text, NAMES))),
        expected,
      ),
    );
  }
});
