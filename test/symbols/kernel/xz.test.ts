// XZ files of the `xz` program unpacked, and damaged ones refused.
import assert from 'node:assert/strict';
import { undoX86Filter } from '../../../src/symbols/kernel/x86-filter';
import { unpackXz } from '../../../src/symbols/kernel/xz';
import { XZ_CASES } from './xz-cases';

describe('symbols: XZ', () => {
  for (const { name, packed, unpacked } of XZ_CASES) {
    it(name, () => assert.deepEqual(unpackXz(packed, unpacked.length), unpacked));
  }

  const size = XZ_CASES[2]!.unpacked.length;
  const noise = XZ_CASES[1]!.packed;
  const words = XZ_CASES[2]!.packed;
  const changed = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy.set(values, at);
    return copy;
  };
  const refused: readonly [string, Uint8Array, number][] = [
    ['nothing', new Uint8Array(0), 10],
    ['a header alone', words.subarray(0, 12), size],
    ['less than it says', words, size + 1],
    ['more than it says', words, size - 1],
    ['data that are cut', words.subarray(0, 60), size],
    ['a filter that is not known', changed(words, 14, 0x03), size],
    ['the filter for x86 alone', changed(words, 14, 0x04, 0x00), size],
    ['properties that are none', changed(words, 29, 225), size],
    ['a piece of an unknown kind', changed(noise, 24, 3), 90],
    ['a piece that uses no models', changed(words, 24, 0x80), size],
    ['a piece with another length', changed(words, 28, 0x5d), size],
    ['other bits in the data', changed(words, 34, 0x00), size],
  ];
  for (const [name, bytes, length] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => unpackXz(bytes, length), { code: 'symbols.damaged' }));
  }
});

describe("symbols: XZ's filter for x86", () => {
  const cases: readonly [string, readonly number[], readonly number[]][] = [
    ['a call', [0x90, 0xe8, 0x46, 0, 0, 0], [0x90, 0xe8, 0x40, 0, 0, 0]],
    ['a jump back', [0xe9, 0, 0, 0, 0], [0xe9, 0xfb, 0xff, 0xff, 0xff]],
    ['25 bits with sign', [0xe8, 0x04, 0, 0, 0xff], [0xe8, 0xff, 0xff, 0xff, 0]],
    ['too far for a call', [0xe8, 0x10, 0, 0, 0x12], [0xe8, 0x10, 0, 0, 0x12]],
    ['cut', [0xe8, 0x10, 0, 0], [0xe8, 0x10, 0, 0]],
    ['nothing', [], []],
  ];
  for (const [name, filtered, wanted] of cases) {
    it(name, () => {
      const bytes = Uint8Array.from(filtered);
      undoX86Filter(bytes);
      assert.deepEqual([...bytes], wanted);
    });
  }
});
