// Plain data as bytes and back, and what is refused.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { crc32 } from '../../src/machine/crc32';
import { decodePlainData, encodePlainData, MalformedData } from '../../src/machine/plain-data';

const VALUES: readonly (readonly [name: string, value: unknown, hex: string])[] = [
  ['undefined', undefined, '00'],
  ['false', false, '01'],
  ['true', true, '02'],
  ['a number', 1, '03000000000000f03f'],
  ['minus zero', -0, '030000000000000080'],
  ['infinity', Infinity, '03000000000000f07f'],
  ['a 64-bit value', 0xfedcba9876543210n, '041032547698badcfe'],
  ['a string', 'é€😀', '0509000000c3a9e282acf09f9880'],
  ['bytes', Uint8Array.of(1, 2), '06020000000102'],
  ['words', Uint32Array.of(1, 0xffffffff), '090200000001000000ffffffff'],
  ['a list', [true, undefined], '07020000000200'],
  ['fields, sorted', { b: true, a: false }, '0802000000010000006101010000006202'],
];

describe('plain data', () => {
  for (const [name, value, hex] of VALUES) {
    it(`is ${name}`, () => {
      const bytes = encodePlainData(value);
      assert.equal(Buffer.from(bytes).toString('hex'), hex);
      assert.deepEqual(decodePlainData(bytes), value);
    });
  }

  const REFUSED: readonly (readonly [name: string, hex: string, problem: RegExp])[] = [
    ['nothing at all', '', /too early/],
    ['an unknown tag', '0a', /tag 10/],
    ['bytes behind the value', '0100', /too many/],
    ['a number cut off', '0300', /too early/],
    ['a length that the rest cannot hold', '06ffffffff00', /too early/],
    ['a list of four thousand million', '07ffffffff', /too early/],
    ['fields out of order', '0802000000010000006202010000006101', /out of order/],
    ['one field twice', '0802000000010000006102010000006101', /out of order/],
    ['a string cut off in a character', '0501000000c3', /UTF-8/],
    ['nesting without end', '0701000000'.repeat(40) + '00', /nested/],
  ];
  for (const [name, hex, problem] of REFUSED) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => decodePlainData(Buffer.from(hex, 'hex')),
        (error) => error instanceof MalformedData && problem.test(error.message),
      );
    });
  }

  it('any bytes are a value or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          encodePlainData(decodePlainData(bytes));
        } catch (error) {
          assert.ok(error instanceof MalformedData, String(error));
        }
      }),
      { seed: 1, numRuns: 5000 },
    );
  });
});

describe('crc32', () => {
  const check = (text: string, crc: number): void => assert.equal(crc32(Buffer.from(text)), crc);
  it('gives the known check values', () => {
    check('', 0);
    check('a', 0xe8b7be43);
    check('123456789', 0xcbf43926);
    check('The quick brown fox jumps over the lazy dog', 0x414fa339);
  });
});
