// Where variables are: DWARF's operations one by one, and lists of places of both kinds.
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import type { CompileUnit } from '../../../src/symbols/dwarf/compile-units';
import { type ExpressionScope, placeOf } from '../../../src/symbols/dwarf/dwarf-expression';
import { readLocations } from '../../../src/symbols/dwarf/location-lists';
import { DwarfSections } from '../../../src/symbols/dwarf/sections';
import { ElfFile } from '../../../src/symbols/elf/elf-file';
import type { Expression } from '../../../src/symbols/expression/ast';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { memoryBytes } from '../../../src/symbols/symbol-file';
import type { Place } from '../../../src/symbols/types/place';
import { Bytes, elfImage, type ImageSection } from '../elf-image';
import { leb } from './dies';

const REGISTERS: Readonly<Record<string, bigint>> = {
  rax: 0xffff_ffff_ffff_fff6n,
  rbx: 7n,
  rdi: 0x1000n,
  rsp: 0x8000n,
  ecx: 0xffff_fff0n,
};

const sectionsOf = (...sections: ImageSection[]): DwarfSections =>
  new DwarfSections(new ElfFile(memoryBytes(elfImage(sections))));

const unitOf = (addressSize: 4 | 8, version = 5): CompileUnit => ({
  ...{ kind: 'compile', version, isDwarf64: false, addressSize, start: 0, end: 0, firstEntry: 0, abbreviations: 0 },
  ...{ lineTable: undefined, language: 0, isAssembly: false, folder: '', lowPc: 0x4000n, highPc: undefined },
  ...{
    ranges: undefined,
    addressBase: 8,
    rangeListsBase: 0,
    locationListsBase: 0,
    stringOffsetsBase: 0,
    type: undefined,
  },
});

const register = (name: string): Expression => ({ kind: 'register', name });

function scopeOf(addressSize: 4 | 8): ExpressionScope {
  const addresses = new Bytes().number(0, 8).number(0x1111, 8).number(0x2222, 8);
  return {
    unit: unitOf(addressSize),
    sections: sectionsOf({ name: '.debug_addr', contents: addresses.finish() }),
    slide: 0x10_0000n,
    frameBase: () => register('rsp'),
    frameAddress: () => register('rdi'),
    entryValue: (name) => ({ kind: 'variable', name: `entry:${name}` }),
    integerType: (offset) =>
      offset === 4 ? { bits: 32, signed: true } : offset === 1 ? { bits: 8, signed: false } : undefined,
  };
}

/** Every byte of memory is the low byte of its address. */
const scope = {
  register: (name: string) => {
    const value = REGISTERS[name];
    return value === undefined ? undefined : { value, bits: name.startsWith('e') ? 32 : 64 };
  },
  variable: (name: string) => (name === 'entry:rsi' ? 0x55n : undefined),
  read: (_: string, address: bigint, length: number) =>
    Uint8Array.from({ length }, (__, index) => Number((address + BigInt(index)) & 0xffn)),
};

function shown(place: Place): string {
  const number = (expression: Expression): string => {
    try {
      const { value, type } = evaluate(expression, scope);
      return `${value < 0n ? '-' : ''}0x${(value < 0n ? -value : value).toString(16)}${'to' in type || type.bits === 64 ? '' : ` of ${type.bits}`}`;
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
  };
  switch (place.kind) {
    case 'memory':
      return `at ${number(place.address)}`;
    case 'value':
      return `= ${number(place.value)}`;
    case 'register':
      return place.name;
    case 'bytes':
      return `bytes ${[...place.bytes].join(' ')}`;
    case 'pieces':
      return place.pieces.map((piece) => `${piece.bits}: ${shown(piece.place)}`).join(', ');
    case 'absent':
      return place.why;
  }
}

describe('symbols: DWARF expressions', () => {
  const lit = (value: number): number => 0x30 + value;
  const STACK = 0x9f;
  const cases: [string, number[], string, (4 | 8)?][] = [
    ['addr, with the slide', [0x03, 0x34, 0x12, 0, 0, 0, 0, 0, 0], 'at 0x101234'],
    ['addrx, with the slide', [0xa1, 1], 'at 0x102222'],
    ['constx, without', [0xa2, 1, STACK], '= 0x2222'],
    ['reg', [0x53], 'rbx'],
    ['regx', [0x90, 17], 'xmm0'],
    [
      'a register that does not exist',
      [0x90, 200, 1],
      'It cannot be shown: it is in the register 200, which is not known.',
    ],
    ['breg', [0x75, ...leb(-8, true)], 'at 0xff8'],
    ['breg of a 32-bit program wraps at 32 bits', [0x71, 0x20], 'at 0x10 of 32', 4],
    ['bregx', [0x92, 5, 4], 'at 0x1004'],
    ['fbreg', [0x91, ...leb(-16, true)], 'at 0x7ff0'],
    ['call_frame_cfa', [0x9c, 0x23, 8], 'at 0x1008'],
    [
      'constants of all sizes, signed',
      [0x09, 0xff, 0x0b, 0xfe, 0xff, 0x22, 0x0d, 0xfd, 0xff, 0xff, 0xff, 0x22, STACK],
      '= 0xfffffffffffffffa',
    ],
    [
      'constants of all sizes',
      [0x08, 1, 0x0a, 2, 0, 0x22, 0x0c, 3, 0, 0, 0, 0x22, 0x0e, 4, 0, 0, 0, 0, 0, 0, 0x80, 0x22, STACK],
      '= 0x800000000000000a',
    ],
    ['constu and consts', [0x10, ...leb(1n << 63n), 0x11, ...leb(-1, true), 0x22, STACK], '= 0x7fffffffffffffff'],
    ['dup, mul', [lit(5), 0x12, 0x1e, STACK], '= 0x19'],
    ['drop', [lit(5), lit(6), 0x13, STACK], '= 0x5'],
    ['over, minus', [lit(5), lit(2), 0x14, 0x1c, STACK], '= 0xfffffffffffffffd'],
    ['pick', [lit(5), lit(2), lit(1), 0x15, 2, STACK], '= 0x5'],
    ['swap', [lit(5), lit(2), 0x16, 0x1c, STACK], '= 0xfffffffffffffffd'],
    [
      'rot: 1 2 3 becomes 3 1 2',
      [lit(1), lit(2), lit(3), 0x17, 0x08, 10, 0x1e, 0x22, 0x08, 100, 0x1e, 0x22, STACK],
      '= 0x837',
    ],
    ['div is signed', [0x70, 0, lit(3), 0x1b, STACK], '= 0xfffffffffffffffd'],
    ['mod is not', [0x70, 0, lit(10), 0x1d, STACK], '= 0x6'],
    ['shr', [0x70, 0, lit(4), 0x25, STACK], '= 0xfffffffffffffff'],
    ['shra', [0x70, 0, lit(1), 0x26, STACK], '= 0xfffffffffffffffb'],
    ['shl, or, xor, and', [lit(3), lit(4), 0x24, lit(9), 0x21, lit(1), 0x27, 0x08, 0x38, 0x1a, STACK], '= 0x38'],
    ['abs of -10', [0x70, 0, 0x19, STACK], '= 0xa'],
    ['abs of 7', [0x73, 0, 0x19, STACK], '= 0x7'],
    ['neg, not', [0x73, 0, 0x1f, 0x20, STACK], '= 0x6'],
    ['lt is signed', [0x70, 0, lit(3), 0x2d, STACK], '= 0x1'],
    ['ge is signed', [0x70, 0, lit(3), 0x2a, STACK], '= 0x0'],
    ['eq, ne', [0x73, 0, lit(7), 0x29, 0x73, 0, lit(7), 0x2e, 0x22, STACK], '= 0x1'],
    ['deref', [0x75, 0, 0x06, STACK], '= 0x706050403020100'],
    ['deref_size', [0x75, 1, 0x94, 2, STACK], '= 0x201'],
    [
      'deref_size of 3 bytes',
      [0x75, 1, 0x94, 3],
      'It cannot be shown: its place needs 3 bytes of memory as one number.',
    ],
    ['skip', [lit(1), 0x2f, 1, 0, 0xff, STACK], '= 0x1'],
    ['a loop', [0x2f, 0xfd, 0xff], 'It cannot be shown: its place is a loop.'],
    // rax < 3 ? 5 : rbx
    ['a branch', [0x70, 0, lit(3), 0x2d, 0x28, 5, 0, 0x73, 0, 0x2f, 1, 0, lit(5), STACK], '= 0x5'],
    ['a branch that is not taken', [0x73, 0, lit(3), 0x2d, 0x28, 5, 0, 0x73, 0, 0x2f, 1, 0, lit(5), STACK], '= 0x7'],
    [
      'a branch between places of two kinds',
      [lit(1), 0x28, 1, 0, 0x53],
      'It cannot be shown: where it is depends on a condition.',
    ],
    [
      'a branch past the end',
      [lit(1), 0x28, 9, 0, lit(1)],
      'The place of a variable is damaged: it ends too early. Rebuild the file or use another copy of it.',
    ],
    [
      'branches without end',
      Array<number[]>(9)
        .fill([lit(1), lit(1), 0x28, 0, 0])
        .flat(),
      'It cannot be shown: its place is absurdly complicated.',
    ],
    ['implicit_value', [0x9e, 2, 9, 8], 'bytes 9 8'],
    [
      'pieces, one of them nowhere',
      [0x53, 0x93, 4, 0x93, 4, lit(2), STACK, 0x93, 8],
      '32: rbx, 32: Optimised out: the compiler kept no copy of it., 64: = 0x2',
    ],
    ['a bit piece of a register', [0x53, 0x9d, 3, 1], '3: = 0x3'],
    ['a bit piece of memory', [0x75, 0, 0x9d, 8, 16], '8: at 0x1002'],
    ['entry_value', [0xa3, 1, 0x54, STACK], '= 0x55'],
    ['GNU_entry_value and a sum', [0xf3, 1, 0x54, 0x23, 2, STACK], '= 0x57'],
    [
      'entry_value of more than a register',
      [0xa3, 2, 0x75, 0, STACK],
      'It cannot be shown: it was computed when the function was called.',
    ],
    ['const_type, convert', [0xa4, 4, 4, 0xf6, 0xff, 0xff, 0xff, 0xa8, 1, STACK], '= 0xf6 of 8'],
    ['regval_type divides as its type does', [0xa5, 0, 4, 0xa4, 4, 4, 3, 0, 0, 0, 0x1b, STACK], '= -0x3 of 32'],
    ['deref_type', [0x75, 0x80, 1, 0xa6, 1, 1, STACK], '= 0x80 of 8'],
    [
      'convert to floating point',
      [lit(1), 0xa8, 9, STACK],
      'It cannot be shown: its place needs floating-point arithmetic.',
    ],
    [
      'thread-local',
      [lit(1), 0x9b],
      'It cannot be shown: it is thread-local, and where a thread keeps such variables is not known.',
    ],
    [
      'implicit_pointer',
      [0xa0, 0, 0, 0, 0, 0],
      'It cannot be shown: the compiler dropped the pointer and kept only what it points to.',
    ],
    ['nothing', [], 'Optimised out: the compiler kept no copy of it.'],
    ['no operand', [0x22], 'It cannot be shown: its place is damaged: an operation in it has no operand.'],
    [
      'an unknown operation',
      [0x02],
      'It cannot be shown: its place needs the DWARF operation 0x2, which is not implemented.',
    ],
    [
      'doubled without end',
      [
        0x70,
        0,
        ...Array<number>(60)
          .fill(0x12)
          .flatMap((dup) => [dup, 0x22]),
        STACK,
      ],
      'It cannot be shown: its place is absurdly complicated.',
    ],
    ['a division by zero', [lit(1), lit(0), 0x1b, STACK], '= This divides by zero.'],
  ];
  for (const [name, bytes, wanted, addressSize = 8] of cases) {
    it(name, () => assert.equal(shown(placeOf(Uint8Array.from(bytes), scopeOf(addressSize))), wanted));
  }

  it('cut short anywhere, it is an answer', () => {
    for (const [, bytes] of cases) {
      for (let length = 0; length < bytes.length; length += 1) {
        assert.ok(placeOf(Uint8Array.from(bytes.slice(0, length)), scopeOf(8)).kind);
      }
    }
  });
});

describe('symbols: lists of places', () => {
  const location = (value: number): number[] => [1, 0x30 + value];
  const word = (value: bigint): number[] => [...new Bytes().number(value, 8).finish()];
  const range = (version: number, bytes: number[]): string => {
    const name = version >= 5 ? '.debug_loclists' : '.debug_loc';
    const addresses = new Bytes().number(0, 8).number(0x7000, 8).number(0x7010, 8).finish();
    const sections = sectionsOf(
      { name, contents: Uint8Array.from(bytes) },
      { name: '.debug_addr', contents: addresses },
    );
    return readLocations(0, unitOf(8, version), sections)
      .map(({ start, end, expression }) => `${start?.toString(16)}-${end?.toString(16)}: ${expression[0]! - 0x30}`)
      .join(', ');
  };
  const cases: [string, number, number[], string][] = [
    ['offset_pair counts from the unit', 5, [4, 0x10, 0x20, ...location(1), 0], '4010-4020: 1'],
    ['base_address', 5, [6, ...word(0x9000n), 4, 1, 2, ...location(1), 0], '9001-9002: 1'],
    ['base_addressx', 5, [1, 1, 4, 1, 2, ...location(1), 0], '7011-7012: 1'],
    ['startx_endx', 5, [2, 0, 1, ...location(3), 0], '7000-7010: 3'],
    ['startx_length', 5, [3, 1, 5, ...location(3), 0], '7010-7015: 3'],
    ['start_end', 5, [7, ...word(1n), ...word(3n), ...location(4), 0], '1-3: 4'],
    ['start_length', 5, [8, ...word(16n), 3, ...location(4), 0], '10-13: 4'],
    ['default_location', 5, [5, ...location(6), 0], 'undefined-undefined: 6'],
    ['pairs of view numbers are passed over', 5, [9, 1, 2, 4, 1, 2, ...location(1), 0], '4001-4002: 1'],
    [
      'before DWARF 5',
      4,
      [
        ...word(1n),
        ...word(3n),
        1,
        0,
        0x31,
        ...word((1n << 64n) - 1n),
        ...word(0x100n),
        ...word(1n),
        ...word(2n),
        1,
        0,
        0x32,
        ...word(0n),
        ...word(0n),
      ],
      '4001-4003: 1, 101-102: 2',
    ],
  ];
  for (const [name, version, bytes, wanted] of cases) it(name, () => assert.equal(range(version, bytes), wanted));

  it('an unknown kind, or no end, is damage', () => {
    for (const bytes of [
      [77, 0],
      [4, 1, 2, ...location(1)],
    ])
      assert.throws(() => range(5, bytes), UserError);
  });
});
