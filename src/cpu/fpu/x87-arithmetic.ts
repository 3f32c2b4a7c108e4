/**
 * x87 arithmetic and comparison on the register stack.
 * Source: SDM Vol. 1, 8.3.5, 8.3.6, 8.5 (masked responses); Vol. 2, FADD to FXTRACT, FCOM, FUCOM, FCOMI, FTST, FXAM.
 * An unmasked invalid operation of a comparison leaves the condition code alone (Vol. 2, FCOM).
 */
import { add, divide, multiply, squareRoot, subtract } from '../float/arithmetic';
import { compare, Relation } from '../float/compare';
import { Exception } from '../float/context';
import type { FloatContext } from '../float/context';
import { absolute, changeSign, examine } from '../float/convert';
import { F80 } from '../float/formats';
import type { Extended } from '../float/formats';
import { roundToIntegral } from '../float/integer';
import { isNaNOrUnsupported } from '../float/nan';
import { partialRemainder } from '../float/remainder';
import { scale } from '../float/scale';
import { exponential2Minus1, yTimesLogarithm2, yTimesLogarithm2Plus1 } from '../float/logarithmic';
import { arctangentOfQuotient } from '../float/trigonometric';
import { zero } from '../float/value';
import type { Unpacked } from '../float/value';
import { STATE } from '../layout';
import { INDEFINITE, STATUS } from './x87-unit';
import type { X87Unit } from './x87-unit';

/** What an operation gets besides the unit. */
export interface X87Arguments {
  /** ST(i)'s number. */
  readonly i: number;
  /** The memory operand taken apart; undefined for register forms. */
  readonly memory: Unpacked | undefined;
  /** Registers to pop afterwards. */
  readonly pops: number;
  /** The result goes to ST(i). */
  readonly toSti: boolean;
}

export type X87Function = (unit: X87Unit, args: X87Arguments) => void;
type Compute = (context: FloatContext, destination: Unpacked, source: Unpacked) => Extended;

/** Destination and source in the roles that the encoding gives them. */
function arithmetic(compute: Compute): X87Function {
  return (unit, { i, memory, pops, toSti }) => {
    const destination = toSti ? i : 0;
    if (unit.isEmpty(0) || (!memory && unit.isEmpty(i))) {
      if (!unit.stackFault(false)) return;
      unit.write(destination, INDEFINITE);
      unit.pop(pops);
      return;
    }
    const source = memory ?? unit.unpack(toSti ? 0 : i);
    finish(unit, destination, compute(unit.context, unit.unpack(destination), source), pops);
  };
}

/** Writes the result and pops, unless an exception keeps the stack as it is. */
function finish(unit: X87Unit, destination: number, result: Extended, pops: number): void {
  unit.commit();
  if (unit.context.blocked) return;
  unit.write(destination, result);
  unit.pop(pops);
}

/** ST(0) from itself. */
function unary(compute: (context: FloatContext, a: Unpacked) => Extended): X87Function {
  return (unit) => {
    if (unit.isEmpty(0)) {
      if (unit.stackFault(false)) unit.write(0, INDEFINITE);
      return;
    }
    finish(unit, 0, compute(unit.context, unit.unpack(0)), 0);
  };
}

/** The sign's operations know no exceptions but an empty register. */
function onSign(compute: (value: Extended) => Extended): X87Function {
  return (unit) => {
    if (!unit.isEmpty(0)) unit.write(0, compute(unit.read(0)));
    else if (unit.stackFault(false)) unit.write(0, INDEFINITE);
  };
}

/** From ST(0) and ST(1): the result in ST(0), or with `pops` in ST(1), which becomes the top. */
function ofTopTwo(
  compute: (context: FloatContext, st0: Unpacked, st1: Unpacked) => Extended,
  pops: 0 | 1,
): X87Function {
  return (unit) => {
    if (unit.isEmpty(0) || unit.isEmpty(1)) {
      if (!unit.stackFault(false)) return;
      unit.write(pops, INDEFINITE);
      unit.pop(pops);
      return;
    }
    finish(unit, pops, compute(unit.context, unit.unpack(0), unit.unpack(1)), pops);
  };
}

function remainder(nearest: boolean): X87Function {
  return (unit, args) => {
    unit.setC2(false);
    ofTopTwo((context, st0, st1) => {
      const { value, quotient, incomplete } = partialRemainder(context, st0, st1, nearest);
      // Without a number for a result there is no quotient, and the condition code stays but for C2.
      if (!context.blocked && !isNaNOrUnsupported(F80.unpack(value))) {
        const code = (quotient & 4 ? STATUS.C0 : 0) | (quotient & 2 ? STATUS.C3 : 0) | (quotient & 1 ? STATUS.C1 : 0);
        unit.setConditionCode(code | (incomplete ? STATUS.C2 : 0));
      }
      // C1 is the quotient's bit here, whatever was rounded.
      context.inexact = false;
      return value;
    }, 0)(unit, args);
  };
}

const CODE = {
  [Relation.Greater]: 0,
  [Relation.Less]: STATUS.C0,
  [Relation.Equal]: STATUS.C3,
  [Relation.Unordered]: STATUS.C0 | STATUS.C2 | STATUS.C3,
};

/** Compares ST(0); `report` gets the relation unless an unmasked invalid operation forbids it. */
function comparison(
  quiet: boolean,
  report: (unit: X87Unit, relation: Relation) => void,
  withZero = false,
): X87Function {
  return (unit, { i, memory, pops }) => {
    if (unit.isEmpty(0) || (!memory && !withZero && unit.isEmpty(i))) {
      if (!unit.stackFault(false)) return;
      report(unit, Relation.Unordered);
      unit.pop(pops);
      return;
    }
    const other = withZero ? zero(0) : (memory ?? unit.unpack(i));
    const relation = compare(unit.context, unit.unpack(0), other, quiet);
    unit.commit();
    if (!(unit.context.unmasked & Exception.IE)) report(unit, relation);
    if (!unit.context.blocked) unit.pop(pops);
  };
}

const toCode = (unit: X87Unit, relation: Relation): void => unit.setConditionCode(CODE[relation]);

/** ZF, PF and CF as COMISD has them. */
export const FLAGS_OF: Readonly<Record<Relation, bigint>> = {
  [Relation.Greater]: 0n,
  [Relation.Less]: 1n,
  [Relation.Equal]: 0x40n,
  [Relation.Unordered]: 0x45n,
};

const toFlags = (unit: X87Unit, relation: Relation): void => {
  unit.state.setQuad(STATE.result, FLAGS_OF[relation]);
  unit.state.setQuad(STATE.result2, 1n);
};

function comparisonToFlags(quiet: boolean): X87Function {
  const compareThem = comparison(quiet, toFlags);
  return (unit, args) => {
    unit.state.setQuad(STATE.result2, 0n);
    compareThem(unit, args);
  };
}

const EMPTY_CLASS = STATUS.C3 | STATUS.C0;

/** The class in C3, C2, C0 and the sign in C1, of an empty register too. */
const classify: X87Function = (unit) => {
  const value = unit.read(0);
  const code = examine(value);
  const bits = (code & 4 ? STATUS.C3 : 0) | (code & 2 ? STATUS.C2 : 0) | (code & 1 ? STATUS.C0 : 0);
  unit.setConditionCode((unit.isEmpty(0) ? EMPTY_CLASS : bits) | (value.signExponent & 0x8000 ? STATUS.C1 : 0));
};

/** The operations by name. */
export const X87_ARITHMETIC = {
  FADD: arithmetic((context, a, b) => add(context, F80, a, b)),
  FMUL: arithmetic((context, a, b) => multiply(context, F80, a, b)),
  FSUB: arithmetic((context, a, b) => subtract(context, F80, a, b)),
  FSUBR: arithmetic((context, a, b) => subtract(context, F80, b, a)),
  FDIV: arithmetic((context, a, b) => divide(context, F80, a, b)),
  FDIVR: arithmetic((context, a, b) => divide(context, F80, b, a)),
  FCOM: comparison(false, toCode),
  FUCOM: comparison(true, toCode),
  FTST: comparison(false, toCode, true),
  FCOMI: comparisonToFlags(false),
  FUCOMI: comparisonToFlags(true),
  FXAM: classify,
  FCHS: onSign(changeSign),
  FABS: onSign(absolute),
  FSQRT: unary((context, a) => squareRoot(context, F80, a)),
  FRNDINT: unary((context, a) => roundToIntegral(context, F80, a)),
  F2XM1: unary(exponential2Minus1),
  FSCALE: ofTopTwo(scale, 0),
  FPREM: remainder(false),
  FPREM1: remainder(true),
  FPATAN: ofTopTwo((context, x, y) => arctangentOfQuotient(context, y, x), 1),
  FYL2X: ofTopTwo((context, x, y) => yTimesLogarithm2(context, y, x), 1),
  FYL2XP1: ofTopTwo((context, x, y) => yTimesLogarithm2Plus1(context, y, x), 1),
} as const satisfies Record<string, X87Function>;
