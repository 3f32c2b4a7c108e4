// Kernels out of bzImages, and how damaged ones are refused.
import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { memoryBytes } from '../../../src/symbols/bytes';
import { isBzImage, unpackKernel } from '../../../src/symbols/kernel/bzimage';
import { unpackLz4 } from '../../../src/symbols/kernel/lz4';
import { Bytes } from '../elf-image';
import { imageOf, sized } from './bzimage-image';

const MAGIC = [0x02, 0x21, 0x4c, 0x18];
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const ascii = (word: string): number[] => [...Buffer.from(word, 'latin1')];

/** A legacy frame of these blocks. */
function frame(...blocks: readonly (readonly number[])[]): Uint8Array {
  const bytes = new Bytes().u8(...MAGIC);
  for (const block of blocks) bytes.number(block.length, 4).u8(...block);
  return bytes.finish();
}

describe('symbols: LZ4', () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ['literals', frame([0x50, ...ascii('hello')]), 'hello'],
    ['a match that repeats itself', frame([0x16, ...ascii('a'), 1, 0, 0x10, ...ascii('b')]), `${'a'.repeat(11)}b`],
    ['a match further back', frame([0x40, ...ascii('abcd'), 4, 0, 0x10, ...ascii('!')]), 'abcdabcd!'],
    ['long literals', frame([0xf0, 255, 30, ...ascii('x'.repeat(300))]), 'x'.repeat(300)],
    ['a long match', frame([0x1f, ...ascii('y'), 1, 0, 255, 1, 0x10, ...ascii('z')]), `${'y'.repeat(276)}z`],
    ['two blocks', frame([0x20, ...ascii('ab')], [0x20, ...ascii('cd')]), 'abcd'],
  ];
  for (const [name, packed, wanted] of cases) {
    it(name, () => assert.equal(text(unpackLz4(packed, wanted.length)), wanted));
  }

  const broken: readonly [string, Uint8Array][] = [
    ['nothing', frame()],
    ['a block that is cut', frame([0x50, ...ascii('hello')]).subarray(0, 10)],
    ['literals that are cut', frame([0x90, ...ascii('hello')])],
    ['more than it says', frame([0xb0, ...ascii('hello world')])],
    ['a match before the beginning', frame([0x14, ...ascii('a'), 2, 0, 0])],
    ['a match of distance 0', frame([0x14, ...ascii('a'), 0, 0, 0])],
    ['a match into the block before', frame([0x20, ...ascii('ab')], [0x10, ...ascii('c'), 3, 0])],
    ['a length without end', frame([0xf0, 255, 255])],
  ];
  for (const [name, packed] of broken) {
    it(`damaged: ${name}`, () => assert.throws(() => unpackLz4(packed, 9), { code: 'symbols.damaged' }));
  }
});

describe('symbols: bzImages', () => {
  const elf = '\x7fELF and the rest of it';
  const packed = frame([0xf0, elf.length - 15, ...ascii(elf)]);

  it('unpacks what is packed with LZ4, or not at all', () => {
    assert.equal(text(unpackKernel(memoryBytes(imageOf(sized(packed, elf.length))))), elf);
    assert.equal(text(unpackKernel(memoryBytes(imageOf(Uint8Array.from(ascii(elf)))))), elf);
  });

  const refused: readonly [string, Uint8Array, string][] = [
    ['another file', new Uint8Array(4096), 'symbols.notBzImage'],
    ['an old protocol', imageOf(sized(packed, elf.length), 0x207), 'symbols.noPayload'],
    ['a payload that is cut', imageOf(packed, 0x20f, 10_000), 'symbols.damaged'],
    ['a size that cannot be', imageOf(sized(packed, 0x7fff_ffff)), 'symbols.damaged'],
    ['no ELF inside', imageOf(sized(frame([0x50, ...ascii('hello')]), 5)), 'symbols.damaged'],
    ['bzip2', imageOf(sized(Uint8Array.from(ascii('BZh9')), 20)), 'symbols.packer'],
    ['gzip, which the caller cannot unpack', imageOf(gzipSync(elf)), 'symbols.packer'],
    ['xz that is damaged', imageOf(sized(Uint8Array.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 20)), 'symbols.damaged'],
    ['zstd that is damaged', imageOf(sized(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0]), 20)), 'symbols.damaged'],
    ['an unknown packer', imageOf(Uint8Array.from(ascii('whatever'))), 'symbols.packer'],
  ];
  for (const [name, bytes, code] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => unpackKernel(memoryBytes(bytes)), { code }));
  }

  it("unpacks gzip with the caller's unpacker", () => {
    const gzip = (bytes: Uint8Array, maxOutputLength: number): Uint8Array => gunzipSync(bytes, { maxOutputLength });
    const packed = imageOf(gzipSync(elf));
    assert.equal(text(unpackKernel(memoryBytes(packed), { gzip })), elf);
    assert.throws(() => unpackKernel(memoryBytes(packed), { gzip: () => new Uint8Array(3) }), {
      code: 'symbols.damaged',
    });
    assert.throws(() => unpackKernel(memoryBytes(imageOf(gzipSync(elf).fill(0, 10, 14))), { gzip }), {
      code: 'symbols.damaged',
    });
  });

  it('tells bzImages from other files', () => {
    assert.equal(isBzImage(memoryBytes(imageOf(packed))), true);
    for (const size of [0, 100, 0x240, 4096]) assert.equal(isBzImage(memoryBytes(new Uint8Array(size))), false);
  });
});
