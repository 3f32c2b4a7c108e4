// Reading bytes, numbers, texts and paths.
import assert from 'node:assert/strict';
import { ByteReader } from '../../src/symbols/byte-reader';
import { buffered, memoryBytes, partOf } from '../../src/symbols/bytes';
import { SourcePaths, normalisePath } from '../../src/symbols/dwarf/paths';
import { decodeUtf8 } from '../../src/symbols/utf8';

const reader = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes), 'The test');

describe('symbols: bytes', () => {
  const numbers: [string, (from: ByteReader) => unknown, number[], unknown][] = [
    ['uleb of one byte', (from) => from.uleb(), [0x7f], 127],
    ['uleb of DWARF 5 figure 22', (from) => from.uleb(), [0xb9, 0x64], 12857],
    ['sleb of DWARF 5 figure 23', (from) => from.sleb(), [0x80, 0x7f], -128],
    ['sleb, positive in two bytes', (from) => from.sleb(), [0x81, 0x01], 129],
    ['u64 keeps all bits', (from) => from.u64(), [1, 0, 0, 0, 0, 0, 0, 0x80], 0x8000_0000_0000_0001n],
    ['u32 is unsigned', (from) => from.u32(), [0, 0, 0, 0xff], 0xff00_0000],
    ['an initial length of 32 bits', (from) => from.initialLength().length, [5, 0, 0, 0], 5],
    [
      'an initial length of 64 bits',
      (from) => from.initialLength(),
      [0xff, 0xff, 0xff, 0xff, 5, 0, 0, 0, 0, 0, 0, 0],
      { length: 5, isDwarf64: true },
    ],
    ['a string', (from) => from.string(), [0xc3, 0xa9, 0x21, 0], 'é!'],
  ];
  for (const [name, read, bytes, expected] of numbers) {
    it(name, () => assert.deepEqual(read(reader(...bytes)), expected));
  }

  const damage: [string, (from: ByteReader) => unknown, number[]][] = [
    ['a number past the end', (from) => from.u32(), [1, 2, 3]],
    ['a LEB128 number without an end', (from) => from.uleb(), Array<number>(20).fill(0x80)],
    ['a string without an end', (from) => from.string(), [65, 66]],
    ['a size above 2^53', (from) => from.offset64(), Array<number>(8).fill(0xff)],
    ['a reserved initial length', (from) => from.initialLength(), [0xf0, 0xff, 0xff, 0xff]],
    ['moving past the end', (from) => from.skip(2), [1]],
    ['moving back', (from) => from.skip(-1), [1]],
  ];
  for (const [name, read, bytes] of damage) {
    it(`${name} is damage`, () => assert.throws(() => read(reader(...bytes)), { code: 'symbols.damaged' }));
  }

  it('a part ends where its bytes end, and has nothing before its start', () => {
    const part = partOf(memoryBytes(Uint8Array.from([1, 2, 3, 4, 5])), 2, 100);
    assert.equal(part.size, 3);
    assert.deepEqual([...part.read(1, 100)], [4, 5]);
    assert.deepEqual([...part.read(3, 1)], []);
    assert.deepEqual([...part.read(-1, 2)], []);
  });

  it('a window reads the source once for neighbours', () => {
    const asked: number[] = [];
    const source = memoryBytes(Uint8Array.from({ length: 100 }, (_, index) => index));
    const window = buffered({ size: 100, read: (at, length) => (asked.push(at), source.read(at, length)) }, 16);
    const seen = [0, 8, 12, 40, 44, 4].flatMap((at) => [...window.read(at, 4)]);
    assert.deepEqual(
      seen,
      [0, 8, 12, 40, 44, 4].flatMap((at) => [at, at + 1, at + 2, at + 3]),
    );
    assert.deepEqual(asked, [0, 40, 4]);
    assert.equal(window.read(0, 50).length, 50);
    assert.deepEqual([...window.read(98, 4)], [98, 99]);
  });
});

describe('symbols: UTF-8', () => {
  for (const text of ['', 'start_kernel', 'größe', '核心', 'a\u{1f600}b']) {
    it(JSON.stringify(text), () => assert.equal(decodeUtf8(Buffer.from(text)), text));
  }
  it('bytes that fit nowhere', () => {
    assert.equal(decodeUtf8(Uint8Array.from([0x41, 0xff, 0x42, 0xc3])), 'A\ufffdB\ufffd');
  });
});

describe('symbols: paths', () => {
  const cases: [path: string, normal: string][] = [
    ['/a/./b//c.c', '/a/b/c.c'],
    ['/a/b/../../c.c', '/c.c'],
    ['/../a', '/a'],
    ['../a/../../b', '../../b'],
    ['C:\\src\\.\\a.c', 'C:/src/a.c'],
    ['C:/src/../a.c', 'C:/a.c'],
  ];
  for (const [path, normal] of cases) it(path, () => assert.equal(normalisePath(path), normal));

  const paths = new SourcePaths();
  for (const path of ['init/main.c', 'fs/ext4/main.c', 'fs/main.c', 'arch/x86/boot/main.c']) paths.id('/build', path);
  const searches: [path: string, found: string[]][] = [
    ['/build/fs/main.c', ['/build/fs/main.c']],
    ['/home/me/linux/fs/ext4/main.c', ['/build/fs/ext4/main.c']],
    ['C:\\linux\\init\\main.c', ['/build/init/main.c']],
    ['boot/main.c', ['/build/arch/x86/boot/main.c']],
    ['/elsewhere/main.c', ['init', 'fs/ext4', 'fs', 'arch/x86/boot'].map((folder) => `/build/${folder}/main.c`)],
    ['/build/init/other.c', []],
    ['ain.c', []],
  ];
  for (const [path, found] of searches) it(`finds ${path}`, () => assert.deepEqual(paths.bestMatches(path), found));
});
