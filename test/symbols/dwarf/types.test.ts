// Types out of entries made by hand: what the compilers here do not write, and what one entry leaves to another.
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import { ATTRIBUTE as AT, TAG } from '../../../src/symbols/dwarf/tags';
import { memoryBytes, openSymbolFile, type SymbolFile } from '../../../src/symbols/symbol-file';
import type { Member, NamedKind, Type } from '../../../src/symbols/types/type';
import { elfImage } from '../elf-image';
import { type Die, FORM, unitOf, type UnitOptions } from './dies';

const C11 = 0x1d;
const RUST = 0x1c;

/** A type as one line; structures by name inside of others. */
function shown(type: Type | undefined, isInner = false): string {
  if (!type) return 'nothing';
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'integer':
      return `${type.isSigned ? 's' : 'u'}${type.size * 8} ${type.name}${type.shown === 'number' ? '' : ` (${type.shown})`}`;
    case 'float':
      return `float${type.size * 8} ${type.name}`;
    case 'pointer':
      return `${shown(type.to, true)}${type.isReference ? '&' : '*'}${type.size === 8 ? '' : type.size}`;
    case 'array':
      return `${shown(type.of, true)}[${type.count ?? ''}]`;
    case 'typedef':
      return `${type.name} = ${shown(type.to, true)}`;
    case 'function': {
      const parameters = type.parameters.map(({ name, type: one }) => `${shown(one, true)} ${name ?? ''}`.trim());
      return `${shown(type.returns, true)}(${[...parameters, ...(type.isVariadic ? ['...'] : [])].join(', ')})`;
    }
    case 'enum':
      return `enum ${type.name} ${type.isSigned ? 's' : 'u'}${type.size * 8} ${type.values.map(({ name, value }) => `${name}=${value}`).join(' ')}`;
    case 'struct':
    case 'union':
    case 'class':
      return isInner
        ? `${type.kind} ${type.name}`
        : `${type.kind} ${type.name} ${type.size} { ${type.members.map(member).join('; ')} }`;
    default:
      return `${type.kind} ${shown(type.to, true)}`;
  }
}

function member({ name, type, bitOffset, bitSize, onlyIf }: Member): string {
  const when = onlyIf ? ` if ${onlyIf.discriminant.name} = ${onlyIf.value}` : '';
  return `${bitOffset}${bitSize === undefined ? '' : `:${bitSize}`} ${name}: ${shown(type, true)}${when}`;
}

const name = (text: string) => [AT.name, FORM.string, text] as const;
const size = (bytes: number) => [AT.byteSize, FORM.data1, bytes] as const;
const type = (ref: string) => [AT.type, FORM.ref4, { ref }] as const;
const base = (text: string, bytes: number, encoding: number): Die => ({
  tag: TAG.baseType,
  label: text,
  at: [name(text), size(bytes), [AT.encoding, FORM.data1, encoding]],
});
const memberAt = (text: string, of: string, ...more: NonNullable<Die['at']>): Die => ({
  tag: TAG.member,
  at: [name(text), type(of), ...more],
});
const at = (offset: number) => [AT.dataMemberLocation, FORM.data1, offset] as const;

const BASES: readonly Die[] = [
  base('int', 4, 5),
  base('char', 1, 6),
  base('_Bool', 1, 2),
  base('double', 8, 4),
  base('complex double', 16, 3),
  base('char32_t', 4, 0x10),
  base('__int128', 16, 5),
];

function fileOf(language: number, entries: readonly Die[], more: readonly [Die, UnitOptions][] = []): SymbolFile {
  const root: Die = {
    tag: TAG.compileUnit,
    at: [[AT.language, FORM.data1, language]],
    children: [...BASES, ...entries],
  };
  const units: readonly [Die, UnitOptions][] = [[root, {}], ...more];
  const info: Uint8Array[] = [];
  const types: Uint8Array[] = [];
  const shapes: Uint8Array[] = [];
  for (const [die, options] of units) {
    const abbreviations = shapes.reduce((sum, { length }) => sum + length, 0);
    const unit = unitOf(die, { ...options, abbreviations });
    (options.version === 4 && options.type ? types : info).push(unit.info);
    shapes.push(unit.shapes);
  }
  return openSymbolFile(
    memoryBytes(
      elfImage([
        { name: '.debug_abbrev', contents: Buffer.concat(shapes) },
        { name: '.debug_info', contents: Buffer.concat(info) },
        ...(types.length > 0 ? [{ name: '.debug_types', contents: Buffer.concat(types) }] : []),
      ]),
    ),
  );
}

describe('symbols: types of entries', () => {
  const cases: [string, Die[], kind: NamedKind, named: string, wanted: string][] = [
    ['an integer', [], 'base', 'int', 's32 int'],
    ['a character', [], 'base', 'char', 's8 char (character)'],
    ['a character of Unicode', [], 'base', 'char32_t', 'u32 char32_t (character)'],
    ['a truth value', [], 'base', '_Bool', 'u8 _Bool (boolean)'],
    ['a floating-point number', [], 'base', 'double', 'float64 double'],
    ['a complex number', [], 'base', 'complex double', 'float64 double[2]'],
    ['128 bits', [], 'base', '__int128', 's128 __int128'],
    [
      'bit-fields as DWARF 2 counts them, from the highest bit',
      [
        {
          tag: TAG.structureType,
          at: [name('old'), size(8)],
          children: [
            memberAt('a', 'int', at(0), size(4), [AT.bitSize, FORM.data1, 3], [AT.bitOffset, FORM.data1, 29]),
            memberAt('b', 'int', at(4), [AT.bitSize, FORM.data1, 5], [AT.bitOffset, FORM.data1, 20]),
            memberAt('c', 'int', [AT.bitSize, FORM.data1, 9], [AT.dataBitOffset, FORM.data1, 40]),
          ],
        },
      ],
      'struct',
      'old',
      'struct old 8 { 0:3 a: s32 int; 39:5 b: s32 int; 40:9 c: s32 int }',
    ],
    [
      "a member's place as an expression; one that the program computes is left out, static ones too",
      [
        {
          tag: TAG.classType,
          at: [name('derived'), size(24)],
          children: [
            { tag: TAG.inheritance, at: [type('int'), [AT.dataMemberLocation, FORM.exprloc, [0x23, 8]]] },
            { tag: TAG.inheritance, at: [type('char'), [AT.dataMemberLocation, FORM.exprloc, [0x12, 6, 0x22]]] },
            memberAt('shared', 'int', [AT.external, FORM.flagPresent, 1], [AT.declaration, FORM.flagPresent, 1]),
            memberAt('own', 'char', at(12)),
          ],
        },
      ],
      'struct',
      'derived',
      'class derived 24 { 64 undefined: s32 int; 96 own: s8 char (character) }',
    ],
    [
      'an array of two dimensions, one of no length, one whose length is computed',
      [
        {
          tag: TAG.structureType,
          at: [name('arrays'), size(30)],
          children: [
            memberAt('grid', 'grid', at(0)),
            memberAt('none', 'none', at(24)),
            memberAt('open', 'open', at(24)),
            memberAt('computed', 'computed', at(24)),
          ],
        },
        {
          tag: TAG.arrayType,
          label: 'grid',
          at: [type('int')],
          children: [
            { tag: TAG.subrangeType, at: [[AT.upperBound, FORM.data1, 1]] },
            { tag: TAG.subrangeType, at: [[AT.count, FORM.data1, 3]] },
          ],
        },
        {
          tag: TAG.arrayType,
          label: 'none',
          at: [type('int')],
          children: [{ tag: TAG.subrangeType, at: [[AT.upperBound, FORM.data8, (1n << 64n) - 1n]] }],
        },
        { tag: TAG.arrayType, label: 'open', at: [type('int')], children: [{ tag: TAG.subrangeType }] },
        {
          tag: TAG.arrayType,
          label: 'computed',
          at: [type('int')],
          children: [{ tag: TAG.subrangeType, at: [[AT.upperBound, FORM.exprloc, [0x91, 0, 6]]] }],
        },
      ],
      'struct',
      'arrays',
      'struct arrays 30 { 0 grid: s32 int[3][2]; 192 none: s32 int[0]; 192 open: s32 int[]; 192 computed: s32 int[] }',
    ],
    [
      'an enumeration with negative values, and one that says of what it is made',
      [
        {
          tag: TAG.enumerationType,
          at: [name('signs'), size(4)],
          children: [
            { tag: TAG.enumerator, at: [name('MINUS'), [AT.constValue, FORM.sdata, -1]] },
            { tag: TAG.enumerator, at: [name('BIG'), [AT.constValue, FORM.implicitConst, 300]] },
          ],
        },
      ],
      'enum',
      'signs',
      'enum signs s32 MINUS=-1 BIG=300',
    ],
    [
      'a structure that is defined after its declaration, by way of a typedef',
      [
        { tag: TAG.structureType, label: 'declared', at: [name('late'), [AT.declaration, FORM.flagPresent, 1]] },
        { tag: TAG.structureType, at: [name('late'), size(1)], children: [memberAt('x', 'char', at(0))] },
        { tag: TAG.typedef, at: [name('late_t'), type('declared')] },
      ],
      'struct',
      'late',
      'struct late 1 { 0 x: s8 char (character) }',
    ],
    [
      'a function type',
      [
        {
          tag: TAG.subroutineType,
          label: 'printer',
          at: [type('int')],
          children: [{ tag: TAG.formalParameter, at: [type('double')] }, { tag: TAG.unspecifiedParameters }],
        },
        { tag: TAG.pointerType, label: 'pointer', at: [size(4), type('printer')] },
        { tag: TAG.typedef, at: [name('printer_t'), type('pointer')] },
      ],
      'typedef',
      'printer_t',
      'printer_t = s32 int(float64 double, ...)*4',
    ],
  ];
  for (const [title, entries, kind, named, wanted] of cases) {
    it(title, () => assert.equal(shown(fileOf(C11, entries).types!.typeNamed(kind, named)), wanted));
  }

  it("Rust's variants name their discriminant, and types their modules", () => {
    const shape: Die = {
      tag: TAG.structureType,
      at: [name('Shape'), size(16)],
      children: [
        {
          tag: TAG.variantPart,
          at: [[AT.discr, FORM.ref4, { ref: 'tag' }]],
          children: [
            { tag: TAG.member, label: 'tag', at: [type('int'), at(0)] },
            { tag: TAG.variant, at: [[AT.discrValue, FORM.data1, 0]], children: [memberAt('Circle', 'double', at(8))] },
            { tag: TAG.variant, children: [memberAt('Other', 'int', at(4))] },
          ],
        },
      ],
    };
    const space: Die = {
      tag: TAG.namespace,
      at: [name('geo')],
      children: [{ tag: TAG.namespace, at: [name('flat')], children: [shape] }],
    };
    const { types } = fileOf(RUST, [space]);
    assert.equal(
      shown(types!.typeNamed('struct', 'geo::flat::Shape')),
      'struct geo::flat::Shape 16 { 0 <discriminant>: s32 int; ' +
        '64 Circle: float64 double if <discriminant> = 0; 32 Other: s32 int if <discriminant> = undefined }',
    );
    assert.deepEqual(types!.typeNames('geo', 9), ['geo::flat::Shape']);
  });

  for (const version of [4, 5] as const) {
    it(`a type in a unit of its own, DWARF ${version}`, () => {
      const signature = 0x1234_5678_9abc_def0n;
      const own: Die = {
        tag: TAG.compileUnit,
        at: [[AT.language, FORM.data1, C11]],
        children: [{ tag: TAG.structureType, label: 'far', at: [name('far'), size(2)], children: [] }],
      };
      const user: Die[] = [
        { tag: TAG.typedef, at: [name('far_t'), [AT.type, FORM.refSig8, signature]] },
        {
          tag: TAG.structureType,
          label: 'stub',
          at: [
            [AT.declaration, FORM.flagPresent, 1],
            [AT.signature, FORM.refSig8, signature],
          ],
        },
        { tag: TAG.typedef, at: [name('stub_t'), type('stub')] },
      ];
      const { types } = fileOf(C11, user, [[own, { version, type: { signature, label: 'far' } }]]);
      assert.equal(shown(types!.typeNamed('typedef', 'far_t')), 'far_t = struct far');
      const stub = types!.typeNamed('typedef', 'stub_t');
      assert.ok(stub?.kind === 'typedef' && stub.to.kind === 'struct' && stub.to.size === 2);
    });
  }

  it('a type that is made of itself is damage, one that points to itself is none', () => {
    const { types } = fileOf(C11, [
      { tag: TAG.typedef, label: 'a', at: [name('a'), type('b')] },
      { tag: TAG.constType, label: 'b', at: [type('a')] },
      { tag: TAG.typedef, label: 'p', at: [name('p'), type('q')] },
      { tag: TAG.pointerType, label: 'q', at: [type('p')] },
      { tag: TAG.enumerationType, label: 'e', at: [name('circle'), size(2), type('e')], children: [] },
      // No type at all, but hostile files refer to anything.
      { tag: TAG.member, label: 'm', at: [type('m')] },
      { tag: TAG.typedef, at: [name('n'), type('m')] },
    ]);
    for (const named of ['a', 'n']) assert.throws(() => types!.typeNamed('typedef', named), UserError);
    const circle = types!.typeNamed('enum', 'circle');
    assert.ok(circle?.kind === 'enum' && circle.size === 2);
    const p = types!.typeNamed('typedef', 'p');
    assert.ok(p?.kind === 'typedef' && p.to.kind === 'pointer' && p.to.to === p);
  });

  it('names symbols by what defines them, by their linkage names, and not by declarations', () => {
    const { types } = fileOf(RUST, [
      {
        tag: TAG.variable,
        label: 'declared',
        at: [name('counter'), type('int'), [AT.declaration, FORM.flagPresent, 1]],
      },
      { tag: TAG.variable, at: [[AT.specification, FORM.ref4, { ref: 'declared' }], type('double')] },
      {
        tag: TAG.namespace,
        at: [name('ns')],
        children: [
          { tag: TAG.subprogram, at: [name('mangled'), [AT.linkageName, FORM.string, '_ZN2ns7mangledE'], type('int')] },
          { tag: TAG.subprogram, at: [name('plain'), type('char')] },
        ],
      },
    ]);
    const cases: [string, string][] = [
      ['counter', 'float64 double'],
      ['_ZN2ns7mangledE', 's32 int()'],
      ['ns::mangled', 's32 int()'],
      ['mangled', 'nothing'],
      ['plain', 's8 char (character)()'],
      ['nothing', 'nothing'],
    ];
    for (const [symbol, wanted] of cases) assert.equal(shown(types!.typeOfSymbol(symbol)), wanted, symbol);
    assert.equal(types!.typeNamed('struct', 'counter'), undefined);
  });

  it('tells variables of one name apart by their addresses', () => {
    const place = (address: number) => [AT.location, FORM.exprloc, [3, address, 0, 0, 0, 0, 0, 0, 0]] as const;
    const { types } = fileOf(C11, [
      { tag: TAG.variable, at: [name('ops'), type('int'), [AT.declaration, FORM.flagPresent, 1]] },
      { tag: TAG.variable, at: [name('ops'), type('double'), place(0x40)] },
      { tag: TAG.variable, at: [name('ops'), type('char'), place(0x50)] },
    ]);
    const shownAt = (address?: bigint) => shown(types!.typeOfSymbol('ops', address));
    assert.equal(shownAt(), 'float64 double');
    assert.equal(shownAt(0x40n), 'float64 double');
    assert.equal(shownAt(0x50n), 's8 char (character)');
    assert.equal(shownAt(0x60n), 'float64 double');
  });

  it('finds the constants of enumerations, those of C++ by their namespace', () => {
    const color: Die = {
      tag: TAG.enumerationType,
      at: [name('color'), size(4)],
      children: [
        { tag: TAG.enumerator, at: [name('RED'), [AT.constValue, FORM.data1, 3]] },
        { tag: TAG.enumerator, at: [name('BLUE'), [AT.constValue, FORM.sdata, -4]] },
      ],
    };
    const after: Die = { tag: TAG.typedef, at: [name('after'), type('int')] };
    const space: Die = { tag: TAG.namespace, at: [name('ns')], children: [color, after] };
    const value = (language: number, entries: Die[], constant: string) =>
      fileOf(language, entries).types!.enumerator!(constant)?.value;
    assert.equal(value(C11, [color, after], 'RED'), 3n);
    assert.equal(value(C11, [color, after], 'BLUE'), -4n);
    assert.equal(value(RUST, [space], 'ns::BLUE'), -4n);
    assert.equal(value(RUST, [space], 'BLUE'), undefined);
    assert.equal(shown(fileOf(RUST, [space]).types!.typeNamed('typedef', 'ns::after')), 'ns::after = s32 int');
  });

  it('the same entry is the same type; an index that was kept gives the same answers', () => {
    const pair: Die = { tag: TAG.structureType, at: [name('pair'), size(4)], children: [memberAt('x', 'int', at(0))] };
    const file = fileOf(C11, [pair]);
    assert.equal(file.typeIndex!.serialise(), undefined);
    const found = file.types!.typeNamed('struct', 'pair');
    assert.equal(file.types!.typeNamed('struct', 'pair'), found);
    const kept = file.typeIndex!.serialise()!;
    const again = fileOf(C11, [pair]);
    assert.ok(again.typeIndex!.restore(kept));
    assert.equal(shown(again.types!.typeNamed('struct', 'pair')), shown(found));
    assert.deepEqual(again.types!.typeNames('', 3), ['_Bool', '__int128', 'char']);
    assert.equal(fileOf(C11, []).typeIndex!.restore(kept), false);
  });
});
