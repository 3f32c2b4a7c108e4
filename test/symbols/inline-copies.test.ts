// Breakpoints on lines that the compiler inlined: DWARF entries made by hand.
import assert from 'node:assert/strict';
import { memoryBytes, openSymbolFile } from '../../src/symbols/symbol-file';
import type { ImageSection } from './elf-image';
import { Bytes, END_SEQUENCE, elfImage, lineTable4, setAddress, symbolSections } from './elf-image';

const text = { name: '.text', flags: 6, address: 0x1000n, contents: new Uint8Array(0x100) };
const symbols = [
  { name: 'caller', value: 0x1000n, size: 0x40n, info: 2 },
  { name: 'caller.cold', value: 0x1080n, size: 0x10n, info: 2 },
];

/** Rows of `file` (1 is a.c, 2 is b.h) and `line`, each at its address. */
const rows: [address: bigint, file: number, line: number][] = [
  // a.c:10 begins with a call that was inlined: its own row is empty.
  [0x1000n, 1, 10],
  [0x1000n, 2, 5],
  [0x1008n, 1, 10],
  // A second copy, in two parts, with a.c:11 between them.
  [0x100cn, 2, 5],
  [0x1010n, 1, 11],
  [0x1018n, 2, 5],
  [0x101cn, 1, 10],
  // A third, in the part of the function that was moved away.
  [0x1080n, 1, 11],
  [0x1084n, 2, 5],
];

function program(): number[] {
  let line = 1;
  const code = rows.flatMap(([address, file, next]) => {
    const advance = (next - line) & 0x7f;
    line = next;
    return [...setAddress(address), 4, file, 3, advance, 1];
  });
  return [...code, ...setAddress(0x1090n), ...END_SEQUENCE];
}

const files = [
  ['a.c', 0],
  ['b.h', 0],
] as const;
const lineSection = { name: '.debug_line', contents: lineTable4(4, [], files, program()) };

/** One DWARF 4 unit: `caller` with three inlined copies, between entries of no interest. */
function unit(language: number): ImageSection[] {
  const abbreviations = new Bytes()
    // Unit: stmt_list, comp_dir, language, low_pc. Function: sibling, ranges.
    .u8(1, 0x11, 1, 0x10, 0x17, 0x1b, 0x08, 0x13, 0x05, 0x11, 0x01, 0, 0)
    .u8(2, 0x2e, 1, 0x01, 0x13, 0x55, 0x17, 0, 0)
    // Copies: low_pc, high_pc (a size), call_file, call_line; or ranges and the same.
    .u8(3, 0x1d, 0, 0x11, 0x01, 0x12, 0x0b, 0x58, 0x0b, 0x59, 0x0b, 0, 0)
    .u8(4, 0x1d, 0, 0x55, 0x17, 0x58, 0x0b, 0x59, 0x0b, 0, 0)
    // A type with a member, without a sibling reference; a lexical block.
    .u8(5, 0x13, 1, 0x03, 0x08, 0, 0)
    .u8(6, 0x0d, 0, 0x03, 0x08, 0, 0)
    .u8(7, 0x0b, 1, 0, 0)
    .u8(0);
  const entries = new Bytes().u8(1).number(0, 4).text('/src').number(language, 2).number(0x1000, 8);
  entries.u8(5).text('pair').u8(6).text('left').u8(0);
  // Another function that would match if its entry were looked into: it lies elsewhere.
  const start = 11;
  const other = start + entries.length;
  entries
    .u8(2)
    .number(other + 10, 4)
    .number(0x40, 4)
    .u8(0);
  const caller = start + entries.length;
  entries
    .u8(2)
    .number(caller + 9 + 12 + 1 + 7 + 12 + 1 + 1, 4)
    .number(0, 4);
  entries.u8(3).number(0x1000, 8).u8(8, 1, 10);
  entries.u8(7).u8(4).number(0x60, 4).u8(1, 11);
  entries.u8(3).number(0x1084, 8).u8(4, 1, 11).u8(0);
  entries.u8(0, 0);
  const rest = new Bytes().number(4, 2).number(0, 4).u8(8).bytes(entries.finish());
  const ranges = (...pairs: number[]): Uint8Array => {
    const list = new Bytes();
    for (const value of [...pairs, 0, 0]) list.number(value, 8);
    return list.finish();
  };
  const lists = new Bytes().bytes(ranges(0, 0x40, 0x80, 0x90)).number(0, 16);
  lists.bytes(ranges(0xf0, 0xf8)).bytes(ranges(0xc, 0x10, 0x18, 0x1c));
  return [
    { name: '.debug_abbrev', contents: abbreviations.finish() },
    { name: '.debug_info', contents: new Bytes().number(rest.length, 4).bytes(rest.finish()).finish() },
    { name: '.debug_ranges', contents: lists.finish() },
  ];
}

describe('symbols: inlined copies', () => {
  const C99 = 0x0c;
  const ASSEMBLY = 0x8001;
  const cases: [string, ImageSection[], file: string, line: number, addresses: bigint[]][] = [
    ['one place for each copy', unit(C99), 'b.h', 5, [0x1000n, 0x100cn, 0x1084n]],
    ['the line of a call begins before its copy', unit(C99), 'a.c', 10, [0x1000n]],
    ['a part that was moved away has its own', unit(C99), 'a.c', 11, [0x1010n, 0x1080n]],
    ['in assembly every place counts', unit(ASSEMBLY), 'a.c', 10, [0x1000n, 0x1008n, 0x101cn]],
    ['without entries, one for each symbol', [], 'b.h', 5, [0x1000n, 0x1084n]],
    ['damaged entries are as none', unit(C99).slice(1), 'b.h', 5, [0x1000n, 0x1084n]],
  ];
  for (const [name, info, file, line, addresses] of cases) {
    it(name, () => {
      const sections = [text, lineSection, ...info];
      const image = elfImage([...sections, ...symbolSections(symbols, sections.length + 1)]);
      const opened = openSymbolFile(memoryBytes(image));
      const [path] = opened.findFile(file);
      assert.deepEqual(opened.locationsOfLine(path!, line), { line, addresses });
    });
  }
});
