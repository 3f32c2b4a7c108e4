/**
 * C's arithmetic on values. Before an operation every integer narrower than 64 bits becomes an s64 of the same value (C's
 * integer promotion with 64 bits for int, so that `$eax + 1` never wraps by surprise); if one side is a u64 the other
 * becomes one too. Results wrap at 64 bits. Sources: ISO/IEC 9899:2018 6.3.1.1, 6.3.1.8, 6.5.5 to 6.5.14.
 *
 * What C leaves undefined: signed overflow wraps; a shift by a negative count or by 64 and more is a UserError.
 */
import type { BinaryOperator, IntegerType, PointerType, UnaryOperator, Value, ValueType } from './ast';
import { cannotCompute } from './errors';
import { isPointer, pointer, S64, sizeOf, typeName, U64, wrap } from './types';

/** `value` converted to the type; a pointer that is cast to a pointer stays in its space. */
export function convert({ value, type: from }: Value, type: ValueType): Value {
  const kept = isPointer(type) && isPointer(from) ? pointer(type.to, from.space) : type;
  return { value: wrap(value, kept), type: kept };
}

/** True unless it is 0. */
export const isTrue = ({ value }: Value): boolean => value !== 0n;

/** C's 0 and 1. */
export const truth = (condition: boolean): Value => ({ value: condition ? 1n : 0n, type: S64 });

/** An operator with one operand. */
export function unary(operator: UnaryOperator, of: Value): Value {
  if (operator === '!') return truth(!isTrue(of));
  const { value, type } = promoted(of);
  const result = { '-': -value, '+': value, '~': ~value }[operator];
  return { value: wrap(result, type), type };
}

/** An operator with two operands, both computed. Throws a UserError for a division by zero or a shift out of range. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (operator === '&&') return truth(isTrue(left) && isTrue(right));
  if (operator === '||') return truth(isTrue(left) || isTrue(right));
  if (operator === '+' || operator === '-') {
    const moved = pointerSum(operator, left, right);
    if (moved) return moved;
  }
  const a = promoted(left);
  const b = promoted(right);
  if (operator === '<<' || operator === '>>') return shift(operator, a, b);
  const type = a.type.signed && b.type.signed ? S64 : U64;
  const x = wrap(a.value, type);
  const y = wrap(b.value, type);
  const comparison = COMPARISONS[operator];
  if (comparison) return truth(comparison(x, y));
  if ((operator === '/' || operator === '%') && y === 0n) throw cannotCompute('This divides by zero.');
  return { value: wrap(ARITHMETIC[operator as keyof typeof ARITHMETIC](x, y), type), type };
}

const COMPARISONS: Partial<Record<BinaryOperator, (x: bigint, y: bigint) => boolean>> = {
  '==': (x, y) => x === y,
  '!=': (x, y) => x !== y,
  '<': (x, y) => x < y,
  '<=': (x, y) => x <= y,
  '>': (x, y) => x > y,
  '>=': (x, y) => x >= y,
};

// BigInt's / and % cut toward zero, as C's do.
const ARITHMETIC = {
  '*': (x: bigint, y: bigint) => x * y,
  '/': (x: bigint, y: bigint) => x / y,
  '%': (x: bigint, y: bigint) => x % y,
  '+': (x: bigint, y: bigint) => x + y,
  '-': (x: bigint, y: bigint) => x - y,
  '&': (x: bigint, y: bigint) => x & y,
  '^': (x: bigint, y: bigint) => x ^ y,
  '|': (x: bigint, y: bigint) => x | y,
};

interface Operand {
  readonly value: bigint;
  readonly type: IntegerType;
}

/** The value as s64 or u64; pointers count as u64. */
function promoted({ value, type }: Value): Operand {
  if (isPointer(type)) return { value, type: U64 };
  if (type.bits > 64) throw cannotCompute(`A value of ${type.bits} bits takes no part in arithmetic: cast it to u64.`);
  return { value, type: type.bits === 64 ? type : S64 };
}

function shift(operator: '<<' | '>>', left: Operand, { value: count }: Operand): Value {
  if (count < 0n || count > 63n) throw cannotCompute(`A shift goes by 0 to 63 bits, not by ${count}.`);
  const shifted = operator === '<<' ? left.value << count : left.value >> count;
  return { value: wrap(shifted, left.type), type: left.type };
}

/** C 6.5.6: pointer ± integer, integer + pointer, pointer - pointer; undefined if none is a pointer. */
function pointerSum(operator: '+' | '-', left: Value, right: Value): Value | undefined {
  const { type: leftType } = left;
  const { type: rightType } = right;
  if (isPointer(leftType) && isPointer(rightType)) {
    if (operator === '+') throw cannotCompute('Two pointers cannot be added.');
    return distance(left.value, leftType, right.value, rightType);
  }
  if (isPointer(leftType)) {
    const bytes = promoted(right).value * BigInt(sizeOf(leftType.to));
    return { value: wrap(operator === '+' ? left.value + bytes : left.value - bytes, leftType), type: leftType };
  }
  if (!isPointer(rightType)) return undefined;
  if (operator === '-') throw cannotCompute('A pointer cannot be subtracted from an integer.');
  return pointerSum('+', right, left);
}

function distance(left: bigint, leftType: PointerType, right: bigint, rightType: PointerType): Value {
  if (sizeOf(leftType.to) !== sizeOf(rightType.to) || leftType.space !== rightType.space) {
    throw cannotCompute(
      `The distance between a ${leftType.space} ${typeName(leftType)} and a ${rightType.space} ${typeName(rightType)} means nothing: cast both to u64.`,
    );
  }
  return { value: BigInt.asIntN(64, left - right) / BigInt(sizeOf(leftType.to)), type: S64 };
}
