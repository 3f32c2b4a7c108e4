// ELF files made by hand: headers, symbols by name and by address, contents, and what is refused.
import assert from 'node:assert/strict';
import { deflateSync, inflateSync } from 'node:zlib';
import type { SymbolFile } from '../../src/symbols/symbol-file';
import { memoryBytes, openSymbolFile } from '../../src/symbols/symbol-file';
import type { ImageOptions, ImageSymbol } from './elf-image';
import { Bytes, elfImage, symbolSections } from './elf-image';

const open = (bytes: Uint8Array): SymbolFile => openSymbolFile(memoryBytes(bytes));

const text = { name: '.text', flags: 6, address: 0x1000n, contents: new Uint8Array(0x1000).fill(0x90) };
const data = { name: '.data', flags: 3, address: 0x8000n, contents: Uint8Array.of(1, 2, 3, 4), size: 0x100, type: 1 };
const note = {
  name: '.note.gnu.build-id',
  type: 7,
  contents: new Bytes().number(4, 4).number(4, 4).number(3, 4).text('GNU').u8(0xde, 0xad, 0xbe, 0xef).finish(),
};

const FUNCTION = 2;
const OBJECT = 1;
const GLOBAL = 0x10;
const ABSOLUTE = 0xfff1;
const symbols: ImageSymbol[] = [
  { name: 'crt.c', value: 0n, info: 4, section: ABSOLUTE },
  { name: '', value: 0x1000n, info: 3 },
  { name: 'elsewhere', value: 0n, info: GLOBAL, section: 0 },
  { name: 'CONSTANT', value: 0x1234n, info: 0, section: ABSOLUTE },
  { name: 'start', value: 0x1000n, info: GLOBAL },
  { name: 'local_alias', value: 0x1100n, size: 0x80n, info: FUNCTION },
  { name: 'outer', value: 0x1100n, size: 0x80n, info: GLOBAL | FUNCTION },
  { name: 'inside', value: 0x1120n, info: GLOBAL },
  { name: 'nested', value: 0x1140n, size: 0x10n, info: FUNCTION },
  { name: 'probe', value: 0x1200n, size: 0x20n, info: FUNCTION },
  { name: 'probe', value: 0x1300n, size: 0x20n, info: FUNCTION },
  { name: 'label', value: 0x1400n, info: 0 },
  { name: 'größe', value: 0x8000n, size: 4n, info: GLOBAL | OBJECT, section: 2 },
];

describe('symbols: ELF', () => {
  for (const bits of [32, 64] as const) {
    const file = open(elfImage([text, data, note, ...symbolSections(symbols, 4, bits)], { bits }));

    it(`header, ${bits} bits`, () => {
      assert.equal(file.bits, bits);
      assert.equal(file.machine, bits === 64 ? 'x86-64' : 'x86');
      assert.equal(file.entry, 0x1000n);
      assert.equal(file.isRelocatable, false);
      assert.equal(file.buildId, 'deadbeef');
      assert.equal(file.hasLines, false);
      assert.deepEqual(file.segments, [
        { start: 0x1000n, end: 0x2000n, flags: 5 },
        { start: 0x8000n, end: 0x8100n, flags: 4 },
      ]);
      assert.deepEqual(file.sections(), [
        { name: '.text', address: 0x1000n, size: 0x1000n },
        { name: '.data', address: 0x8000n, size: 0x100n },
      ]);
    });

    it(`initial contents, ${bits} bits`, () => {
      assert.deepEqual([...file.readInitial(0x8002n, 4)], [3, 4, 0, 0]);
      assert.deepEqual([...file.readInitial(0x80fen, 100)], [0, 0]);
      assert.equal(file.readInitial(0x7fffn, 4).length, 0);
      assert.equal(file.readInitial(0x1000n, 5000).length, 0x1000);
    });

    it(`symbols by name, ${bits} bits`, () => {
      assert.equal(file.symbols, 10);
      assert.deepEqual(
        file.symbolsByName('probe').map(({ address }) => address),
        [0x1200n, 0x1300n],
      );
      assert.deepEqual(file.symbolsByName('größe'), [
        { name: 'größe', address: 0x8000n, size: 4n, kind: 'object', isGlobal: true, isAbsolute: false },
      ]);
      assert.deepEqual(
        file.symbolsByName('CONSTANT').map(({ address, isAbsolute }) => [address, isAbsolute]),
        [[0x1234n, true]],
      );
      for (const name of ['elsewhere', 'crt.c', '', 'prob', '__proto__']) {
        assert.deepEqual(file.symbolsByName(name), [], name);
      }
      assert.deepEqual(file.symbolNames('l', 10), ['label', 'local_alias']);
      assert.deepEqual(file.symbolNames('', 2), ['CONSTANT', 'größe']);
      const names = (found: { name: string }[]): string[] => found.map(({ name }) => name);
      assert.deepEqual(names(file.symbolsMatching(/^(in|ne)/g, 10)), ['inside', 'nested']);
      assert.deepEqual(names(file.symbolsMatching(({ kind }) => kind === 'function', 2)), ['local_alias', 'outer']);
    });

    const places: [address: bigint, symbol: string | undefined][] = [
      [0xfffn, undefined],
      [0x1000n, 'start'],
      [0x10ffn, 'start+255'],
      [0x1100n, 'outer'],
      [0x1125n, 'outer+37'],
      [0x1145n, 'nested+5'],
      [0x1150n, 'outer+80'],
      [0x117fn, 'outer+127'],
      [0x1180n, undefined],
      [0x1234n, undefined],
      [0x1310n, 'probe+16'],
      [0x1fffn, 'label+3071'],
      [0x2000n, undefined],
      [0x8003n, 'größe+3'],
      [0x8004n, undefined],
    ];
    for (const [address, expected] of places) {
      it(`symbol at ${address.toString(16)}, ${bits} bits`, () => {
        const place = file.symbolAt(address);
        assert.equal(place && place.symbol.name + (place.offset ? `+${place.offset}` : ''), expected);
      });
    }
  }

  it('a kernel at the top of memory', () => {
    const top = 0xffff_ffff_8100_0000n;
    const high = { ...text, address: top };
    const places: ImageSymbol[] = [0n, 1n, 2n, 0x7ffn, 0x800n, 0xfffn].map((offset) => ({
      name: `at${offset}`,
      value: top + offset,
      size: 1n,
      info: FUNCTION,
    }));
    const file = open(elfImage([high, ...symbolSections(places.reverse(), 2)]));
    for (const { name, value } of places) assert.equal(file.symbolAt(value)?.symbol.name, name);
    assert.equal(file.symbolAt(top + 3n), undefined);
    assert.deepEqual(file.segments, [{ start: top, end: top + 0x1000n, flags: 5 }]);
  });

  it('a stripped file has its dynamic symbols', () => {
    const [table, strings] = symbolSections([{ name: 'exported', value: 0x1010n, info: GLOBAL | FUNCTION }], 2);
    const file = open(elfImage([text, { ...table!, name: '.dynsym', type: 11 }, strings!], { type: 3 }));
    assert.equal(file.isRelocatable, true);
    assert.equal(file.symbolsByName('exported')[0]?.address, 0x1010n);
  });

  it('compressed sections are read with an unpacker, and count as missing without one', () => {
    const packed = (claimed: number): Uint8Array => {
      const [table, strings] = symbolSections([{ name: 'squeezed', value: 0x1010n, info: GLOBAL }], 2);
      const contents = new Bytes()
        .number(1, 8)
        .number(table!.contents.length + claimed, 8)
        .number(8, 8)
        .bytes(deflateSync(table!.contents))
        .finish();
      return elfImage([text, { ...table!, flags: 0x800, contents }, strings!]);
    };
    const inflate = (bytes: Uint8Array, size: number): Uint8Array => inflateSync(bytes, { maxOutputLength: size });
    assert.equal(openSymbolFile(memoryBytes(packed(0)), { inflate }).symbolsByName('squeezed').length, 1);
    assert.equal(openSymbolFile(memoryBytes(packed(0))).symbols, 0);
    // A size that is not that of the contents, and one that no packer reaches.
    assert.equal(openSymbolFile(memoryBytes(packed(1)), { inflate }).symbols, 0);
    assert.equal(openSymbolFile(memoryBytes(packed(1e9)), { inflate }).symbols, 0);
  });

  const image = (options: ImageOptions): Uint8Array => elfImage([text], options);
  const patched = (offset: number, value: number, size: number): Uint8Array => {
    const bytes = image({});
    bytes.set(new Bytes().number(value, size).finish(), offset);
    return bytes;
  };
  const refused: [string, Uint8Array, string][] = [
    ['no bytes', new Uint8Array(0), 'symbols.notElf'],
    ['a text', Buffer.from('#!/bin/sh\necho this is no kernel'), 'symbols.notElf'],
    ['only the magic number', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), 'symbols.notElf'],
    ['half a header', image({}).subarray(0, 40), 'symbols.damaged'],
    ['a core file', image({ type: 4 }), 'symbols.unsupported'],
    ['a core file', image({ type: 4 }), 'symbols.unsupported'],
    ['another processor', image({ machine: 183 }), 'symbols.unsupported'],
    ['big-endian', patched(5, 2, 1), 'symbols.unsupported'],
    ['a section table past the end', patched(40, 1e6, 8), 'symbols.damaged'],
    ['a section table at 2^63', patched(47, 0x80, 1), 'symbols.damaged'],
    ['sections too short', patched(58, 8, 2), 'symbols.damaged'],
    ['60,000 program headers', patched(56, 60_000, 2), 'symbols.damaged'],
  ];
  for (const [name, bytes, code] of refused) it(`refuses ${name}`, () => assert.throws(() => open(bytes), { code }));
});
