// The string comparisons of SSE4.2 with every immediate, interpreted and compiled, against a model that takes the manual
// element by element (SDM Vol. 2B, 4.1).

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import { longRig } from '../engine/rig';

const CODE = 0x1000;
const HLT = 0xf4;
const TRIALS = 12;

/** Elements of a vector, and how many of them are valid. */
interface Elements {
  readonly values: readonly number[];
  readonly length: number;
}

interface Outcome {
  /** IntRes2. */
  readonly bits: number;
  readonly flags: number;
  readonly index: number;
}

function elements(bytes: Uint8Array, immediate: number, explicit: number | undefined): Elements {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const isSigned = (immediate & 2) !== 0;
  const values = Array.from({ length: immediate & 1 ? 8 : 16 }, (_, n) => {
    if (immediate & 1) return isSigned ? view.getInt16(2 * n, true) : view.getUint16(2 * n, true);
    return isSigned ? view.getInt8(n) : view.getUint8(n);
  });
  const zero = values.indexOf(0);
  const implicit = zero < 0 ? values.length : zero;
  return { values, length: Math.min(explicit ?? implicit, values.length) };
}

function matches(first: Elements, second: Elements, aggregation: number, j: number): boolean {
  const a = first.values.slice(0, first.length);
  const b = second.values;
  const isValid = j < second.length;
  switch (aggregation) {
    case 0:
      return isValid && a.includes(b[j]!);
    case 1:
      return isValid && a.some((low, i) => i % 2 === 0 && i + 1 < a.length && b[j]! >= low && b[j]! <= a[i + 1]!);
    case 2:
      return j < a.length && isValid ? a[j] === b[j] : j >= a.length && !isValid;
    default:
      return a.every((value, i) => j + i >= b.length || (j + i < second.length && value === b[j + i]));
  }
}

function model(first: Elements, second: Elements, immediate: number): Outcome {
  const count = second.values.length;
  let bits = 0;
  for (let j = 0; j < count; j++) {
    const isInverted = (immediate & 0x10) !== 0 && (!(immediate & 0x20) || j < second.length);
    if (matches(first, second, (immediate >> 2) & 3, j) !== isInverted) bits |= 1 << j;
  }
  const ordered = Array.from({ length: count }, (_, j) => j).filter((j) => (bits >> j) & 1);
  const flags =
    (bits ? 1 : 0) | (second.length < count ? 0x40 : 0) | (first.length < count ? 0x80 : 0) | (bits & 1 ? 0x800 : 0);
  return { bits, flags, index: (immediate & 0x40 ? ordered.at(-1) : ordered[0]) ?? count };
}

/** XMM0 for a result of `bits`. */
function mask(bits: number, immediate: number): bigint {
  if (!(immediate & 0x40)) return BigInt(bits);
  const width = immediate & 1 ? 16 : 8;
  let value = 0n;
  for (let j = 0; j < 128 / width; j++) if ((bits >> j) & 1) value |= ((1n << BigInt(width)) - 1n) << BigInt(j * width);
  return value;
}

for (const [policyName, jit] of Object.entries({ interpreted: NO_JIT, compiled: EAGER_JIT }))
  describe(`string comparisons, ${policyName}`, () => {
    const rig = longRig({ jit });
    const random = seededRandom(1);
    const vector = (number: number): Uint8Array => new Uint8Array(rig.memory.buffer, STATE.vector + number * 64, 16);
    /** Few different elements, so that much is equal; zeroes now and then. */
    const fill = (bytes: Uint8Array): void => {
      const kinds = [0x41, 0x42, 0x7f, 0x80, 0xff, 0x43].slice(0, 1 + Math.floor(random() * 6));
      const zeroes = random() * 0.3;
      const isWide = random() < 0.5;
      for (let n = 0; n < 16; n++) {
        const value = random() < zeroes ? 0 : kinds[Math.floor(random() * kinds.length)]!;
        bytes[n] = isWide && n % 2 === 1 ? bytes[n - 1]! && 1 : value;
      }
    };
    const length = (): bigint => BigInt(Math.floor(random() * 40) - 20);

    const check = (opcode: number): void => {
      const isExplicit = opcode < 0x62;
      const givesMask = opcode % 2 === 0;
      for (let immediate = 0; immediate < 256; immediate++) {
        rig.memory.write(CODE, Uint8Array.of(0x66, 0x0f, 0x3a, opcode, 0xca, immediate, HLT));
        for (let trial = 0; trial < TRIALS; trial++) {
          fill(vector(1));
          fill(vector(2));
          const [rax, rdx] = [length(), length()];
          rig.state.setQuad(STATE.general, rax);
          rig.state.setQuad(STATE.general + 2 * 8, rdx);
          const magnitude = (value: bigint): number | undefined => (isExplicit ? Math.abs(Number(value)) : undefined);
          const first = elements(vector(1), immediate, magnitude(rax));
          const second = elements(vector(2), immediate, magnitude(rdx));
          const expected = model(first, second, immediate);
          rig.run(CODE);
          const where = `${opcode.toString(16)} ${immediate} ${JSON.stringify({ first, second })}`;
          if (givesMask) {
            const got = rig.state.quad(STATE.vector) | (rig.state.quad(STATE.vector + 8) << 64n);
            assert.equal(got, mask(expected.bits, immediate), where);
          } else assert.equal(rig.state.quad(STATE.general + 8), BigInt(expected.index), where);
          assert.equal(rig.state.rflags & 0x8d5, expected.flags, where);
        }
      }
    };

    const cases = { PCMPESTRM: 0x60, PCMPESTRI: 0x61, PCMPISTRM: 0x62, PCMPISTRI: 0x63 };
    for (const [name, opcode] of Object.entries(cases)) it(name, () => check(opcode));
  });
