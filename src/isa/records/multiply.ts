/**
 * Multiplication (SDM Vol. 2A, IMUL; Vol. 2B, MUL). SF, ZF, AF and PF are undefined there: here SF, ZF and PF follow the
 * low half of the product and AF is 0.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import { carriesFor } from '../flags';
import { op } from '../form';
import type { Int, Semantics } from '../semantics';

/** The upper 64 bits of an unsigned product, from four products of 32 bits. */
function highProduct(m: Semantics, a: I64, b: I64): I64 {
  const mask = i64.const(0xffff_ffff);
  const shift = i64.const(32);
  const [a0, a1] = [m.let(i64.and(a, mask)), m.let(i64.shrU(a, shift))];
  const [b0, b1] = [m.let(i64.and(b, mask)), m.let(i64.shrU(b, shift))];
  // Neither sum overflows: (2^32 - 1)^2 + 2^32 - 1 < 2^64.
  const middle = m.let(i64.add(i64.mul(a1, b0), i64.shrU(i64.mul(a0, b0), shift)));
  const other = i64.add(i64.mul(a0, b1), i64.and(middle, mask));
  return i64.add(i64.add(i64.mul(a1, b1), i64.shrU(middle, shift)), i64.shrU(other, shift));
}

/** The upper 64 bits of a signed product. */
function highSignedProduct(m: Semantics, a: I64, b: I64): I64 {
  const sign = i64.const(63);
  const correction = i64.add(i64.and(i64.shrS(a, sign), b), i64.and(i64.shrS(b, sign), a));
  return i64.sub(highProduct(m, a, b), correction);
}

/** Writes rDX:rAX (AX for bytes). */
function setProduct(m: Semantics, low: Int, high: Int): void {
  m.setRegister('RAX', m.size, low);
  m.setRegister('RDX', m.size, high);
}

/** `lost` is 1 where the upper half says more than the lower. */
function setProductFlags(m: Semantics, low: Int, lost: I32): void {
  const overflow = m.let(lost);
  m.setArithmeticFlags(low, carriesFor(m, m.size, overflow, overflow), m.size);
}

export const MUL = define('MUL', { forms: [op('f6 /4', 'Eb'), op('f7 /4', 'Ev')] }, (m, [src]) => {
  const b = m.read(src!);
  const a = m.register('RAX', m.size);
  if (m.size === 64) {
    const low = m.let(i64.mul(a as I64, b as I64));
    const high = m.let(highProduct(m, a as I64, b as I64));
    setProduct(m, low, high);
    setProductFlags(m, low, i64.ne(high, i64.const(0)));
    return;
  }
  const product = m.let(m.size === 32 ? i64.mul(m.wide(a), m.wide(b)) : i32.mul(a as I32, b as I32));
  const low = m.let(m.zeroExtend(product, m.size));
  const high = m.let(m.zeroExtend(shiftedDown(product, m.size), m.size));
  if (m.size === 8) m.setRegister('RAX', 16, product);
  else setProduct(m, low, high);
  setProductFlags(m, low, i32.ne(m.narrow(high), i32.const(0)));
});

function shiftedDown(value: Int, bits: number): Int {
  return value.type === 'i64' ? i64.shrU(value as I64, i64.const(bits)) : i32.shrU(value as I32, i32.const(bits));
}

/** The signed product of two operands below 64 bits, and whether it does not fit the operand size. */
function signedProduct(m: Semantics, a: Int, b: Int): { product: Int; lost: I32 } {
  if (m.size === 32) {
    const product = m.let(i64.mul(i64.extendS(a as I32), i64.extendS(b as I32)));
    return { product, lost: i64.ne(product, i64.extendS(i32.wrap(product))) };
  }
  const product = m.let(i32.mul(m.signExtend(a, m.size, 32) as I32, m.signExtend(b, m.size, 32) as I32));
  return { product, lost: i32.ne(product, m.signExtend(product, m.size, 32) as I32) };
}

/** 1 unless a * b = `low` fits 64 bits; factors that fit 32 bits, the usual case, need no upper half. */
function signedOverflow64(m: Semantics, a: I64, b: I64, low: I64): I32 {
  const lost = m.code.local('i32');
  const small = (value: I64): I32 => i64.eq(value, i64.extend32S(value));
  m.if(
    i32.and(small(a), small(b)),
    () => m.code.set(lost, i32.const(0)),
    () => m.code.set(lost, i64.ne(highSignedProduct(m, a, b), i64.shrS(low, i64.const(63)))),
  );
  return lost.get();
}

export const IMUL = define(
  'IMUL',
  {
    forms: [op('f6 /5', 'Eb'), op('f7 /5', 'Ev'), op('0f af', 'Gv,Ev'), op('69', 'Gv,Ev,Iz'), op('6b', 'Gv,Ev,Ib')],
  },
  (m, [first, second, third]) => {
    if (second) {
      const a = m.read(second);
      const b = m.read(third ?? first!, m.size);
      if (m.size === 64) {
        const low = m.let(i64.mul(a as I64, b as I64));
        const lost = signedOverflow64(m, a as I64, b as I64, low);
        m.write(first!, low);
        setProductFlags(m, low, lost);
        return;
      }
      const { product, lost } = signedProduct(m, a, b);
      const low = m.let(m.zeroExtend(product, m.size));
      m.write(first!, low);
      setProductFlags(m, low, lost);
      return;
    }
    const b = m.read(first!);
    const a = m.register('RAX', m.size);
    if (m.size === 64) {
      const low = m.let(i64.mul(a as I64, b as I64));
      const high = m.let(highSignedProduct(m, a as I64, b as I64));
      setProduct(m, low, high);
      setProductFlags(m, low, i64.ne(high, i64.shrS(low, i64.const(63))));
      return;
    }
    const { product, lost } = signedProduct(m, a, b);
    const low = m.let(m.zeroExtend(product, m.size));
    if (m.size === 8) m.setRegister('RAX', 16, m.zeroExtend(product, 16));
    else setProduct(m, low, m.zeroExtend(shiftedDown(product, m.size), m.size));
    setProductFlags(m, low, lost);
  },
);
