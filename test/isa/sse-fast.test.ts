// The in-line path of scalar SSE arithmetic: wherever it says that its result counts, soft-float gives the same bits and
// raises nothing that is not masked and standing already.

import assert from 'node:assert/strict';
import { add, divide, multiply, squareRoot, subtract } from '../../src/cpu/float/arithmetic';
import { compare, Relation } from '../../src/cpu/float/compare';
import { Exception, FloatContext } from '../../src/cpu/float/context';
import { F32, F64 } from '../../src/cpu/float/formats';
import type { Format } from '../../src/cpu/float/formats';
import type { Unpacked } from '../../src/cpu/float/value';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import { areNormal, fastComparison, fastScalar } from '../../src/isa/records/sse-fast';
import type { ScalarOperator } from '../../src/isa/records/sse-fast';
import type { Int, Semantics } from '../../src/isa/semantics';
import { i32, i64, load32, load64 } from '../../src/wasm/expr';
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

/** A function without parameters that writes `result` and `counts`. */
function compile(
  width: Width,
  body: (code: FunctionBuilder, a: Int, b: Int) => { result: Int; counts: Int },
): () => void {
  const module = new ModuleBuilder();
  module.importMemory(1);
  const load = (at: number): Int => (width === 64 ? load64(i32.const(at)) : load32(i32.const(at), 32));
  const run = module.function({ params: [] }, (code) => {
    const { result, counts } = body(code, code.let(load(AT.a)), code.let(load(AT.b)));
    code.store(i32.const(AT.result), result.type === 'i64' ? result : i64.extendU(result as never), 64);
    code.store(i32.const(AT.counts), counts, 32);
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
  const exponent = random() % 3 ? near[random() % near.length]! + BigInt(random() % 3) : bits >> 40n;
  const kept = bits & ((1n << fraction) - 1n) & (random() % 2 ? -1n : -(1n << (fraction - 4n)));
  return (BigInt(random() & 1) << BigInt(width - 1)) | ((exponent & exponents) << fraction) | kept;
}

const SETTINGS = [0x1fa0, 0x1fa0, 0x1fa0, 0x9fe0, 0x1f80, 0x3fa0, 0x0fa0, 0x1fbf];
const TRIALS = 4000;

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
          const { result, isExact } = fastScalar(semantics(code), name as ScalarOperator, a, b);
          return { result, counts: isExact };
        });
        const random = seededRandom(width + name.length);
        let counted = 0;
        for (let n = 0; n < TRIALS; n++) {
          const [a, b] = [operand(random, width), operand(random, width)];
          const mxcsr = SETTINGS[random() % SETTINGS.length]!;
          const found = fast(run, a, b, mxcsr);
          if (found === undefined) continue;
          counted++;
          const context = new FloatContext('SSE');
          context.setMxcsr(mxcsr);
          const text = `${a.toString(16)} ${b.toString(16)} mxcsr ${mxcsr.toString(16)}`;
          assert.equal(found.toString(16), softBits(width, context, soft, a, b).toString(16), text);
          assert.equal(context.flags & ~Exception.PE, 0, text);
          assert.ok(mxcsr & Exception.PE && context.masked(Exception.PE), text);
        }
        assert.ok(counted > TRIALS / 20, `only ${counted} counted`);
      });

    it(`comparisons of ${width} bits agree where they count`, () => {
      const run = compile(width, (_code, a, b) => ({ result: fastComparison(a, b), counts: areNormal(a, b) }));
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
});
