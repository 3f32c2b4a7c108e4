/** Mutated images and options: a load ends in a state or in a UserError, inside memory, and soon. */
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import { load } from '../../../src/machine/boot/load';
import type { BootOptions } from '../../../src/machine/boot/options';
import { buildElf, buildLinux, buildNote, concat, multiboot2Header, multibootHeader, PT_NOTE } from './images';
import { TestMemory } from './test-memory';

const CODE = Uint8Array.from({ length: 64 }, (_, index) => index);
const segment = { physical: 0x100000, bytes: CODE, memorySize: 0x4000 };
const options: BootOptions = { cmdline: 'x y', initrd: CODE };
const seeds: readonly [string, Uint8Array, BootOptions][] = [
  ['Linux', buildLinux(), options],
  ['plain ELF64', buildElf({ entry: 0x100000, segments: [segment, { ...segment, physical: 0x108000 }] }), {}],
  ['plain ELF32', buildElf({ bits: 32, entry: 0x100000, segments: [segment] }), {}],
  [
    'PVH',
    buildElf({
      entry: 0,
      segments: [segment, { type: PT_NOTE, physical: 0, bytes: buildNote('Xen', 18, 0x100000) }],
    }),
    options,
  ],
  ['Multiboot', concat(multibootHeader(0x10003, [0x100000, 0x100000, 0, 0x102000, 0x100020]), CODE), options],
  [
    'Multiboot 2',
    concat(
      multiboot2Header([
        { type: 1, fields: [1, 3] },
        { type: 2, fields: [0x100000, 0x100000, 0, 0x102000] },
        { type: 3, fields: [0x100020] },
      ]),
      CODE,
    ),
    options,
  ],
];

/** xorshift32: the same mutations on every run. */
function generator(seed: number): (limit: number) => number {
  let x = seed;
  return (limit) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % limit;
  };
}

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0f, 0x10];

function mutate(image: Uint8Array, random: (limit: number) => number): Uint8Array {
  const copy = image.slice();
  const headerBytes = Math.min(copy.length, 0x300);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(headerBytes);
    const value = random(2) ? INTERESTING[random(INTERESTING.length)]! : random(256);
    copy.fill(value, at, at + [1, 1, 2, 4, 8][random(5)]!);
  }
  return random(8) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

describe('boot: fuzz', () => {
  for (const [what, image, bootOptions] of seeds)
    it(`${what}: 1000 mutations end in a state or a UserError`, () => {
      const random = generator(0x2545f491);
      const memory = new TestMemory(4 << 20);
      const ends = { loaded: 0, refused: 0 };
      for (let round = 0; round < 1000; round++) {
        try {
          load(mutate(image, random), bootOptions, memory);
          ends.loaded++;
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          ends.refused++;
        }
      }
      assert.ok(ends.loaded > 20 && ends.refused > 20, JSON.stringify(ends));
    }).timeout(180_000);

  it('an unmutated image of each format loads', () => {
    for (const [, image, bootOptions] of seeds) load(image, bootOptions, new TestMemory(4 << 20));
  });
});
