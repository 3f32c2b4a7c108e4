/**
 * Division (SDM Vol. 2A, DIV, IDIV). #DE when the divisor is 0 or the quotient does not fit. All six arithmetic flags
 * are undefined there and stay as they are here.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { Semantics } from '../semantics';

interface Division {
  readonly quotient: I64;
  readonly remainder: I64;
}

/** The dividend of an operand size below 64 bits, zero-extended: AX, DX:AX or EDX:EAX. */
function dividend(m: Semantics): I64 {
  if (m.size === 8) return m.wide(m.register('RAX', 16));
  const high = i64.shl(m.wide(m.register('RDX', m.size)), i64.const(m.size));
  return m.let(i64.or(high, m.wide(m.register('RAX', m.size))));
}

/** Divides 128 bits by 64; `high` is below `divisor`. One bit of the quotient per turn unless the dividend fits 64. */
function divideWide(m: Semantics, high: I64, low: I64, divisor: I64): Division {
  const { code } = m;
  const quotient = code.local('i64');
  const remainder = code.local('i64');
  m.if(
    i64.eqz(high),
    () => {
      code.set(quotient, i64.divU(low, divisor));
      code.set(remainder, i64.remU(low, divisor));
    },
    () => {
      const top = code.local('i64');
      const turns = code.local('i32');
      code.set(quotient, low);
      code.set(remainder, high);
      code.set(turns, i32.const(64));
      code.loop((again) => {
        const one = i64.const(1);
        code.set(top, i64.shrS(remainder.get(), i64.const(63)));
        code.set(remainder, i64.or(i64.shl(remainder.get(), one), i64.shrU(quotient.get(), i64.const(63))));
        code.set(quotient, i64.shl(quotient.get(), one));
        m.if(i32.or(i32.wrap(top.get()), i64.geU(remainder.get(), divisor)), () => {
          code.set(remainder, i64.sub(remainder.get(), divisor));
          code.set(quotient, i64.or(quotient.get(), one));
        });
        code.set(turns, i32.sub(turns.get(), i32.const(1)));
        code.brIf(again, turns.get());
      });
    },
  );
  return { quotient: quotient.get(), remainder: remainder.get() };
}

function setDivision(m: Semantics, { quotient, remainder }: Division): void {
  const bits = m.size;
  m.setRegister('RAX', bits, m.zeroExtend(quotient, bits));
  if (bits === 8) m.setHighAccumulator(m.zeroExtend(remainder, 8) as I32);
  else m.setRegister('RDX', bits, m.zeroExtend(remainder, bits));
}

const DIV_FORMS = (extension: number) => [op(`f6 /${extension}`, 'Eb'), op(`f7 /${extension}`, 'Ev')];

export const DIV = define('DIV', { forms: DIV_FORMS(6) }, (m, [src]) => {
  const divisor = m.let(m.wide(m.read(src!)));
  if (m.size === 64) {
    const high = m.register('RDX', 64) as I64;
    m.faultIf(i64.geU(high, divisor), VECTOR.DE); // a divisor of 0 included
    setDivision(m, divideWide(m, high, m.register('RAX', 64) as I64, divisor));
    return;
  }
  m.faultIf(i64.eqz(divisor), VECTOR.DE);
  const value = dividend(m);
  const quotient = m.let(i64.divU(value, divisor));
  m.faultIf(i64.gtU(quotient, i64.const((1n << BigInt(m.size)) - 1n)), VECTOR.DE);
  setDivision(m, { quotient, remainder: m.let(i64.remU(value, divisor)) });
});

/** `value` negated where `sign` is -1, kept where it is 0. */
function negatedBy(value: I64, sign: I64): I64 {
  return i64.sub(i64.xor(value, sign), sign);
}

export const IDIV = define('IDIV', { forms: DIV_FORMS(7) }, (m, [src]) => {
  const signOf = (value: I64): I64 => m.let(i64.shrS(value, i64.const(63)));
  const divisor = m.let(m.signExtend(m.read(src!), m.size, 64) as I64);
  const divisorSign = signOf(divisor);
  const by = m.let(negatedBy(divisor, divisorSign));
  let sign: I64;
  let magnitudes: Division;
  if (m.size === 64) {
    const low = m.register('RAX', 64) as I64;
    const high = m.register('RDX', 64) as I64;
    sign = signOf(high);
    const borrow = i64.and(i64.extendU(i64.eqz(low)), sign);
    const upper = m.let(i64.add(i64.xor(high, sign), borrow));
    m.faultIf(i64.geU(upper, by), VECTOR.DE);
    magnitudes = divideWide(m, upper, m.let(negatedBy(low, sign)), by);
  } else {
    const raw = dividend(m);
    const value = m.let(m.size === 8 ? i64.extend16S(raw) : m.size === 16 ? i64.extend32S(raw) : raw);
    sign = signOf(value);
    m.faultIf(i64.eqz(by), VECTOR.DE);
    const magnitude = m.let(negatedBy(value, sign));
    magnitudes = { quotient: m.let(i64.divU(magnitude, by)), remainder: m.let(i64.remU(magnitude, by)) };
  }
  const quotientSign = m.let(i64.xor(sign, divisorSign));
  const limit = i64.sub(i64.const((1n << BigInt(m.size - 1)) - 1n), quotientSign); // one more below 0
  m.faultIf(i64.gtU(magnitudes.quotient, limit), VECTOR.DE);
  setDivision(m, {
    quotient: negatedBy(magnitudes.quotient, quotientSign),
    remainder: negatedBy(magnitudes.remainder, sign),
  });
});
