/** Names, sizes, members and equality of types; damaged ones that have no end. */
import assert from 'node:assert/strict';
import { memberNamed, namedMembers } from '../../../src/symbols/types/members';
import { completed, plain, sizeOf } from '../../../src/symbols/types/plain';
import { sameType } from '../../../src/symbols/types/same-type';
import type { AggregateType, Member, Type } from '../../../src/symbols/types/type';
import { typeText } from '../../../src/symbols/types/type-text';
import {
  ACTION,
  aggregate,
  arrayOf,
  CHAR,
  constOf,
  HIDDEN,
  INT,
  LONG_DOUBLE,
  pointerTo,
  STATE,
  TASK,
  TASK_T,
  TYPES,
  U32,
  UINT,
  VOID_POINTER,
} from './sample';

/** Types that contain themselves, as only damaged debug information makes them. */
function endless(kind: 'typedef' | 'const' | 'pointer' | 'array'): Type {
  const type = { kind, name: 'loop', size: 8, count: 3 } as unknown as { to: Type; of: Type } & Type;
  Object.assign(type, { to: type, of: type });
  return type;
}
const ENDLESS = (['typedef', 'const', 'pointer', 'array'] as const).map(endless);
const ENDLESS_STRUCT = ((): AggregateType => {
  const members: Member[] = [];
  const type: AggregateType = { kind: 'struct', name: 'loop', size: 8, members };
  members.push({ name: undefined, type, bitOffset: 0 }, { name: undefined, type, bitOffset: 0 });
  return type;
})();

describe('types as text', () => {
  const cases: readonly (readonly [Type, string, string])[] = [
    [INT, '', 'int'],
    [INT, 'n', 'int n'],
    [pointerTo(TASK), '', 'struct task *'],
    [pointerTo(pointerTo(TASK)), 'p', 'struct task **p'],
    [arrayOf(CHAR, 16), '', 'char [16]'],
    [arrayOf(arrayOf(INT, 3), 2), 'grid', 'int grid[2][3]'],
    [arrayOf(CHAR), 'more', 'char more[]'],
    [arrayOf(pointerTo(CHAR), 4), '', 'char *[4]'],
    [pointerTo(arrayOf(INT, 4)), '', 'int (*)[4]'],
    [ACTION, '', 'int (*)(void *)'],
    [ACTION, 'action', 'int (*action)(void *)'],
    [arrayOf(ACTION, 2), '', 'int (*[2])(void *)'],
    [{ kind: 'function', returns: ACTION, parameters: [], isVariadic: false }, 'f', 'int (*f(void))(void *)'],
    [
      { kind: 'function', returns: INT, parameters: [{ name: 's', type: pointerTo(constOf(CHAR)) }], isVariadic: true },
      'printf',
      'int printf(const char *, ...)',
    ],
    [constOf(CHAR), '', 'const char'],
    [constOf(arrayOf(constOf(CHAR), 3)), 'text', 'const char text[3]'],
    [pointerTo(constOf(CHAR)), '', 'const char *'],
    [constOf(pointerTo(CHAR)), '', 'char *const'],
    [constOf({ kind: 'volatile', to: pointerTo(CHAR) }), 'p', 'char *volatile const p'],
    [TASK_T, '', 'task_t'],
    [STATE, '', 'enum state'],
    [aggregate('union', undefined, 4), 'u', 'union {…} u'],
    [{ kind: 'pointer', size: 8, to: INT, isReference: true }, 'r', 'int &r'],
    [VOID_POINTER, '', 'void *'],
  ];
  for (const [type, declarator, expected] of cases)
    it(expected, () => assert.equal(typeText(type, declarator), expected));

  for (const type of ENDLESS) it(`ends for an endless ${type.kind}`, () => assert.match(typeText(type), /…|loop/));
});

describe('functions that take themselves twice', () => {
  function branching(): Type {
    const type = { kind: 'function', isVariadic: false } as unknown as Type;
    const parameters = [
      { name: 'a', type },
      { name: 'b', type },
    ];
    return Object.assign(type, { returns: type, parameters });
  }

  it('are written with an end', () => assert.ok(typeText(branching()).length < 100_000));
  it('are compared with an end', () => assert.equal(sameType(branching(), branching()), false));
});

describe('sizes of types', () => {
  const cases: readonly (readonly [string, Type, number | undefined])[] = [
    ['typedef', U32, 4],
    ['qualified structure', constOf(TASK_T), 160],
    ['array of arrays', arrayOf(arrayOf(INT, 3), 2), 24],
    ['no elements', arrayOf(INT, 0), 0],
    ['unknown length', arrayOf(INT), undefined],
    ['array of unknown length inside', arrayOf(arrayOf(INT), 2), undefined],
    ['declared only', HIDDEN, undefined],
    ['void', { kind: 'void' }, undefined],
    ['function', ACTION.to, undefined],
    ['x87', LONG_DOUBLE, 16],
    ['absurd', arrayOf(arrayOf(INT, 2 ** 40), 2 ** 40), undefined],
  ];
  for (const [what, type, expected] of cases) it(what, () => assert.equal(sizeOf(type), expected));
  for (const type of ENDLESS) it(`ends for an endless ${type.kind}`, () => assert.ok((sizeOf(type) ?? 8) === 8));
  it('an endless typedef is void', () => assert.equal(plain(ENDLESS[0]!).kind, 'void'));
});

describe('members', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['pid', 0],
    ['comm', 64],
    ['whole', 56 * 8],
    ['high', 60 * 8],
    ['idle', 64 * 8 + 3],
    ['at', 104 * 8],
    ['x', undefined],
  ];
  for (const [name, expected] of cases) {
    it(name, () => assert.equal(memberNamed(TASK, name)?.bitOffset, expected));
  }
  it('of a structure in itself are looked for with an end', () => {
    assert.equal(memberNamed(ENDLESS_STRUCT, 'x'), undefined);
    assert.equal([...namedMembers(ENDLESS_STRUCT)].length, 0);
  });
  it('of a declaration are those of its definition', () => {
    const declared = aggregate('struct', 'task', undefined);
    assert.equal(completed(constOf(declared), TYPES), TASK);
    assert.equal(completed(HIDDEN, TYPES), HIDDEN);
  });
});

describe('same types', () => {
  const cases: readonly (readonly [string, Type, Type, boolean])[] = [
    ['typedefs', U32, UINT, true],
    ['qualifiers', pointerTo(constOf(CHAR)), constOf(pointerTo(CHAR)), true],
    ['signs', INT, UINT, false],
    ['pointers to other things', pointerTo(INT), pointerTo(CHAR), false],
    ['aggregates by name', aggregate('struct', 'task', undefined), TASK, true],
    ['aggregates without names', aggregate('struct', undefined, 4), aggregate('struct', undefined, 4), false],
    ['arrays', arrayOf(INT, 2), arrayOf(INT, 3), false],
    ['functions', ACTION, pointerTo({ ...(ACTION.to as object) } as Type), true],
    ['void', VOID_POINTER, pointerTo({ kind: 'void' }), true],
    ['endless', ENDLESS[2]!, endless('pointer'), false],
  ];
  for (const [what, left, right, expected] of cases) it(what, () => assert.equal(sameType(left, right), expected));
});
