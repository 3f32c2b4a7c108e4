/**
 * x87 instructions that push, and sine and cosine with their range check.
 * Source: SDM Vol. 1, 8.3.4 (constants), 8.3.7, 8.5.1.1 (stack overflow); Vol. 2, FLD, FXTRACT, FPTAN, FSINCOS.
 */
import { Exception, Rounding } from '../float/context';
import type { FloatContext } from '../float/context';
import type { Extended } from '../float/formats';
import { extract } from '../float/scale';
import { cosine, outOfRange, sine, tangent } from '../float/trigonometric';
import { Kind } from '../float/value';
import type { Unpacked } from '../float/value';
import { INDEFINITE } from './x87-unit';
import type { X87Unit } from './x87-unit';
import type { X87Function } from './x87-arithmetic';

const ONE: Extended = { signExponent: 0x3fff, significand: 1n << 63n };

/** Pushes what `value` computes, unless ST(7) is in use or an unmasked IE forbids it (DE does not). */
export function pushComputed(unit: X87Unit, value: () => Extended): void {
  if (!unit.isEmpty(7)) {
    if (unit.stackFault(true)) unit.push(INDEFINITE);
    return;
  }
  const result = value();
  unit.commit();
  if (!(unit.context.unmasked & Exception.IE)) unit.push(result);
}

/** Constants truncated to 64 bits, and whether rounding to nearest raises them: they are rounded as RC says. */
function constant(signExponent: number, truncated: bigint, nearestIsAbove: boolean): X87Function {
  return (unit) => {
    const { rounding } = unit.context;
    const above = rounding === Rounding.Up || (rounding === Rounding.Nearest && nearestIsAbove);
    pushComputed(unit, () => ({ signExponent, significand: above ? truncated + 1n : truncated }));
  };
}

const exactConstant =
  (value: Extended): X87Function =>
  (unit) =>
    pushComputed(unit, () => value);

/** Replaces ST(0) by the first value and pushes the second; undefined leaves both (C2 then says why). */
function replaceAndPush(
  compute: (context: FloatContext, a: Unpacked) => readonly [Extended, Extended] | undefined,
): X87Function {
  return (unit) => {
    const isEmpty = unit.isEmpty(0);
    if (isEmpty || !unit.isEmpty(7)) {
      if (!unit.stackFault(!isEmpty)) return;
      unit.write(0, INDEFINITE);
      unit.push(INDEFINITE);
      return;
    }
    const results = compute(unit.context, unit.unpack(0));
    unit.commit();
    if (!results || unit.context.blocked) return;
    unit.write(0, results[0]);
    unit.push(results[1]);
  };
}

/** An angle's two results; an operand of 2^63 and above sets C2 and is left alone. */
function pairOfAngle(compute: (context: FloatContext, a: Unpacked) => readonly [Extended, Extended]): X87Function {
  return (unit, args) => {
    unit.setC2(false);
    replaceAndPush((context, a) => {
      if (!outOfRange(a)) return compute(context, a);
      unit.setC2(true);
      return undefined;
    })(unit, args);
  };
}

/** An angle's one result, with the same range. */
function ofAngle(compute: (context: FloatContext, a: Unpacked) => Extended): X87Function {
  return (unit) => {
    unit.setC2(false);
    if (unit.isEmpty(0)) {
      if (unit.stackFault(false)) unit.write(0, INDEFINITE);
      return;
    }
    const angle = unit.unpack(0);
    if (outOfRange(angle)) {
      unit.setC2(true);
      return;
    }
    const result = compute(unit.context, angle);
    unit.commit();
    if (!unit.context.blocked) unit.write(0, result);
  };
}

/** The operations by name. */
export const X87_PUSH = {
  FLD1: exactConstant(ONE),
  FLDZ: exactConstant({ signExponent: 0, significand: 0n }),
  FLDL2T: constant(0x4000, 0xd49a784bcd1b8afen, false),
  FLDL2E: constant(0x3fff, 0xb8aa3b295c17f0bbn, true),
  FLDPI: constant(0x4000, 0xc90fdaa22168c234n, true),
  FLDLG2: constant(0x3ffd, 0x9a209a84fbcff798n, true),
  FLDLN2: constant(0x3ffe, 0xb17217f7d1cf79abn, true),
  FXTRACT: replaceAndPush((context, a) => {
    const { exponent, significand } = extract(context, a);
    return [exponent, significand];
  }),
  FSIN: ofAngle(sine),
  FCOS: ofAngle(cosine),
  FSINCOS: pairOfAngle((context, a) => {
    const first = sine(context, a);
    return [first, cosine(context, a)];
  }),
  FPTAN: pairOfAngle((context, a) => {
    const value = tangent(context, a);
    return [value, a.kind >= Kind.Infinity ? value : ONE];
  }),
} as const satisfies Record<string, X87Function>;
