// How sizes, seeds, times and places read.
import assert from 'node:assert/strict';
import { parseFlat, parseRtc, parseSeed, parseSize } from '../../src/targets/machine-settings';

/** Cases of one parser: text and value, or the sentence's pattern. */
function check<T>(name: string, parse: (text: string) => T, cases: readonly [string, T | RegExp][]): void {
  describe(name, () => {
    for (const [text, expected] of cases) {
      it(JSON.stringify(text), () => {
        if (expected instanceof RegExp) assert.throws(() => parse(text), expected);
        else assert.deepEqual(parse(text), expected);
      });
    }
  });
}

check('parseSize', parseSize, [
  ['256M', 256 * 2 ** 20],
  ['256m', 256 * 2 ** 20],
  ['1G', 2 ** 30],
  ['2GiB', 2 ** 31],
  ['4096K', 2 ** 22],
  ['268435456', 2 ** 28],
  ['0x10000000', 2 ** 28],
  [' 64M ', 2 ** 26],
  ['1.5G', /not an amount/],
  ['M', /not an amount/],
  ['', /not an amount/],
  ['12 M', /not an amount/],
  ['1e9', /not an amount/],
  ['99999999999999999999G', /not an amount/],
]);

check('parseSeed', parseSeed, [
  ['0', 0],
  ['4294967295', 0xffffffff],
  ['0xffffffff', 0xffffffff],
  ['4294967296', /not a seed/],
  ['-1', /not a seed/],
  ['1.5', /not a seed/],
  ['', /not a seed/],
]);

check('parseRtc', (text) => parseRtc(text, () => 1_700_000_000_999), [
  ['now', 1_700_000_000],
  ['1970-01-01', 0],
  ['2026-01-01T00:00:00Z', 1_767_225_600],
  ['2026-01-01T00:00:00', 1_767_225_600],
  ['2026-01-01T00:00', 1_767_225_600],
  ['2026-01-01T02:00:00+02:00', 1_767_225_600],
  ['2099-12-31T23:59:59Z', 4_102_444_799],
  ['2100-01-01', /not a time/],
  ['1969-12-31T23:59:59Z', /not a time/],
  ['12:00', /not a time/],
  ['Now', /not a time/],
]);

check('parseFlat', parseFlat, [
  ['0x7c00:real16', { address: 0x7c00, mode: 'real16' }],
  ['1048576:long64', { address: 2 ** 20, mode: 'long64' }],
  ['0x7c00', /not a place/],
  ['7c00:real16', /not a place/],
  ['0x7c00:real32', /not a place/],
]);
