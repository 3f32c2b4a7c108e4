/**
 * String comparisons of SSE4.2 (SDM Vol. 2B, 4.1, PCMPESTRI and its kin: imm8's data format, aggregation, polarity and
 * output; valid data override, table 4-7). Memory operands need no alignment.
 */
import { i32, i64, select } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import type { Local } from '../../wasm/function';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import type { Semantics } from '../semantics';
import { FLAG } from '../semantics';
import { immediateByte } from './simd-entry';
import type { Binary } from './simd-lane';
import { and, constantLanes, fromLow32, laneMask, lanes, lanesOfMask, or, splat, swizzle, ZERO } from './simd-lane';

/** Width of a string's element in bits. */
type ElementBits = 8 | 16;

/** Bits of imm8. */
const FORMAT = { words: 0, signed: 1 } as const;
const AGGREGATION_SHIFT = 2;
const POLARITY = { negative: 4, masked: 5 } as const;
const WIDE_OUTPUT = 6;

/** Both operands, and the numbers of their valid elements. */
interface Strings {
  readonly first: V128;
  readonly second: V128;
  readonly firstLength: I32;
  readonly secondLength: I32;
}

/** |rAX| or |rDX| at 32 or (REX.W) 64 bits, at most `count`. */
function explicitLength(m: Semantics, name: 'RAX' | 'RDX', count: number): I32 {
  const value: I64 = m.size === 64 ? (m.register(name, 64) as I64) : i64.extendS(m.register(name, 32) as I32);
  const signed = m.let(value);
  const magnitude = m.let(select(i64.ltS(signed, i64.const(0)), i64.sub(i64.const(0), signed), signed));
  return m.let(i32.wrap(select(i64.ltU(magnitude, i64.const(count)), magnitude, i64.const(count))));
}

/** Elements up to the first zero. */
function implicitLength(m: Semantics, bits: ElementBits, value: V128): I32 {
  const zeroes = laneMask(bits, lanes('eq', bits)(value, ZERO));
  return m.let(i32.ctz(i32.or(zeroes, i32.const(1 << (128 / bits)))));
}

/** Ones in the low `length` bits. */
const below = (length: I32): I32 => i32.sub(i32.shl(i32.const(1), length), i32.const(1));

/** Element `index` in all lanes. */
function broadcast(bits: ElementBits, value: V128, index: I32): V128 {
  const bytes = bits === 8 ? index : i32.add(i32.mul(index, i32.const(0x0202)), i32.const(0x0100));
  return swizzle(value, splat(bits, bytes));
}

/** Runs `write` for the elements 0, `step`, ... of the first string, as long as `step` of them are valid. */
function forElements(m: Semantics, length: I32, step: number, write: (index: I32) => void): void {
  const f = m.code;
  const index = f.local('i32');
  f.set(index, i32.const(0));
  f.block((end) =>
    f.loop((again) => {
      f.brIf(end, i32.gtU(i32.add(index.get(), i32.const(step)), length));
      write(index.get());
      f.set(index, i32.add(index.get(), i32.const(step)));
      f.br(again);
    }),
  );
}

/** Collects in a vector, over the first string, which elements of the second match; gives one bit for each. */
function collect(m: Semantics, bits: ElementBits, strings: Strings, step: number, match: (index: I32) => V128): I32 {
  const matches = m.code.local('v128');
  m.code.set(matches, ZERO);
  forElements(m, strings.firstLength, step, (index) => m.code.set(matches, or(matches.get(), match(index))));
  return i32.and(laneMask(bits, matches.get()), below(strings.secondLength));
}

/** Equal any: the second string's elements that the first has. */
function equalAny(m: Semantics, bits: ElementBits, strings: Strings): I32 {
  const { first, second } = strings;
  return collect(m, bits, strings, 1, (index) => lanes('eq', bits)(second, broadcast(bits, first, index)));
}

/** Ranges: those that lie in a range of the first, which holds pairs of lowest and highest. */
function ranges(m: Semantics, bits: ElementBits, strings: Strings, isSigned: boolean): I32 {
  const { first, second } = strings;
  const equal = lanes('eq', bits);
  const [min, max]: readonly [Binary, Binary] = isSigned
    ? [lanes('minS', bits), lanes('maxS', bits)]
    : [lanes('minU', bits), lanes('maxU', bits)];
  return collect(m, bits, strings, 2, (index) => {
    const lowest = broadcast(bits, first, index);
    const highest = broadcast(bits, first, i32.add(index, i32.const(1)));
    return and(equal(max(second, lowest), second), equal(min(second, highest), second));
  });
}

/** Equal each: equal elements at one place, both ends of strings included. */
function equalEach(m: Semantics, bits: ElementBits, { first, second, firstLength, secondLength }: Strings): I32 {
  const valid = m.let(below(firstLength));
  const alsoValid = m.let(below(secondLength));
  const equal = i32.and(laneMask(bits, lanes('eq', bits)(first, second)), i32.and(valid, alsoValid));
  return i32.or(equal, i32.and(i32.xor(i32.or(valid, alsoValid), i32.const(-1)), i32.const((1 << (128 / bits)) - 1)));
}

/** Equal ordered: where the first string begins in the second, as far as the register reaches. */
function equalOrdered(m: Semantics, bits: ElementBits, strings: Strings): I32 {
  const { first, second, firstLength, secondLength } = strings;
  const all = (1 << (128 / bits)) - 1;
  const found = m.code.local('i32');
  m.code.set(found, i32.const(all));
  forElements(m, firstLength, 1, (index) => {
    const equal = i32.and(
      laneMask(bits, lanes('eq', bits)(second, broadcast(bits, first, index))),
      below(secondLength),
    );
    m.code.set(found, i32.and(found.get(), i32.shrU(i32.or(equal, i32.const(~all)), index)));
  });
  return found.get();
}

/** Writes IntRes2 of elements of `bits` into `result`, one bit for each. */
function compare(m: Semantics, bits: ElementBits, strings: Strings, immediate: I32, result: Local<'i32'>): void {
  const put = (value: I32): void => m.code.set(result, value);
  const signed = m.bit(immediate, FORMAT.signed);
  const low = m.bit(immediate, AGGREGATION_SHIFT);
  m.if(
    m.bit(immediate, AGGREGATION_SHIFT + 1),
    () =>
      m.if(
        low,
        () => put(equalOrdered(m, bits, strings)),
        () => put(equalEach(m, bits, strings)),
      ),
    () =>
      m.if(
        low,
        () =>
          m.if(
            signed,
            () => put(ranges(m, bits, strings, true)),
            () => put(ranges(m, bits, strings, false)),
          ),
        () => put(equalAny(m, bits, strings)),
      ),
  );
  const all = i32.const((1 << (128 / bits)) - 1);
  const inverted = select(m.bit(immediate, POLARITY.masked), below(strings.secondLength), all);
  put(i32.xor(result.get(), select(m.bit(immediate, POLARITY.negative), inverted, i32.const(0))));
}

/** Ones in the bytes whose bit of the 16-bit `mask` is set. */
function lanesOfBytes(mask: I32): V128 {
  const spread = swizzle(fromLow32(mask), constantLanes(8, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]));
  const own = constantLanes(
    8,
    Array.from({ length: 16 }, (_, lane) => 1 << (lane & 7)),
  );
  return lanes('eq', 8)(and(spread, own), own);
}

function comparison(name: string, opcode: string): Instruction {
  const isExplicit = name[4] === 'E';
  const givesMask = name.endsWith('M');
  const operands = givesMask ? 'Vdq,Wdq,Ib,XMM0' : 'Vdq,Wdq,Ib';
  const forms = [op(`66 0f 3a ${opcode}`, operands, { uimm: true, sized: isExplicit })];
  return define(name, { forms, feature: 'SSE4_2' }, (m, [left, right, by, mask]) => {
    m.enterSse();
    const second = m.readVector(right!);
    const first = m.readVector(left!);
    const immediate = immediateByte(m, by!);
    const result = m.code.local('i32');
    const flags = m.code.local('i32');
    const elements = (bits: ElementBits) => (): void => {
      const count = 128 / bits;
      const firstLength = isExplicit ? explicitLength(m, 'RAX', count) : implicitLength(m, bits, first);
      const secondLength = isExplicit ? explicitLength(m, 'RDX', count) : implicitLength(m, bits, second);
      compare(m, bits, { first, second, firstLength, secondLength }, immediate, result);
      const ended = (length: I32, flag: number): I32 => i32.mul(i32.ltU(length, i32.const(count)), i32.const(flag));
      m.code.set(flags, i32.or(ended(secondLength, FLAG.ZF), ended(firstLength, FLAG.SF)));
      if (givesMask) {
        const ones = bits === 8 ? lanesOfBytes(result.get()) : lanesOfMask(16, result.get());
        m.writeVector(mask!, select(m.bit(immediate, WIDE_OUTPUT), ones, fromLow32(result.get())));
      } else {
        const last = i32.sub(i32.const(31), i32.clz(result.get()));
        const end = select(m.bit(immediate, WIDE_OUTPUT), last, i32.ctz(result.get()));
        m.setRegister('RCX', 32, select(result.get(), end, i32.const(count)));
      }
    };
    m.if(m.bit(immediate, FORMAT.words), elements(16), elements(8));
    const carry = i32.mul(i32.ne(result.get(), i32.const(0)), i32.const(FLAG.CF));
    const overflow = i32.mul(m.bit(result.get(), 0), i32.const(FLAG.OF));
    m.setFlags(i32.or(flags.get(), i32.or(carry, overflow)));
  });
}

export const SIMD_STRING: readonly Instruction[] = [
  comparison('PCMPESTRM', '60'),
  comparison('PCMPESTRI', '61'),
  comparison('PCMPISTRM', '62'),
  comparison('PCMPISTRI', '63'),
];
