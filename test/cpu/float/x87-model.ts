// What an x87 instruction of a vector should leave, by the functions under test.

import { compare, Relation } from '../../../src/cpu/float/compare';
import { add, divide, multiply, squareRoot, subtract } from '../../../src/cpu/float/arithmetic';
import type { FloatContext } from '../../../src/cpu/float/context';
import { ALL_EXCEPTIONS, Exception, Rounding } from '../../../src/cpu/float/context';
import { absolute, changeSign, examine, load as loadExtended, store } from '../../../src/cpu/float/convert';
import { F32, F64, F80 } from '../../../src/cpu/float/formats';
import type { Extended } from '../../../src/cpu/float/formats';
import { fromInteger, fromPackedBcd, roundToIntegral, toInteger, toPackedBcd } from '../../../src/cpu/float/integer';
import { exponential2Minus1, yTimesLogarithm2, yTimesLogarithm2Plus1 } from '../../../src/cpu/float/logarithmic';
import { partialRemainder } from '../../../src/cpu/float/remainder';
import { extract, scale } from '../../../src/cpu/float/scale';
import { arctangentOfQuotient, cosine, outOfRange, sine, tangent } from '../../../src/cpu/float/trigonometric';
import type { Unpacked } from '../../../src/cpu/float/value';
import { bits80, read80, readExtended } from './vectors';
import type { Vector } from './vectors';

const C0 = 0x100;
const C1 = 0x200;
const C2 = 0x400;
const C3 = 0x4000;
const CONDITION_CODE = C0 | C1 | C2 | C3;
const ONE = 0x3fff8000000000000000n;

/** Expected state: 80-bit images of the two outputs (undefined: not compared), status bits and which of them count. */
export interface Expected {
  readonly r: bigint;
  readonly r2?: bigint;
  readonly status: number;
  readonly statusMask: number;
}

type Model = (context: FloatContext, vector: Vector) => Expected;

function status(context: FloatContext, code = context.inexact && context.roundedUp ? C1 : 0): number {
  return context.flags | code;
}

const ALL = ALL_EXCEPTIONS | CONDITION_CODE;
const ARITHMETIC = ALL_EXCEPTIONS | C1;

const operands = (vector: Vector): [Unpacked, Unpacked] => [
  F80.unpack(readExtended(vector.a)),
  F80.unpack(readExtended(vector.b)),
];

function inPlace(
  operation: (context: FloatContext, a: Unpacked, b: Unpacked) => Extended,
  statusMask = ARITHMETIC,
): Model {
  return (context, vector) => {
    const result = bits80(operation(context, ...operands(vector)));
    const r = context.blocked ? read80(vector.a) : result;
    return { r, r2: read80(vector.b), status: status(context), statusMask };
  };
}

function popping(operation: (context: FloatContext, st0: Unpacked, st1: Unpacked) => Extended): Model {
  return (context, vector) => {
    const result = bits80(operation(context, ...operands(vector)));
    const r = context.blocked ? read80(vector.a) : result;
    return { r, status: status(context), statusMask: ALL_EXCEPTIONS };
  };
}

function trigonometric(results: (context: FloatContext, a: Unpacked) => bigint[]): Model {
  return (context, vector) => {
    const [a] = operands(vector);
    const before = { r: read80(vector.a), r2: read80(vector.b) };
    const statusMask = ALL_EXCEPTIONS | C2;
    if (outOfRange(a)) return { ...before, status: C2, statusMask };
    const [r = 0n, r2 = read80(vector.b)] = results(context, a);
    if (context.blocked) return { ...before, status: status(context), statusMask };
    return { r, r2, status: status(context), statusMask };
  };
}

function remainder(nearest: boolean): Model {
  return (context, vector) => {
    const { value, quotient, incomplete } = partialRemainder(context, ...operands(vector), nearest);
    const code =
      (incomplete ? C2 : 0) |
      ((quotient & 4) !== 0 ? C0 : 0) |
      ((quotient & 2) !== 0 ? C3 : 0) |
      ((quotient & 1) !== 0 ? C1 : 0);
    const r = context.blocked ? read80(vector.a) : bits80(value);
    return { r, r2: read80(vector.b), status: status(context, context.blocked ? 0 : code), statusMask: ALL };
  };
}

const CODES = { [Relation.Greater]: 0, [Relation.Less]: C0, [Relation.Equal]: C3, [Relation.Unordered]: C0 | C2 | C3 };

function comparison(quiet: boolean, second: (vector: Vector) => Unpacked): Model {
  return (context, vector) => {
    const [a] = operands(vector);
    const code = CODES[compare(context, a, second(vector), quiet)];
    return { r: read80(vector.a), status: status(context, code), statusMask: ALL };
  };
}

function load(operation: (context: FloatContext, vector: Vector) => Extended): Model {
  return (context, vector) => {
    const result = bits80(operation(context, vector));
    const pushed = (context.unmasked & Exception.IE) === 0;
    const r2 = pushed ? read80(vector.a) : undefined;
    return { r: pushed ? result : read80(vector.a), r2, status: status(context), statusMask: ARITHMETIC };
  };
}

function memory(
  operation: (context: FloatContext, a: Unpacked, b: Unpacked) => Extended,
  second: (v: Vector) => Unpacked,
): Model {
  return (context, vector) => {
    const [a] = operands(vector);
    const result = bits80(operation(context, a, second(vector)));
    return { r: context.blocked ? read80(vector.a) : result, status: status(context), statusMask: ARITHMETIC };
  };
}

/** A store of `width` bits: memory keeps its bytes after an unmasked exception other than PE. */
function stores(width: number, operation: (context: FloatContext, a: Unpacked) => bigint): Model {
  return (context, vector) => {
    const [a] = operands(vector);
    const result = BigInt.asUintN(width, operation(context, a));
    const kept = read80(vector.b);
    const stored = (context.unmasked & ~Exception.PE) === 0;
    const r = stored ? ((kept >> BigInt(width)) << BigInt(width)) | result : kept;
    return { r, status: status(context), statusMask: ARITHMETIC };
  };
}

const m32 = (vector: Vector): Unpacked => F32.unpack(vector.b.readUInt32LE(0));
const m64 = (vector: Vector): Unpacked => F64.unpack(vector.b.readBigUInt64LE(0));

/** The models by the names that host.c uses. */
export const X87_MODELS: Readonly<Record<string, Model>> = {
  fadd: inPlace((context, a, b) => add(context, F80, a, b)),
  fsub: inPlace((context, a, b) => subtract(context, F80, a, b)),
  fmul: inPlace((context, a, b) => multiply(context, F80, a, b)),
  fdiv: inPlace((context, a, b) => divide(context, F80, a, b)),
  fsqrt: inPlace((context, a) => squareRoot(context, F80, a)),
  fprem: remainder(false),
  fprem1: remainder(true),
  frndint: inPlace((context, a) => roundToIntegral(context, F80, a)),
  fscale: inPlace(scale),
  fxtract: (context, vector) => {
    const [a] = operands(vector);
    const { exponent, significand } = extract(context, a);
    const done = !context.blocked;
    return {
      r: done ? bits80(significand) : read80(vector.a),
      r2: done ? bits80(exponent) : read80(vector.b),
      status: status(context),
      statusMask: ARITHMETIC,
    };
  },
  fcom: comparison(false, (vector) => F80.unpack(readExtended(vector.b))),
  fucom: comparison(true, (vector) => F80.unpack(readExtended(vector.b))),
  fcom_m64: comparison(false, m64),
  fxam: (_context, vector) => {
    const a = readExtended(vector.a);
    const code = examine(a);
    const bits = ((code & 4) !== 0 ? C3 : 0) | ((code & 2) !== 0 ? C2 : 0) | ((code & 1) !== 0 ? C0 : 0);
    return { r: read80(vector.a), status: bits | ((a.signExponent & 0x8000) !== 0 ? C1 : 0), statusMask: ALL };
  },
  fabs: (_context, vector) => ({ r: bits80(absolute(readExtended(vector.a))), status: 0, statusMask: ARITHMETIC }),
  fchs: (_context, vector) => ({ r: bits80(changeSign(readExtended(vector.a))), status: 0, statusMask: ARITHMETIC }),
  fsin: trigonometric((context, a) => [bits80(sine(context, a))]),
  fcos: trigonometric((context, a) => [bits80(cosine(context, a))]),
  fsincos: trigonometric((context, a) => {
    const first = bits80(sine(context, a));
    return [bits80(cosine(context, a)), first];
  }),
  fptan: trigonometric((context, a) => {
    const value = bits80(tangent(context, a));
    return [a.kind >= 2 ? value : ONE, value];
  }),
  fpatan: popping((context, st0, st1) => arctangentOfQuotient(context, st1, st0)),
  f2xm1: popping((context, st0) => exponential2Minus1(context, st0)),
  fyl2x: popping((context, st0, st1) => yTimesLogarithm2(context, st1, st0)),
  fyl2xp1: popping((context, st0, st1) => yTimesLogarithm2Plus1(context, st1, st0)),
  fadd_m32: memory((context, a, b) => add(context, F80, a, b), m32),
  fmul_m64: memory((context, a, b) => multiply(context, F80, a, b), m64),
  fld_m32: load((context, vector) => loadExtended(context, m32(vector))),
  fld_m64: load((context, vector) => loadExtended(context, m64(vector))),
  fild_m16: load((context, vector) => fromInteger(context, F80, BigInt(vector.b.readInt16LE(0)))),
  fild_m32: load((context, vector) => fromInteger(context, F80, BigInt(vector.b.readInt32LE(0)))),
  fild_m64: load((context, vector) => fromInteger(context, F80, vector.b.readBigInt64LE(0))),
  fbld: load((_context, vector) => fromPackedBcd(read80(vector.b))),
  fst_m32: stores(32, (context, a) => BigInt(store(context, F32, a))),
  fst_m64: stores(64, (context, a) => store(context, F64, a)),
  fist_m16: stores(16, (context, a) => toInteger(context, a, 16)),
  fist_m32: stores(32, (context, a) => toInteger(context, a, 32)),
  fistp_m64: stores(64, (context, a) => toInteger(context, a, 64)),
  fisttp_m16: stores(16, (context, a) => toInteger(context, a, 16, Rounding.Zero)),
  fisttp_m32: stores(32, (context, a) => toInteger(context, a, 32, Rounding.Zero)),
  fisttp_m64: stores(64, (context, a) => toInteger(context, a, 64, Rounding.Zero)),
  fbstp: stores(80, toPackedBcd),
};
