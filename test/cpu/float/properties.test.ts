// Properties of the floating-point functions that need no other CPU: the host's IEEE doubles in round-to-nearest,
// bracketing by the directed modes, exact identities, round trips.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { add, divide, multiply, squareRoot, subtract } from '../../../src/cpu/float/arithmetic';
import { compare, Relation } from '../../../src/cpu/float/compare';
import { Exception, FloatContext, Rounding } from '../../../src/cpu/float/context';
import { load, store } from '../../../src/cpu/float/convert';
import { naturalLogarithmOf2, pi } from '../../../src/cpu/float/fixed-point';
import { F32, F64, F80 } from '../../../src/cpu/float/formats';
import type { Extended, Format } from '../../../src/cpu/float/formats';
import { fromInteger, fromPackedBcd, toInteger, toPackedBcd } from '../../../src/cpu/float/integer';
import { exponential2Minus1, yTimesLogarithm2 } from '../../../src/cpu/float/logarithmic';
import { partialRemainder } from '../../../src/cpu/float/remainder';
import { cosine, sine, tangent } from '../../../src/cpu/float/trigonometric';
import { bitLength, integerSquareRoot } from '../../../src/cpu/float/value';
import type { Unpacked } from '../../../src/cpu/float/value';

const view = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function numberOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function singleOf(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

const anyDouble = fc
  .bigInt(0n, (1n << 64n) - 1n)
  .map(numberOf)
  .filter((value) => !Number.isNaN(value));
const nearDouble = fc
  .tuple(fc.integer({ min: -60, max: 60 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([e, m]) => m * 2 ** e);
const double = fc.oneof(anyDouble, nearDouble, fc.double({ noNaN: true }));
const single = fc
  .oneof(
    fc.integer({ min: -1 << 31, max: -1 >>> 1 }).map((bits) => bits >>> 0),
    fc.constant(1),
  )
  .filter((bits) => !Number.isNaN(singleOf(bits)));

type Binary = <T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked) => T;

function runBinary<T>(operation: Binary, format: Format<T>, a: T, b: T, rounding: Rounding = Rounding.Nearest): T {
  const context = new FloatContext('SSE');
  context.rounding = rounding;
  return operation(context, format, format.unpack(a), format.unpack(b));
}

const OPERATIONS: readonly [string, Binary, (a: number, b: number) => number][] = [
  ['add', add, (a, b) => a + b],
  ['subtract', subtract, (a, b) => a - b],
  ['multiply', multiply, (a, b) => a * b],
  ['divide', divide, (a, b) => a / b],
];

describe('floating-point properties', () => {
  for (const [name, operation, host] of OPERATIONS) {
    it(`${name} of doubles and singles equals the host's in round-to-nearest`, () => {
      fc.assert(
        fc.property(double, double, (a, b) => {
          const result = numberOf(runBinary(operation, F64, bitsOf(a), bitsOf(b)));
          assert.ok(Object.is(result, host(a, b)), `${a} ${b}: ${result}`);
        }),
        { numRuns: 2000 },
      );
      fc.assert(
        fc.property(single, single, (a, b) => {
          const result = singleOf(runBinary(operation, F32, a, b));
          const expected = Math.fround(host(singleOf(a), singleOf(b)));
          assert.ok(Object.is(result, expected), `${a} ${b}: ${result} ${expected}`);
        }),
        { numRuns: 2000 },
      );
    });

    it(`${name}: rounding down and up bracket the exact result, one of them being nearest`, () => {
      fc.assert(
        fc.property(nearDouble, nearDouble, fc.boolean(), (x, b, negative) => {
          const a = negative ? -x : x;
          const [near, down, up] = [Rounding.Nearest, Rounding.Down, Rounding.Up].map((rounding) =>
            numberOf(runBinary(operation, F64, bitsOf(a), bitsOf(b), rounding)),
          );
          assert.ok(down! <= up! && (near === down || near === up));
          const zero = numberOf(runBinary(operation, F64, bitsOf(a), bitsOf(b), Rounding.Zero));
          assert.equal(Math.abs(zero), Math.min(Math.abs(down!), Math.abs(up!)));
        }),
        { numRuns: 500 },
      );
    });
  }

  it('square root equals the host', () => {
    fc.assert(
      fc.property(double, (a) => {
        const value = squareRoot(new FloatContext('SSE'), F64, F64.unpack(bitsOf(Math.abs(a))));
        assert.equal(numberOf(value), Math.sqrt(Math.abs(a)));
      }),
      { numRuns: 2000 },
    );
  });

  it('compare orders as the host does', () => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        const relation = compare(new FloatContext('SSE'), F64.unpack(bitsOf(a)), F64.unpack(bitsOf(b)), false);
        assert.equal(relation, a < b ? Relation.Less : a > b ? Relation.Greater : Relation.Equal);
      }),
    );
  });

  it('doubles survive the x87 registers, signaling NaNs become quiet with IE', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (bits) => {
        const context = new FloatContext('x87');
        const stored = store(context, F64, F80.unpack(load(context, F64.unpack(bits))));
        const signaling = (context.flags & Exception.IE) !== 0;
        assert.equal(stored, signaling ? bits | (1n << 51n) : bits);
      }),
    );
  });

  it('64-bit integers and 18-digit decimals survive the x87 registers', () => {
    fc.assert(
      fc.property(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), (value) => {
        const context = new FloatContext('x87');
        assert.equal(toInteger(context, F80.unpack(fromInteger(context, F80, value)), 64), value);
        const decimal = value % 10n ** 18n;
        const magnitude = BigInt(`0x${(decimal < 0n ? -decimal : decimal).toString()}`);
        const packed = magnitude | (decimal < 0n ? 1n << 79n : 0n);
        assert.equal(toPackedBcd(context, F80.unpack(fromPackedBcd(packed))), packed);
        assert.equal(context.flags, 0);
      }),
    );
  });

  it('FPREM repeated until C2 is clear leaves the exact remainder', () => {
    const extended = fc
      .tuple(fc.integer({ min: 16383 - 300, max: 16383 + 300 }), fc.bigInt(0n, (1n << 63n) - 1n))
      .map(([signExponent, fraction]): Extended => ({ signExponent, significand: (1n << 63n) | fraction }));
    fc.assert(
      fc.property(extended, extended, (a, b) => {
        const context = new FloatContext('x87');
        let value = a;
        let incomplete = true;
        for (let round = 0; incomplete; round++) {
          assert.ok(round < 20);
          ({ value, incomplete } = partialRemainder(context, F80.unpack(value), F80.unpack(b), false));
        }
        const scaled = (x: Extended): bigint => x.significand << BigInt(Math.max(x.signExponent, 1) - 15900);
        assert.equal(scaled(value), scaled(a) % scaled(b));
        assert.equal(context.flags, 0);
      }),
      { numRuns: 300 },
    );
  });

  it('FPREM1 rounds a quotient midway between integers to the even one', () => {
    const cases: readonly (readonly [number, number, number, number])[] = [
      [0.5, 1, 0.5, 0],
      [1.5, 1, -0.5, 2],
      [2.5, 1, 0.5, 2],
      [-2.5, 1, -0.5, 2],
      [3.5, 1, -0.5, 4],
      [-3.5, -1, 0.5, 4],
      [7, 2, -1, 4],
    ];
    for (const [a, b, rest, quotient] of cases) {
      const context = new FloatContext('x87');
      const result = partialRemainder(context, F64.unpack(bitsOf(a)), F64.unpack(bitsOf(b)), true);
      assert.equal(numberOf(store(context, F64, F80.unpack(result.value))), rest, `${a} ${b}`);
      assert.equal(result.quotient, quotient, `${a} ${b}`);
    }
  });

  it('bit lengths and integer square roots are exact', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 1n << 300n), fc.integer({ min: 1, max: 3000 }), (value, power) => {
        assert.equal(bitLength(value), value.toString(2).length);
        assert.equal(bitLength((1n << BigInt(power)) - 1n), power);
        assert.equal(bitLength(1n << BigInt(power)), power + 1);
        const root = integerSquareRoot(value);
        assert.ok(root * root <= value && (root + 1n) * (root + 1n) > value);
      }),
    );
  });
});

describe('transcendental functions', () => {
  const context = new FloatContext('x87');
  const extended = (value: number): Unpacked => F80.unpack(load(context, F64.unpack(bitsOf(value))));
  const toNumber = (value: Extended): number => numberOf(store(context, F64, F80.unpack(value)));
  const close = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual - expected) <= Math.abs(expected) * 1e-15, `${actual} ${expected}`);

  it('know pi and ln 2', () => {
    // The hexadecimal digits of pi, and of ln 2.
    assert.equal(pi(128), 0x3243f6a8885a308d313198a2e03707344n);
    assert.equal(naturalLogarithmOf2(128), 0xb17217f7d1cf79abc9e3b39803f2f6afn);
  });

  it("are close to the host's", () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (x) => {
        close(toNumber(sine(context, extended(x))), Math.sin(x));
        close(toNumber(cosine(context, extended(x))), Math.cos(x));
        close(toNumber(tangent(context, extended(x))), Math.tan(x));
        close(toNumber(exponential2Minus1(context, extended(x))), Math.expm1(x * Math.LN2));
      }),
      { numRuns: 200, examples: [[0], [-0], [1], [-1]] },
    );
  });

  it('give exact results exactly: F2XM1 of 0, 1, -1, FYL2X of powers of two', () => {
    const cases: readonly [() => Extended, number][] = [
      [() => exponential2Minus1(context, extended(1)), 1],
      [() => exponential2Minus1(context, extended(-1)), -0.5],
      [() => exponential2Minus1(context, extended(-0)), -0],
      [() => yTimesLogarithm2(context, extended(3), extended(1024)), 30],
      [() => yTimesLogarithm2(context, extended(-3), extended(0.25)), 6],
      [() => yTimesLogarithm2(context, extended(-3), extended(1)), -0],
    ];
    for (const [run, expected] of cases) {
      context.begin();
      assert.ok(Object.is(toNumber(run()), expected), `${expected}`);
      assert.equal(context.flags, 0);
    }
  });

  it('reduce by the 66-bit pi: FSIN of the double nearest to pi', () => {
    // SDM Vol. 1, 8.3.8: pi is 0.C90FDAA22168C234C * 2^2; its difference from the double is exact.
    const difference = 0x3243f6a8885a308d3n - (0x1921fb54442d18n << 13n);
    assert.equal(toNumber(sine(context, extended(Math.PI))), Number(difference) * 2 ** -64);
  });
});
