// What a scalar SSE instruction of a vector should leave, by the functions under test.

import { add, divide, multiply, squareRoot, subtract } from '../../../src/cpu/float/arithmetic';
import { compare, holds, maximum, minimum, Relation } from '../../../src/cpu/float/compare';
import { Rounding } from '../../../src/cpu/float/context';
import type { FloatContext } from '../../../src/cpu/float/context';
import { convert } from '../../../src/cpu/float/convert';
import { reciprocalEstimate, reciprocalSquareRootEstimate } from '../../../src/cpu/float/estimate';
import { F32, F64 } from '../../../src/cpu/float/formats';
import type { Format } from '../../../src/cpu/float/formats';
import { fromInteger, roundToIntegral, toInteger } from '../../../src/cpu/float/integer';
import type { Unpacked } from '../../../src/cpu/float/value';
import type { Vector } from './vectors';

/** The result's low `width` bits; flags are left in the context. */
export interface SseModel {
  readonly width: number;
  run(context: FloatContext, vector: Vector): bigint;
}

const read32 = (bytes: Buffer): number => bytes.readUInt32LE(0);
const read64 = (bytes: Buffer): bigint => bytes.readBigUInt64LE(0);
const a32 = (vector: Vector): Unpacked => F32.unpack(read32(vector.a));
const b32 = (vector: Vector): Unpacked => F32.unpack(read32(vector.b));
const a64 = (vector: Vector): Unpacked => F64.unpack(read64(vector.a));
const b64 = (vector: Vector): Unpacked => F64.unpack(read64(vector.b));

type Binary = <T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked) => T;
type Select = <T>(context: FloatContext, format: Format<T>, a: T, b: T) => T;

function binary(name: string, operation: Binary): Record<string, SseModel> {
  return {
    [`${name}ss`]: { width: 32, run: (context, v) => BigInt(operation(context, F32, a32(v), b32(v))) },
    [`${name}sd`]: { width: 64, run: (context, v) => operation(context, F64, a64(v), b64(v)) },
  };
}

function select(name: string, operation: Select): Record<string, SseModel> {
  return {
    [`${name}ss`]: { width: 32, run: (context, v) => BigInt(operation(context, F32, read32(v.a), read32(v.b))) },
    [`${name}sd`]: { width: 64, run: (context, v) => operation(context, F64, read64(v.a), read64(v.b)) },
  };
}

// ZF, PF and CF of COMISS and its kin (SDM Vol. 2, COMISS).
const EFLAGS = { [Relation.Greater]: 0n, [Relation.Less]: 0x01n, [Relation.Equal]: 0x40n, [Relation.Unordered]: 0x45n };

function comparisons(): Record<string, SseModel> {
  const models: Record<string, SseModel> = {};
  for (const [prefix, quiet] of [
    ['comis', false],
    ['ucomis', true],
  ] as const) {
    models[`${prefix}s`] = { width: 32, run: (context, v) => EFLAGS[compare(context, a32(v), b32(v), quiet)] };
    models[`${prefix}d`] = { width: 64, run: (context, v) => EFLAGS[compare(context, a64(v), b64(v), quiet)] };
  }
  for (let predicate = 0; predicate < 8; predicate++) {
    models[`cmpsd_${predicate}`] = {
      width: 64,
      run: (context, v) => (holds(context, a64(v), b64(v), predicate) ? (1n << 64n) - 1n : 0n),
    };
  }
  return models;
}

function roundings(): Record<string, SseModel> {
  const models: Record<string, SseModel> = {};
  const modes = [Rounding.Nearest, Rounding.Down, Rounding.Up, Rounding.Zero];
  for (const immediate of [0, 1, 2, 3, 4, 12]) {
    const mode = (immediate & 4) !== 0 ? undefined : modes[immediate & 3];
    const quiet = (immediate & 8) !== 0;
    models[`roundss_${immediate}`] = {
      width: 32,
      run: (context, v) => BigInt(roundToIntegral(context, F32, a32(v), mode, quiet)),
    };
    models[`roundsd_${immediate}`] = {
      width: 64,
      run: (context, v) => roundToIntegral(context, F64, a64(v), mode, quiet),
    };
  }
  return models;
}

function integers(): Record<string, SseModel> {
  const models: Record<string, SseModel> = {};
  for (const width of [32, 64] as const) {
    const integer = (v: Vector): bigint => BigInt.asIntN(width, read64(v.a));
    models[`cvtsi2ss_${width}`] = { width: 32, run: (context, v) => BigInt(fromInteger(context, F32, integer(v))) };
    models[`cvtsi2sd_${width}`] = { width: 64, run: (context, v) => fromInteger(context, F64, integer(v)) };
    for (const [name, rounding] of [
      ['cvt', undefined],
      ['cvtt', Rounding.Zero],
    ] as const) {
      models[`${name}ss2si_${width}`] = { width, run: (context, v) => toInteger(context, a32(v), width, rounding) };
      models[`${name}sd2si_${width}`] = { width, run: (context, v) => toInteger(context, a64(v), width, rounding) };
    }
  }
  return models;
}

/** The models by the names that host.c uses. */
export const SSE_MODELS: Readonly<Record<string, SseModel>> = {
  ...binary('add', add),
  ...binary('sub', subtract),
  ...binary('mul', multiply),
  ...binary('div', divide),
  ...binary('sqrt', squareRoot),
  ...select('min', minimum),
  ...select('max', maximum),
  ...comparisons(),
  ...roundings(),
  ...integers(),
  rcpss: { width: 32, run: (_context, v) => BigInt(reciprocalEstimate(read32(v.a))) },
  rsqrtss: { width: 32, run: (_context, v) => BigInt(reciprocalSquareRootEstimate(read32(v.a))) },
  cvtss2sd: { width: 64, run: (context, v) => convert(context, F64, a32(v)) },
  cvtsd2ss: { width: 32, run: (context, v) => BigInt(convert(context, F32, a64(v))) },
};
