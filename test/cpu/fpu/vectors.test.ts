// The slow functions on the operands of the golden vectors: the same results and flags as the soft-float models, which
// are checked against a CPU, with the stack, MXCSR and traps around them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { sseOperation, x87Operation } from '../../../src/isa/float-operations';
import type { X87OperationName, X87Source } from '../../../src/isa/float-operations';
import { FloatContext } from '../../../src/cpu/float/context';
import { STATE } from '../../../src/cpu/layout';
import { SSE_MODELS } from '../float/sse-model';
import { parseVectors, read80 } from '../float/vectors';
import type { Vector } from '../float/vectors';
import { X87_MODELS } from '../float/x87-model';
import { Rig } from './rig';

const { operations, vectors } = parseVectors(gunzipSync(readFileSync('test/golden/float/vectors.bin.gz')));

const SOURCES: Readonly<Record<string, X87Source>> = { m16: 'word', m32: 'doubleword', m64: 'quadword' };
const FLOAT_SOURCES: Readonly<Record<string, X87Source>> = { m32: 'single', m64: 'double' };

interface X87Case {
  readonly number: number;
  readonly source: X87Source;
  readonly isStore: boolean;
}

/** The operation behind a name of host.c's (`fistp_m64`). */
function x87Case(name: string): X87Case {
  const [mnemonic = '', suffix = ''] = name.split('_');
  const isInteger = mnemonic.startsWith('fi');
  const isBcd = mnemonic.startsWith('fb');
  const source = isBcd ? 'bcd' : suffix === '' ? 'STi' : ((isInteger ? SOURCES : FLOAT_SOURCES)[suffix] ?? 'STi');
  const isStore = /^f(b|i)?stt?p?$/.test(mnemonic);
  const base = mnemonic.startsWith('fistt')
    ? 'FISTT'
    : isStore
      ? 'FST'
      : /^f[ib]ld$/.test(mnemonic)
        ? 'FLD'
        : mnemonic.toUpperCase();
  const pops = isStore && mnemonic.endsWith('p') ? 1 : 0;
  return { number: x87Operation(base as X87OperationName, source, pops), source, isStore };
}

const TOP = 0x3800;
/** ES and B are not in the vectors' models; SF never comes. */
const SUMMARY = 0x8080;
const IE = 1;
const CONDITION_CODE = 0x4700;
const COMPARES = /^fu?com/;

function checkX87(rig: Rig, vector: Vector): void {
  const { operation, control } = vector;
  const { number, source, isStore } = x87Case(operation);
  const context = new FloatContext('x87');
  context.setControlWord(control);
  context.begin();
  const { r, r2, status, statusMask } = X87_MODELS[operation]!(context, vector);
  rig.setStack(control, [read80(vector.a), read80(vector.b)]);
  rig.x87(number, source === 'STi' ? 1 : 0, read80(vector.b), source === 'STi' ? undefined : 0x10010);
  let actual = rig.register(0);
  if (isStore) {
    const stores = (rig.state.quad(STATE.result2) >> 16n) & 1n;
    const width = { word: 16n, doubleword: 32n, quadword: 64n, single: 32n, double: 64n, bcd: 80n }[source as 'word'];
    const value = ((rig.state.quad(STATE.result2) & 0xffffn) << 64n) | rig.state.quad(STATE.result);
    const kept = read80(vector.b);
    actual = stores ? ((kept >> width) << width) | BigInt.asUintN(Number(width), value) : kept;
  }
  const text = `${operation} control ${control.toString(16)} a ${read80(vector.a).toString(16)} b ${read80(vector.b).toString(16)}`;
  assert.equal(actual?.toString(16), r.toString(16), text);
  if (r2 !== undefined && !isStore) assert.equal(rig.register(1)?.toString(16), r2.toString(16), `${text}: ST(1)`);
  // An unmasked invalid operation leaves the condition code of a comparison alone (SDM Vol. 2, FCOM).
  const keepsCode = COMPARES.test(operation) && (context.unmasked & IE) !== 0;
  const mask = statusMask & (keepsCode ? ~CONDITION_CODE : -1);
  assert.equal((rig.status & ~TOP & ~SUMMARY & mask).toString(16), (status & mask).toString(16), `${text}: status`);
  assert.equal((rig.status & SUMMARY) !== 0, context.unmasked !== 0, `${text}: summary`);
}

const DESTINATION = STATE.vector + 64;
const SOURCE = STATE.vector + 128;
const UNTOUCHED = 0x0123456789abcdefn;

/** The operation behind `cmpsd_3`, `roundss_4`, `cvtsi2sd_64`, `addsd`; its immediate. */
function sseCase(name: string): { number: number; immediate: number; isConversion: boolean; isUnary: boolean } {
  const [mnemonic = '', suffix = ''] = name.split('_');
  const isConversion = mnemonic.startsWith('cvt');
  const upper = mnemonic.toUpperCase();
  const isUnary = isConversion || /^(SQRT|ROUND|RCP|RSQRT)/.test(upper);
  return {
    number: sseOperation(upper + (isConversion && suffix === '64' ? '64' : '')),
    immediate: isConversion ? 0 : Number(suffix),
    isConversion,
    isUnary,
  };
}

function checkSse(rig: Rig, vector: Vector): void {
  const model = SSE_MODELS[vector.operation]!;
  const context = new FloatContext('SSE');
  context.setMxcsr(vector.control);
  context.begin();
  const expected = BigInt.asUintN(model.width, model.run(context, vector));
  const { number, immediate, isUnary } = sseCase(vector.operation);
  const { state } = rig;
  state.setWord(STATE.mxcsr, vector.control);
  const a = read80(vector.a) & ((1n << 64n) - 1n);
  state.setQuad(DESTINATION, isUnary ? UNTOUCHED : a);
  state.setQuad(DESTINATION + 8, UNTOUCHED);
  state.setQuad(SOURCE, isUnary ? a : vector.b.readBigUInt64LE(0));
  state.setQuad(STATE.result, UNTOUCHED);
  const before = state.quad(DESTINATION);
  const fault = rig.sse(number, DESTINATION, SOURCE, immediate);
  const isFlags = /^u?comi/.test(vector.operation);
  const isInteger = /si_/.test(vector.operation);
  const place = isFlags ? STATE.result2 : isInteger ? STATE.result : DESTINATION;
  const text = `${vector.operation} mxcsr ${vector.control.toString(16)} a ${a.toString(16)}`;
  assert.equal(state.word(STATE.mxcsr), vector.control | context.flags, `${text}: MXCSR`);
  assert.equal(fault, context.unmasked ? 19 : undefined, `${text}: fault`);
  if (fault !== undefined) assert.equal(state.quad(DESTINATION), before, `${text}: untouched`);
  else assert.equal(BigInt.asUintN(model.width, state.quad(place)).toString(16), expected.toString(16), text);
  assert.equal(state.quad(DESTINATION + 8), UNTOUCHED, `${text}: upper half`);
}

describe('FPU slow functions on golden operands', () => {
  for (const operation of operations) {
    it(operation, () => {
      const rig = new Rig();
      const own = vectors.filter((vector) => vector.operation === operation);
      assert.ok(own.length >= 100);
      for (const vector of own) (operation in SSE_MODELS ? checkSse : checkX87)(rig, vector);
    });
  }
});
