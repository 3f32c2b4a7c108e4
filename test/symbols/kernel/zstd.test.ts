// Frames of the `zstd` program unpacked, and damaged ones refused.
import assert from 'node:assert/strict';
import { BackwardBits, ForwardBits } from '../../../src/symbols/kernel/zstd/bits';
import { fseTable } from '../../../src/symbols/kernel/zstd/fse';
import { unpackZstd } from '../../../src/symbols/kernel/zstd/zstd';
import { Bytes } from '../elf-image';
import { ZSTD_CASES } from './zstd-cases';

/** A frame of a single segment and of these blocks: kind, size, bytes. */
function frame(size: number, ...blocks: readonly (readonly [kind: number, size: number, bytes: readonly number[]])[]) {
  const bytes = new Bytes().u8(0x28, 0xb5, 0x2f, 0xfd, 0x20, size);
  blocks.forEach(([kind, length, contents], index) => {
    bytes.number((length << 3) | (kind << 1) | (index === blocks.length - 1 ? 1 : 0), 3).u8(...contents);
  });
  return bytes.finish();
}

const RAW = 0;
const RUN = 1;
const PACKED = 2;

describe('symbols: Zstandard', () => {
  for (const { name, packed, unpacked } of ZSTD_CASES) {
    it(name, () => assert.deepEqual(unpackZstd(packed, unpacked.length), unpacked));
  }

  const made: readonly (readonly [string, Uint8Array, readonly number[]])[] = [
    ['blocks as they are, and runs', frame(5, [RAW, 2, [1, 2]], [RUN, 3, [9]]), [1, 2, 9, 9, 9]],
    ['literals alone', frame(3, [PACKED, 5, [3 << 3, 1, 2, 3, 0]]), [1, 2, 3]],
    ['literals of one value', frame(4, [PACKED, 3, [(4 << 3) | 1, 7, 0]]), [7, 7, 7, 7]],
    // One sequence of codes that take no bits: literal code 1, the first recent distance, a match of 3.
    ['a match at the latest distance', frame(4, [PACKED, 8, [1 << 3, 5, 1, 0x54, 1, 0, 0, 1]]), [5, 5, 5, 5]],
    ['nothing', frame(0, [RAW, 0, []]), []],
  ];
  for (const [name, packed, wanted] of made) {
    it(name, () => assert.deepEqual([...unpackZstd(packed, wanted.length)], wanted));
  }

  const whole = ZSTD_CASES[2]!;
  const { length } = whole.unpacked;
  const refused: readonly (readonly [string, Uint8Array, number])[] = [
    ['an empty file', new Uint8Array(0), 10],
    ['less than it says', whole.packed, length + 1],
    ['more than it says', whole.packed, length - 1],
    ['data that are cut', whole.packed.subarray(0, 40), length],
    ['a dictionary', Uint8Array.from(whole.packed).fill(0x61, 4, 5), length],
    ['a block of an unknown kind', frame(1, [3, 0, []]), 1],
    ['a block that is too long', frame(1, [RUN, 0x2_0001, [0]]), 1],
    ['a code that is not there', frame(4, [PACKED, 5, [0x43, 0x40, 0, 9, 0]]), 4],
    ['a table that is not there', frame(4, [PACKED, 6, [1 << 3, 5, 1, 0xfc, 0, 1]]), 4],
    ['a code that is unknown', frame(4, [PACKED, 8, [1 << 3, 5, 1, 0x54, 36, 0, 0, 1]]), 4],
    ['a match before the beginning', frame(3, [PACKED, 7, [0, 1, 0x54, 0, 2, 0, 4]]), 3],
    ['more literals than there are', frame(9, [PACKED, 8, [1 << 3, 5, 1, 0x54, 2, 0, 0, 1]]), 9],
    ['a stream of bits that is too long', frame(4, [PACKED, 8, [1 << 3, 5, 1, 0x54, 1, 0, 0, 2]]), 4],
    ['a stream of bits without an end', frame(4, [PACKED, 8, [1 << 3, 5, 1, 0x54, 1, 0, 0, 0]]), 4],
  ];
  for (const [name, packed, size] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => unpackZstd(packed, size), { code: 'symbols.damaged' }));
  }
});

describe("symbols: Zstandard's bits", () => {
  it('backwards, the first bit highest', () => {
    const bits = new BackwardBits(Uint8Array.of(0xef, 0xcd, 0xab, 0x89, 0x67, 0x05));
    assert.equal(bits.left, 42);
    assert.deepEqual([bits.read(2), bits.read(31), bits.left], [1, 0x33c4_d5e6, 9]);
    assert.deepEqual([bits.read(9), bits.left], [0x1ef, 0]);
    assert.deepEqual([bits.peek(5), bits.read(5), bits.left], [0, 0, -5]);
  });

  it('behind the beginning there are zeros', () => {
    const bits = new BackwardBits(Uint8Array.of(0x1f));
    assert.deepEqual([bits.read(2), bits.read(4), bits.left, bits.read(24)], [3, 0b1100, -2, 0]);
  });

  it('forwards', () => {
    const bits = new ForwardBits(Uint8Array.of(0x21, 0x43));
    assert.equal(bits.peek(12), 0x321);
    bits.skip(9);
    assert.deepEqual([bits.peek(7), bits.length], [0x21, 2]);
    assert.throws(() => bits.skip(8), { code: 'symbols.damaged' });
  });

  it('a table has each state once', () => {
    const { symbols, bits, bases } = fseTable([1, 5, -1, 9, -1, 15], 5);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((symbol) => symbols.filter((one) => one === symbol).length),
      [1, 5, 1, 9, 1, 15],
    );
    for (const symbol of [0, 1, 2, 3, 4, 5]) {
      // From the states of one symbol, each state can be reached in one way.
      const reached = [...symbols.keys()]
        .filter((state) => symbols[state] === symbol)
        .flatMap((state) => Array.from({ length: 1 << bits[state]! }, (_, added) => bases[state]! + added));
      assert.deepEqual(
        reached.sort((a, b) => a - b),
        [...symbols.keys()],
      );
    }
    assert.throws(() => fseTable([3, 1], 5), { code: 'symbols.damaged' });
  });
});
