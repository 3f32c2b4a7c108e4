/** Suggestions for names that do not exist. */
import assert from 'node:assert/strict';
import { nearestName } from '../../../src/symbols/expression/nearest';

const SYMBOLS = ['start_kernel', 'start_secondary', 'memcpy', 'memset', 'do_exit'];
const symbols = (prefix: string, limit: number): string[] =>
  SYMBOLS.filter((name) => name.startsWith(prefix)).slice(0, limit);
const REGISTERS = ['rax', 'rip', 'rflags', 'cs'];

const cases: readonly (readonly [string, string | undefined])[] = [
  ['start_kernl', 'start_kernel'],
  ['start_kenrel', 'start_kernel'],
  ['start_krnll', 'start_kernel'],
  ['start_knl', undefined],
  ['memcp', 'memcpy'],
  ['memet', 'memset'],
  ['od_exit', undefined],
  ['rpi', 'rip'],
  ['RFLAG', 'rflags'],
  ['$rac', '$rax'],
  ['$Rflag', '$rflags'],
  ['$rabc', undefined],
  ['$start_kernl', undefined],
  ['', undefined],
];

describe('names that were meant', () => {
  for (const [name, expected] of cases) {
    it(`"${name}"`, () => assert.equal(nearestName(name, symbols, REGISTERS), expected));
  }
});
