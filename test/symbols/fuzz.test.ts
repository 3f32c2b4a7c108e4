// Damaged symbol files: every answer is an answer or a UserError, soon.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { UserError } from '../../src/common/errors';
import { memoryBytes, openSymbolFile } from '../../src/symbols/symbol-file';

/** A xorshift generator: numbers below `limit`. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

/** `VMXRAY_SOAK=n` multiplies the number of mutants. */
const SOAK = Number(process.env['VMXRAY_SOAK'] ?? 1);
const MUTANTS = 250 * SOAK;

/** Bytes in [start, end) changed at up to `count` places; now and then the file is cut. */
function damage(image: Uint8Array, [start, end]: readonly [number, number], count: number, seed: number): Uint8Array {
  const random = generator(seed);
  const bytes = Uint8Array.from(image);
  for (let change = random(count); change >= 0; change -= 1) {
    const at = start + random(end - start);
    const length = random(4) === 0 ? 1 + random(8) : 1;
    bytes.fill(random(2) ? INTERESTING[random(INTERESTING.length)]! : random(256), at, at + length);
  }
  return random(8) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

/** The first answer of each kind, and answers about the first few of everything. */
function askAll(image: Uint8Array): void {
  const inflate = (bytes: Uint8Array, size: number): Uint8Array => inflateSync(bytes, { maxOutputLength: size });
  const symbols = openSymbolFile(memoryBytes(image), { inflate });
  const questions: (() => unknown)[] = [
    () => symbols.sections(),
    () => symbols.symbolNames('', 5),
    () => symbols.symbolsMatching(/e/, 5),
    ...[...symbols.segments]
      .slice(0, 5)
      .flatMap(({ start }) => [
        () => symbols.readInitial(start, 4096),
        () => symbols.symbolAt(start + 0x300n),
        () => symbols.lineAt(start + 0x300n),
        () => symbols.afterPrologue(start + 0x110n),
      ]),
    () => symbols.findFile('guest.c'),
    () => {
      for (const file of symbols.sourceFiles().slice(0, 6)) {
        for (const line of symbols.linesOf(file).slice(0, 12)) symbols.locationsOfLine(file, line);
      }
    },
  ];
  for (const question of questions) {
    try {
      question();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}

describe('symbols: damaged files', function () {
  this.timeout(180_000 * SOAK);
  for (const guest of ['tour', 'real16']) {
    const image = readFileSync(`test/guests/bin/${guest}.elf`);
    const { length } = image;
    const headers = new DataView(image.buffer, image.byteOffset).getUint32(image[4] === 2 ? 40 : 32, true);
    // The debug sections lie between the image and the section headers.
    const parts: [string, readonly [number, number], number][] = [
      ['the ELF header', [16, 64], 4],
      ['the section headers', [headers, length], 12],
      ['anywhere', [64, length], 400],
      ['a few bytes of the debug sections', [Math.floor(length * 0.35), headers], 40],
    ];
    for (const [name, range, count] of parts) {
      it(`${guest}: ${name}`, () => {
        for (let seed = 1; seed <= MUTANTS; seed += 1) {
          const bytes = damage(image, range, count, seed * 7919);
          const before = process.cpuUsage();
          try {
            askAll(bytes);
          } catch (error) {
            assert.ok(error instanceof UserError, `seed ${seed}: ${(error as Error).stack}`);
          }
          // The processor's time, since other work may share the machine.
          const milliseconds = process.cpuUsage(before).user / 1000;
          assert.ok(milliseconds < 2000, `seed ${seed} takes ${milliseconds} ms`);
        }
      });
    }
  }
});
