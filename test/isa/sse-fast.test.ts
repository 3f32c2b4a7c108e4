// The in-line paths of scalar SSE: wherever they say that their results count, soft-float gives the same bits and raises
// nothing that is not masked and standing already.

import assert from 'node:assert/strict';
import { add, divide, multiply, squareRoot, subtract } from '../../src/cpu/float/arithmetic';
import { convert } from '../../src/cpu/float/convert';
import { compare, Relation } from '../../src/cpu/float/compare';
import { Exception, FloatContext, Rounding } from '../../src/cpu/float/context';
import { F32, F64 } from '../../src/cpu/float/formats';
import type { Format } from '../../src/cpu/float/formats';
import { fromInteger, toInteger } from '../../src/cpu/float/integer';
import type { Unpacked } from '../../src/cpu/float/value';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import {
  areNumbers,
  converted,
  convertsExactly,
  fastComparison,
  fastScalar,
  truncated,
  truncates,
  widened,
} from '../../src/isa/records/sse-fast';
import type { ScalarOperator } from '../../src/isa/records/sse-fast';
import type { Int, Semantics } from '../../src/isa/semantics';
import { i32, i64, load32, load64 } from '../../src/wasm/expr';
import type { I32, I64 } from '../../src/wasm/expr';
import type { FunctionBuilder } from '../../src/wasm/function';
import { ModuleBuilder } from '../../src/wasm/module';

type Width = 32 | 64;
type Soft = <T>(context: FloatContext, format: Format<T>, a: Unpacked, b: Unpacked) => T;

const OPERATORS: Readonly<Record<ScalarOperator, Soft>> = {
  ADD: add,
  SUB: subtract,
  MUL: multiply,
  DIV: divide,
  SQRT: (context, format, _a, b) => squareRoot(context, format, b),
};

/** Where the compiled function finds and leaves things. */
const AT = { a: 0, b: 8, mxcsr: 16, result: 24, counts: 32 } as const;
const memory = new WebAssembly.Memory({ initial: 1 });
const view = new DataView(memory.buffer);

/** As much of a maker as the path asks for. */
function semantics(code: FunctionBuilder): Semantics {
  const maker = { let: (value: Int) => code.let(value), state: () => load32(i32.const(AT.mxcsr), 32) };
  return maker as unknown as Semantics;
}

/** A function without parameters that writes `counts`, and where it is 1 `result`. */
function compile(
  width: Width,
  body: (code: FunctionBuilder, a: Int, b: Int) => { result: () => Int; counts: I32 },
): () => void {
  const module = new ModuleBuilder();
  module.importMemory(1);
  const load = (at: number): Int => (width === 64 ? load64(i32.const(at)) : load32(i32.const(at), 32));
  const run = module.function({ params: [] }, (code) => {
    const { result, counts } = body(code, code.let(load(AT.a)), code.let(load(AT.b)));
    const isSure = code.let(counts);
    code.store(i32.const(AT.counts), isSure, 32);
    code.if(isSure, () => {
      const bits = result();
      code.store(i32.const(AT.result), bits.type === 'i64' ? bits : i64.extendU(bits as I32), 64);
    });
  });
  module.exportFunction('run', run);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  return instance.exports['run'] as () => void;
}

/** Random bits, with exponents near the limits and near each other often. */
function operand(random: () => number, width: Width): bigint {
  const bits = (BigInt(random()) << 32n) | BigInt(random());
  const [fraction, exponents] = width === 64 ? [52n, 0x7ffn] : [23n, 0xffn];
  const near = [0n, 1n, 2n, exponents >> 1n, exponents - 1n, exponents, exponents / 4n, (3n * exponents) / 4n];
  const sign = BigInt(random() & 1) << BigInt(width - 1);
  if (random() % 8 === 0) return sign;
  const exponent = random() % 3 ? near[random() % near.length]! + BigInt(random() % 3) : bits >> 40n;
  const kept = bits & ((1n << fraction) - 1n) & (random() % 2 ? -1n : -(1n << (fraction - 4n)));
  return sign | ((exponent & exponents) << fraction) | kept;
}

const SETTINGS = [0x1fa0, 0x1fa0, 0x1f80, 0x9fe0, 0x9fc0, 0x1f80, 0x3fa0, 0x0fa0, 0x1fbf];
const TRIALS = 4000;
/** Doubles at the ends of both integer types, and of what a double has fractions for. */
const NEAR_INTEGERS = [31, 32, 52, 53, 62, 63, 64].flatMap((n) =>
  [2 ** n, 2 ** n - 2 ** Math.max(0, n - 53), 2 ** n - 0.5, 2 ** n + 2 ** Math.max(0, n - 52)].flatMap((x) => [x, -x]),
);

/** A product as it underflows: just below the smallest normal number, to which it is rounded. */
const UNDERFLOWING = { 32: [0x00ffffffn, 0x3f000000n], 64: [0x001fffffffffffffn, 0x3fe0000000000000n] } as const;

/** Operands for an operator: at random, or such that the result is a short number, exactly or nearly. */
function operands(random: () => number, width: Width, operator: string): readonly [bigint, bigint] {
  const b = operand(random, width);
  if (random() % 2) return [operand(random, width), b];
  if (random() % 8 === 0) return UNDERFLOWING[width];
  const short = operand(random, width) & (width === 64 ? -1n << 46n : -1n << 17n);
  const factor = operator === 'SQRT' ? short : b & (width === 64 ? -1n << 40n : -1n << 17n);
  const near = softBits(width, new FloatContext('SSE'), multiply, short, factor) + BigInt(random() % 3) - 1n;
  const product = BigInt.asUintN(width, near);
  return operator === 'SQRT' ? [short, product] : [product, factor];
}

function softBits(width: Width, context: FloatContext, soft: Soft, a: bigint, b: bigint): bigint {
  if (width === 64) return soft(context, F64, F64.unpack(a), F64.unpack(b));
  return BigInt(soft(context, F32, F32.unpack(Number(a)), F32.unpack(Number(b))));
}

/** Runs the compiled function; undefined when its result does not count. */
function fast(run: () => void, a: bigint, b: bigint, mxcsr: number): bigint | undefined {
  view.setBigUint64(AT.a, a, true);
  view.setBigUint64(AT.b, b, true);
  view.setUint32(AT.mxcsr, mxcsr, true);
  run();
  return view.getUint32(AT.counts, true) ? view.getBigUint64(AT.result, true) : undefined;
}

describe('SSE arithmetic in line', () => {
  for (const width of [32, 64] as const) {
    for (const [name, soft] of Object.entries(OPERATORS))
      it(`${name} of ${width} bits agrees with soft-float where it counts`, () => {
        const run = compile(width, (code, a, b) => {
          const { result, counts } = fastScalar(semantics(code), name as ScalarOperator, a, b);
          return { result: () => result, counts };
        });
        const random = seededRandom(width + name.length);
        let [counted, withoutPe, zeros] = [0, 0, 0];
        for (let n = 0; n < TRIALS; n++) {
          const [a, b] = operands(random, width, name);
          const mxcsr = SETTINGS[random() % SETTINGS.length]!;
          const found = fast(run, a, b, mxcsr);
          if (found === undefined) continue;
          counted++;
          const context = new FloatContext('SSE');
          context.setMxcsr(mxcsr);
          const text = `${a.toString(16)} ${b.toString(16)} mxcsr ${mxcsr.toString(16)}`;
          assert.equal(found.toString(16), softBits(width, context, soft, a, b).toString(16), text);
          assert.equal(context.flags & ~(mxcsr & Exception.PE), 0, text);
          assert.ok(context.masked(Exception.PE), text);
          if (!(mxcsr & Exception.PE)) withoutPe++;
          if (found << 1n === 0n || found === 1n << BigInt(width - 1)) zeros++;
        }
        assert.ok(counted > TRIALS / 20, `only ${counted} counted`);
        assert.ok(withoutPe > TRIALS / 30, `only ${withoutPe} of them without PE`);
        assert.ok(zeros > 10, `only ${zeros} of them zero`);
      });

    it(`comparisons of ${width} bits agree where they count`, () => {
      const run = compile(width, (_code, a, b) => ({ result: () => fastComparison(a, b), counts: areNumbers(a, b) }));
      const random = seededRandom(width);
      for (let n = 0; n < TRIALS; n++) {
        const a = operand(random, width);
        const b = random() % 4 ? operand(random, width) : a;
        const found = fast(run, a, b, 0);
        if (found === undefined) continue;
        const context = new FloatContext('SSE');
        const relation =
          width === 64
            ? compare(context, F64.unpack(a), F64.unpack(b), false)
            : compare(context, F32.unpack(Number(a)), F32.unpack(Number(b)), false);
        const expected = relation === Relation.Equal ? 0x40n : relation === Relation.Less ? 1n : 0n;
        assert.deepEqual([found, context.flags], [expected, 0], `${a.toString(16)} ${b.toString(16)}`);
      }
    });
  }

  for (const [from, to] of [
    [32, 32],
    [64, 32],
    [64, 64],
    [32, 64],
  ] as const)
    it(`integers of ${from} bits become numbers of ${to} where that is exact`, () => {
      const run = compile(from, (_code, a) => ({
        result: () => converted(a, to),
        counts: from < to ? i32.const(1) : convertsExactly(a, to),
      }));
      const random = seededRandom(from + to);
      const soft = (context: FloatContext, value: bigint): bigint =>
        to === 64 ? fromInteger(context, F64, value) : BigInt(fromInteger(context, F32, value));
      let [counted, left] = [0, 0];
      for (let n = 0; n < TRIALS; n++) {
        const bits = (BigInt(random()) << 32n) | BigInt(random());
        const near = (1n << BigInt(random() % from)) + BigInt(random() % 5) - 2n;
        const value = BigInt.asIntN(
          from,
          random() % 2 ? near * (random() % 2 ? 1n : -1n) : bits >> BigInt(random() % 64),
        );
        const found = fast(run, BigInt.asUintN(from, value), 0n, 0);
        const context = new FloatContext('SSE');
        context.setMxcsr([0x1f80, 0x3f80, 0x5f80, 0x7f80][random() & 3]!);
        const expected = soft(context, value);
        if (found === undefined) {
          left++;
          continue;
        }
        counted++;
        assert.deepEqual([found, context.flags], [expected, 0], `${value}`);
      }
      assert.ok(counted > TRIALS / 4, `only ${counted} counted`);
      assert.equal(left > 0, from > (to === 64 ? 53 : 24), `${left} did not count`);
    });

  for (const width of [32, 64] as const)
    it(`doubles are truncated to integers of ${width} bits where nothing new is raised`, () => {
      const run = compile(64, (code, a) => ({
        result: () => truncated(a as I64, width),
        counts: truncates(semantics(code), a as I64, width),
      }));
      const random = seededRandom(width);
      let [counted, withoutPe] = [0, 0];
      for (let n = 0; n < TRIALS; n++) {
        const value =
          random() % 2 ? (random() - 2 ** 31) / (1 << (random() % 8)) : NEAR_INTEGERS[random() % NEAR_INTEGERS.length]!;
        view.setFloat64(AT.a, value, true);
        const bits = random() % 4 ? view.getBigUint64(AT.a, true) : operand(random, 64);
        const mxcsr = SETTINGS[random() % SETTINGS.length]!;
        const found = fast(run, bits, 0n, mxcsr);
        if (found === undefined) continue;
        counted++;
        if (!(mxcsr & Exception.PE)) withoutPe++;
        const context = new FloatContext('SSE');
        context.setMxcsr(mxcsr);
        const text = `${bits.toString(16)} mxcsr ${mxcsr.toString(16)}`;
        const expected = toInteger(context, F64.unpack(bits), width, Rounding.Zero);
        assert.equal(BigInt.asIntN(width, found), expected, text);
        assert.equal(context.flags & ~(mxcsr & Exception.PE), 0, text);
        if (context.flags) assert.ok(context.masked(Exception.PE), text);
      }
      assert.ok(counted > TRIALS / 4, `only ${counted} counted`);
      assert.ok(withoutPe > 20, `only ${withoutPe} of them without PE`);
    });

  it('singles are widened to doubles where that raises nothing', () => {
    const run = compile(32, (_code, a) => ({ result: () => widened(a as I32), counts: areNumbers(a, a) }));
    const random = seededRandom(7);
    for (let n = 0; n < TRIALS; n++) {
      const bits = operand(random, 32);
      const found = fast(run, bits, 0n, 0);
      if (found === undefined) continue;
      const context = new FloatContext('SSE');
      const expected = convert(context, F64, F32.unpack(Number(bits)));
      assert.deepEqual([found, context.flags], [expected, 0], bits.toString(16));
    }
  });
});
