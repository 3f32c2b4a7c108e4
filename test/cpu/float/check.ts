// Compares the functions under test with what a CPU did.

import { ALL_EXCEPTIONS, Exception, FloatContext } from '../../../src/cpu/float/context';
import { SSE_MODELS } from './sse-model';
import { read80 } from './vectors';
import type { Vector } from './vectors';
import { X87_MODELS } from './x87-model';

const TRAPPED = 0x8000;

/** Instructions whose results may be off by one unit in the last place. */
const APPROXIMATE = new Set(['fsin', 'fcos', 'fsincos', 'fptan', 'fpatan', 'f2xm1', 'fyl2x', 'fyl2xp1']);
/** Instructions whose results may be off by 1.5 * 2^-12 in proportion: 2 * 1.5 * 2^-12 of a significand of 24 bits. */
const ESTIMATES = new Set(['rcpss', 'rsqrtss']);

function hex(bytes: Buffer): string {
  return Buffer.from(bytes).reverse().toString('hex');
}

function show(vector: Vector): string {
  const { operation, control, status, a, b, r, r2 } = vector;
  return `${operation} control ${control.toString(16)} a ${hex(a)} b ${hex(b)} -> ${hex(r)} ${hex(r2)} status ${status.toString(16)}`;
}

/** A double extended encoding as a number that counts values of its sign in order: without the integer bit. */
function ordinal(bits: bigint): bigint {
  return ((bits >> 64n) << 63n) | (bits & ((1n << 63n) - 1n));
}

/** Equal, or for an approximate instruction next to each other. */
function nearExtended(actual: bigint, expected: bigint, approximate: boolean): boolean {
  return approximate ? near(ordinal(actual), ordinal(expected), 1n) : actual === expected;
}

function near(actual: bigint, expected: bigint, units: bigint): boolean {
  const difference = actual - expected;
  return difference <= units && -difference <= units;
}

function checkSse(vector: Vector): string | undefined {
  const model = SSE_MODELS[vector.operation];
  if (model === undefined) return `no model of ${vector.operation}`;
  const context = new FloatContext('SSE');
  context.setMxcsr(vector.control);
  context.begin();
  const result = BigInt.asUintN(model.width, model.run(context, vector));
  const trapped = (vector.status & TRAPPED) !== 0;
  const expected = BigInt.asUintN(model.width, vector.r.readBigUInt64LE(0));
  const estimate = ESTIMATES.has(vector.operation);
  // RCPSS may or may not flush a result near the smallest normal value to zero.
  const maybeTiny = estimate && (expected & 0x7fffffffn) === 0n && (result & 0x7fffffffn) >> 23n === 1n;
  const units = estimate ? 0x1800n : 0n;
  if (context.flags === (vector.status & ALL_EXCEPTIONS) && (context.unmasked !== 0) === trapped) {
    if (trapped || maybeTiny || near(result, expected, units)) return undefined;
  }
  return `${show(vector)}\n    ours ${result.toString(16)} flags ${context.flags.toString(16)}`;
}

function checkX87(vector: Vector): string | undefined {
  const model = X87_MODELS[vector.operation];
  if (model === undefined) return `no model of ${vector.operation}`;
  const context = new FloatContext('x87');
  context.setControlWord(vector.control);
  context.begin();
  const { r, r2, status, statusMask } = model(context, vector);
  const approximate = APPROXIMATE.has(vector.operation);
  // AMD's FYL2X counts its result as inexact even where the logarithm of a power of two makes it exact.
  const ignored = vector.operation === 'fyl2x' && !context.inexact ? Exception.PE | Exception.UE : 0;
  const same =
    nearExtended(r, read80(vector.r), approximate) &&
    (r2 === undefined || nearExtended(r2, read80(vector.r2), approximate)) &&
    ((status ^ vector.status) & statusMask & ~ignored) === 0;
  if (same) return undefined;
  const second = r2 === undefined ? '-' : r2.toString(16);
  return `${show(vector)}\n    ours ${r.toString(16)} ${second} status ${status.toString(16)} of ${statusMask.toString(16)}`;
}

/** What differs from the vector, or undefined. */
export function check(vector: Vector): string | undefined {
  return vector.operation in SSE_MODELS ? checkSse(vector) : checkX87(vector);
}
