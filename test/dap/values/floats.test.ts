/** Floating point as text, against the host's own numbers. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { floatBits, floatText } from '../../../src/dap/values/floats';
import type { FloatType } from '../../../src/symbols/types/type';
import { DOUBLE, FLOAT, LONG_DOUBLE } from '../../symbols/types/sample';

const HALF: FloatType = { kind: 'float', name: '_Float16', size: 2 };
const QUAD: FloatType = { kind: 'float', name: '_Float128', size: 16 };
/** Sign and exponent, significand. */
const x87 = (high: bigint, low: bigint): bigint => (high << 64n) | low;

describe('floating point as text', () => {
  const cases: readonly (readonly [FloatType, bigint, string | undefined])[] = [
    [FLOAT, 0x3dcccccdn, '0.1'],
    [FLOAT, 0x7f7fffffn, '3.4028235e+38'],
    [FLOAT, 0x00000001n, '1e-45'],
    [FLOAT, 0x80000000n, '-0'],
    [FLOAT, 0x7fc00000n, 'nan'],
    [FLOAT, 0xff800000n, '-inf'],
    [DOUBLE, 0x3fb999999999999an, '0.1'],
    [DOUBLE, 0x4008000000000000n, '3'],
    [DOUBLE, 0x8000000000000000n, '-0'],
    [HALF, 0x3c00n, '1'],
    [HALF, 0x0001n, '5.960464477539063e-8'],
    [HALF, 0xfc00n, '-inf'],
    [HALF, 0x7bffn, '65504'],
    [LONG_DOUBLE, x87(0x3fffn, 0x8000000000000000n), '1'],
    [LONG_DOUBLE, x87(0xbffen, 0x8000000000000000n), '-0.5'],
    [LONG_DOUBLE, x87(0n, 0n), '0'],
    [LONG_DOUBLE, x87(0x7fffn, 0x8000000000000000n), 'inf'],
    [LONG_DOUBLE, x87(0x7fffn, 0xc000000000000000n), 'nan'],
    // pi and 0.1 as FLDPI and the compiler make them.
    [LONG_DOUBLE, x87(0x4000n, 0xc90fdaa22168c235n), '3.14159265358979323851'],
    [LONG_DOUBLE, x87(0x3ffbn, 0xcccccccccccccccdn), '0.100000000000000000001'],
    [LONG_DOUBLE, x87(0x7ffen, 0xffffffffffffffffn), '1.18973149535723176502e+4932'],
    [LONG_DOUBLE, x87(0n, 1n), '3.64519953188247460253e-4951'],
    [QUAD, 1n, undefined],
  ];
  for (const [type, bits, expected] of cases) {
    it(`${type.name} ${expected}`, () => assert.equal(floatText(type, bits), expected));
  }

  it('what is shown of a double is the double, of a single the single', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.float({ noNaN: true }), (double, single) => {
        const bits = BigInt.asUintN(64, new BigInt64Array(new Float64Array([double]).buffer)[0]!);
        assert.equal(floatBits(DOUBLE, floatText(DOUBLE, bits)!), bits);
        const narrow = BigInt(new Uint32Array(new Float32Array([single]).buffer)[0]!);
        assert.equal(floatBits(FLOAT, floatText(FLOAT, narrow)!), narrow);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('texts that are no numbers have no bits', () => {
    for (const text of ['', 'x', '1,5', '0x1p3', '1e', '--1', '1 2']) assert.equal(floatBits(DOUBLE, text), undefined);
    assert.equal(floatBits(LONG_DOUBLE, '1'), undefined);
  });
});
