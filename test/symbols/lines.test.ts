// Line tables of DWARF 2 to 5 made by hand: programs, headers, the lines at which a breakpoint can stop.
import assert from 'node:assert/strict';
import type { SymbolFile } from '../../src/symbols/symbol-file';
import { memoryBytes, openSymbolFile } from '../../src/symbols/symbol-file';
import type { ImageSection, ImageSymbol } from './elf-image';
import { END_SEQUENCE, elfImage, lineTable4, lineTable5, setAddress, symbolSections, unitSections } from './elf-image';

const text = { name: '.text', flags: 6, address: 0x1000n, contents: new Uint8Array(0x1000) };

/** Special opcode: address + `advance`, line + `lines`, then a row. */
const row = (advance: number, lines: number): number => 13 + 5 + lines + 14 * advance;
const [COPY, ADVANCE_PC, ADVANCE_LINE, SET_FILE, SET_COLUMN, NEGATE, CONST_ADD_PC, FIXED_ADVANCE_PC, PROLOGUE_END] = [
  1, 2, 3, 4, 5, 6, 8, 9, 10,
] as const;

function file(sections: readonly ImageSection[], symbols: readonly ImageSymbol[] = []): SymbolFile {
  const all = [text, ...sections];
  return openSymbolFile(memoryBytes(elfImage([...all, ...symbolSections(symbols, all.length + 1)])));
}

const lines = (...tables: Uint8Array[]): ImageSection => ({ name: '.debug_line', contents: Buffer.concat(tables) });

/** A file whose one program is in /src/a.c (file 1) and /src/b.h (file 2). */
function program(code: readonly number[], symbols: readonly ImageSymbol[] = []): SymbolFile {
  const files = [
    ['a.c', 0],
    ['a.c', 0],
    ['b.h', 0],
  ] as const;
  return file([lines(lineTable5(['/src'], files, code))], symbols);
}

/** `a.c:3:0 1000-1004` for the line at an address; ` middle` where no statement begins. */
function describeLine(symbols: SymbolFile, address: bigint): string | undefined {
  const line = symbols.lineAt(address);
  if (!line) return undefined;
  const { start, end, column, isStatement } = line;
  const place = `${line.file.replace('/src/', '')}:${line.line}:${column}`;
  return `${place} ${start.toString(16)}-${end.toString(16)}${isStatement ? '' : ' middle'}`;
}

describe('symbols: line programs', () => {
  const cases: [string, number[], Record<number, string | undefined>][] = [
    [
      'special opcodes',
      [...setAddress(0x1000n), row(0, 2), row(4, 1), ADVANCE_PC, 8, ...END_SEQUENCE],
      { 0xfff: undefined, 0x1000: 'a.c:3:0 1000-1004', 0x1005: 'a.c:4:0 1004-100c', 0x100c: undefined },
    ],
    [
      'standard opcodes',
      // -100 as a signed number is 0x9c 0x7f; a constant advance is (255 - 13) / 14 = 17 bytes.
      [
        ...setAddress(0x1000n),
        ...[ADVANCE_LINE, 0xc9, 1, SET_COLUMN, 7, COPY, ADVANCE_LINE, 0x9c, 0x7f, CONST_ADD_PC, SET_FILE, 2, COPY],
        ...[FIXED_ADVANCE_PC, 0, 1, NEGATE, COPY, ADVANCE_PC, 1, ...END_SEQUENCE],
      ],
      {
        0x1000: 'a.c:202:7 1000-1011',
        0x1011: 'b.h:102:7 1011-1112',
        0x1110: 'b.h:102:7 1011-1112',
        0x1111: 'b.h:102:7 1011-1112 middle',
      },
    ],
    [
      'of rows at one address the last counts, and a line goes on over empty rows',
      [...setAddress(0x1000n), row(0, 4), row(2, 5), row(0, -5), row(2, 1), ADVANCE_PC, 1, ...END_SEQUENCE],
      { 0x1002: 'a.c:5:0 1000-1004', 0x1004: 'a.c:6:0 1004-1005' },
    ],
    [
      'line 0 is no line',
      [...setAddress(0x1000n), row(0, -1), row(2, 1), ADVANCE_PC, 1, ...END_SEQUENCE],
      { 0x1000: undefined, 0x1002: 'a.c:1:0 1002-1003' },
    ],
    [
      'the address may move before the first row and be set again in a sequence',
      [...setAddress(0x1000n), ADVANCE_PC, 16, COPY, ...setAddress(0x1020n), row(0, 1), ADVANCE_PC, 1, ...END_SEQUENCE],
      { 0x1008: undefined, 0x1010: 'a.c:1:0 1010-1020', 0x1020: 'a.c:2:0 1020-1021' },
    ],
    [
      'a program of a dropped function, then sequences out of order',
      [
        ...[...setAddress(0n), COPY, ADVANCE_PC, 64, ...END_SEQUENCE],
        ...[...setAddress(0x1100n), row(0, 8), ADVANCE_PC, 1, ...END_SEQUENCE],
        ...[...setAddress(0x1000n), row(0, 1), ADVANCE_PC, 1, ...END_SEQUENCE],
      ],
      { 0: undefined, 32: undefined, 0x1000: 'a.c:2:0 1000-1001', 0x1100: 'a.c:9:0 1100-1101' },
    ],
    [
      'addresses that fall, and a sequence without an end, are left out',
      [
        ...[...setAddress(0x1000n), COPY, ...setAddress(0xff0n), COPY, ADVANCE_PC, 64, ...END_SEQUENCE],
        ...[...setAddress(0x1100n), row(0, 1), ADVANCE_PC, 1, ...END_SEQUENCE],
        ...[...setAddress(0x1200n), COPY, ADVANCE_PC, 64],
      ],
      { 0x1000: undefined, 0x1100: 'a.c:2:0 1100-1101', 0x1200: undefined },
    ],
    [
      'unknown extended opcodes are passed over',
      [0, 3, 0x80, 1, 2, ...setAddress(0x1000n), 0, 2, 4, 7, COPY, ADVANCE_PC, 4, ...END_SEQUENCE],
      { 0x1000: 'a.c:1:0 1000-1004' },
    ],
    ['an extended opcode longer than the program', [...setAddress(0x1000n), COPY, 0, 100, 4], { 0x1000: undefined }],
    [
      'a file that the header does not name',
      [...setAddress(0x1000n), SET_FILE, 9, COPY, ADVANCE_PC, 4, ...END_SEQUENCE],
      { 0x1000: undefined },
    ],
  ];
  for (const [name, code, places] of cases) {
    it(name, () => {
      const symbols = program(code);
      assert.equal(symbols.hasLines, true);
      for (const [address, expected] of Object.entries(places)) {
        assert.equal(describeLine(symbols, BigInt(address)), expected, `at ${Number(address).toString(16)}`);
      }
    });
  }
});

describe('symbols: line table headers', () => {
  const code = [...setAddress(0x1000n), SET_FILE, 2, COPY, ADVANCE_PC, 4, ...END_SEQUENCE];
  const files = [
    ['a.c', 0],
    ['../inc/b.h', 1],
    ['/abs/c.h', 1],
  ] as const;
  for (const version of [2, 3, 4]) {
    it(`version ${version} takes the compilation folder from .debug_info`, () => {
      const table = lineTable4(version, ['sub', '/usr/include'], files, code);
      const symbols = file([lines(table), ...unitSections('/build/dir')]);
      assert.deepEqual(symbols.sourceFiles(), ['/build/dir/a.c', '/build/dir/inc/b.h', '/abs/c.h']);
      assert.equal(symbols.lineAt(0x1003n)?.file, '/build/dir/inc/b.h');
    });
  }

  it('version 5 has the compilation folder as folder 0', () => {
    const symbols = file([lines(lineTable5(['/build/dir', 'sub'], [['x.c', 0], ...files], code))]);
    assert.deepEqual(symbols.sourceFiles(), ['/build/dir/x.c', '/build/dir/a.c', '/build/dir/inc/b.h', '/abs/c.h']);
    assert.equal(symbols.lineAt(0x1000n)?.file, '/build/dir/inc/b.h');
  });

  it('a damaged unit is left out, those after it are read', () => {
    const good = lineTable5(['/src'], [['a.c', 0]], [...setAddress(0x1000n), SET_FILE, 0, COPY, 2, 4, ...END_SEQUENCE]);
    const damage: [string, (table: Uint8Array) => void][] = [
      ['version 9', (table) => table.set([9], 4)],
      ['a header longer than the unit', (table) => table.set([0xff, 0xff], 8)],
      ['line range 0', (table) => table.set([0], 16)],
      ['files without columns', (table) => table.set([0, 0xff, 0xff, 0xff, 0xff, 0x7f], 30)],
    ];
    for (const [name, spoil] of damage) {
      const bad = lineTable5(['/gone'], [['bad.c', 0]], []);
      spoil(bad);
      const symbols = file([lines(bad, good)]);
      assert.equal(describeLine(symbols, 0x1000n), 'a.c:1:0 1000-1004', name);
      assert.deepEqual(symbols.sourceFiles(), ['/src/a.c'], name);
    }
  });

  it('a file without line tables has no lines', () => {
    const symbols = file([]);
    assert.equal(symbols.hasLines, false);
    assert.equal(symbols.lineAt(0x1000n), undefined);
    assert.deepEqual(symbols.sourceFiles(), []);
    assert.deepEqual(symbols.findFile('a.c'), []);
    assert.deepEqual(symbols.linesOf('a.c'), []);
    assert.equal(symbols.locationsOfLine('a.c', 1), undefined);
    assert.equal(symbols.afterPrologue(0x1000n), 0x1000n);
  });
});

describe('symbols: breakable lines', () => {
  const functions: ImageSymbol[] = [
    { name: 'first', value: 0x1000n, size: 0x20n, info: 2 },
    { name: 'second', value: 0x1020n, size: 0x20n, info: 2 },
    { name: 'marked', value: 0x1040n, size: 0x20n, info: 2 },
    { name: 'bare', value: 0x1060n, size: 0x20n, info: 2 },
    { name: 'unsized', value: 0x1080n, info: 2 },
  ];
  const symbols = program(
    [
      ...setAddress(0x1000n),
      // first: line 3, body line 4, a header's line 9, back to line 4, line 20 not as a statement.
      ...[row(0, 2), row(4, 1), SET_FILE, 2, ADVANCE_LINE, 5, row(4, 0), SET_FILE, 1, ADVANCE_LINE, 0x7b, row(4, 0)],
      ...[NEGATE, ADVANCE_LINE, 16, row(4, 0), NEGATE],
      // second: line 7, the header's line 9 again, marked: line 11 twice, then the end of the prologue.
      ...[...setAddress(0x1020n), ADVANCE_LINE, 0x73, COPY, SET_FILE, 2, row(8, 2), SET_FILE, 1],
      ...[...setAddress(0x1040n), row(0, 2), row(4, 0), PROLOGUE_END, row(4, 1)],
      // bare: one row; unsized: two.
      ...[...setAddress(0x1060n), row(0, 3), ...setAddress(0x1080n), row(0, 1), row(2, 1), ADVANCE_PC, 4],
      ...END_SEQUENCE,
    ],
    functions,
  );

  it('lines of a file', () => {
    assert.deepEqual(symbols.linesOf('/src/a.c'), [3, 4, 7, 11, 12, 15, 16, 17]);
    assert.deepEqual(symbols.linesOf('/src/b.h'), [9]);
    assert.deepEqual(symbols.linesOf('/src/c.c'), []);
  });

  const places: [file: string, line: number, found: number | undefined, addresses: bigint[]][] = [
    ['/src/a.c', 1, 3, [0x1000n]],
    ['/src/a.c', 4, 4, [0x1004n]],
    ['/src/a.c', 5, 7, [0x1020n]],
    ['/src/a.c', 11, 11, [0x1040n]],
    ['/src/a.c', 18, undefined, []],
    ['/src/b.h', 2, 9, [0x1008n, 0x1028n]],
  ];
  for (const [path, line, found, addresses] of places) {
    it(`${path}:${line}`, () => {
      const expected = found === undefined ? undefined : { line: found, addresses };
      assert.deepEqual(symbols.locationsOfLine(path, line), expected);
    });
  }

  const prologues: [string, bigint, bigint][] = [
    ['the second row', 0x1000n, 0x1004n],
    ['the mark', 0x1040n, 0x1048n],
    ['one row only', 0x1060n, 0x1060n],
    ['a function without a size', 0x1080n, 0x1080n],
    ['not the start of a function', 0x1004n, 0x1004n],
    ['no code', 0x5000n, 0x5000n],
  ];
  for (const [name, address, expected] of prologues) {
    it(`end of the prologue: ${name}`, () => assert.equal(symbols.afterPrologue(address), expected));
  }
});
