// Kernels out of bzImages, and how damaged ones are refused.
import assert from 'node:assert/strict';
import { memoryBytes } from '../../../src/symbols/bytes';
import { isBzImage, unpackKernel } from '../../../src/symbols/kernel/bzimage';
import { unpackLz4 } from '../../../src/symbols/kernel/lz4';
import { Bytes } from '../elf-image';

const MAGIC = [0x02, 0x21, 0x4c, 0x18];
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const ascii = (word: string): number[] => [...Buffer.from(word, 'latin1')];

/** A legacy frame of these blocks. */
function frame(...blocks: readonly (readonly number[])[]): Uint8Array {
  const bytes = new Bytes().u8(...MAGIC);
  for (const block of blocks) bytes.number(block.length, 4).u8(...block);
  return bytes.finish();
}

/** A bzImage of protocol 2.15 with one setup sector whose payload these bytes are. */
function image(payload: Uint8Array, version = 0x20f, length = payload.length): Uint8Array {
  const bytes = new Uint8Array(1024 + 16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 1);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, version, true);
  view.setUint32(0x248, 16, true);
  view.setUint32(0x24c, length, true);
  bytes.set(payload, 1024 + 16);
  return bytes;
}

const sized = (bytes: Uint8Array, size: number): Uint8Array => new Bytes().bytes(bytes).number(size, 4).finish();

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
    assert.equal(text(unpackKernel(memoryBytes(image(sized(packed, elf.length))))), elf);
    assert.equal(text(unpackKernel(memoryBytes(image(Uint8Array.from(ascii(elf)))))), elf);
  });

  const refused: readonly [string, Uint8Array, string][] = [
    ['another file', new Uint8Array(4096), 'symbols.notBzImage'],
    ['an old protocol', image(sized(packed, elf.length), 0x207), 'symbols.noPayload'],
    ['a payload that is cut', image(packed, 0x20f, 10_000), 'symbols.damaged'],
    ['a size that cannot be', image(sized(packed, 0x7fff_ffff)), 'symbols.damaged'],
    ['no ELF inside', image(sized(frame([0x50, ...ascii('hello')]), 5)), 'symbols.damaged'],
    ['zstd', image(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0])), 'symbols.packer'],
    ['an unknown packer', image(Uint8Array.from(ascii('whatever'))), 'symbols.packer'],
  ];
  for (const [name, bytes, code] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => unpackKernel(memoryBytes(bytes)), { code }));
  }

  it('tells bzImages from other files', () => {
    assert.equal(isBzImage(memoryBytes(image(packed))), true);
    for (const size of [0, 100, 0x240, 4096]) assert.equal(isBzImage(memoryBytes(new Uint8Array(size))), false);
  });
});
