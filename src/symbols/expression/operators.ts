/**
 * C's operators on typed operands, lowered to the machine's arithmetic on integers and pointers: members, elements,
 * pointer arithmetic, casts. Source: ISO/IEC 9899:2018 6.5.
 *
 * Ours, not C's: `.` and `->` do the same; a number that is dereferenced is the address of a u64; an aggregate's or
 * function's symbol plus n counts bytes. NOT IMPLEMENTED: floating-point arithmetic.
 */
import { completed, isAggregate, plain, sizeOf } from '../types/plain';
import { memberNamed, namedMembers } from '../types/members';
import { sameType } from '../types/same-type';
import type { AggregateType, Type, TypeSource } from '../types/type';
import { typeText } from '../types/type-text';
import type { BinaryOperator, Expression } from './ast';
import { cannotCompute, quoted, syntaxError, typeError, unknownMember } from './errors';
import { constantOf } from './fold';
import { nearest } from './nearest';
import { addressOf, inMemory, locatedAt, nameOf, type Operand, typed, untyped, valueOf } from './operand';
import { asPointer, constant, moved } from './places';
import { pointerOf } from './pointer-of';
import { isPointer, pointer, S64, U64, U8 } from './types';
import { elementOf, pointedTo, referred, scaleOf, strideOf, valueTypeOf } from './value-type';

/** The aggregate that an operand is or points to. Throws a UserError for anything else. */
export function aggregateOf(operand: Operand, types: TypeSource | undefined, at: number): AggregateType {
  const { type } = operand;
  if (!type) throw typeError('This has no type here and so no members: cast it, as in ((struct page *)x)->flags', at);
  const found = completed(elementOf(type) ?? type, types);
  if (!isAggregate(found)) throw typeError(`${nameOf(operand)} has no members`, at);
  if (found.size === undefined && found.members.length === 0)
    throw typeError(`${quoted(typeText(found))} is declared, but its members are not known`, at);
  return found;
}

/** `of.name` or `of->name`; `at` is the name's column. */
export function member(of: Operand, name: string, at: number, types: TypeSource | undefined): Operand {
  const aggregate = aggregateOf(of, types, at);
  const found = memberNamed(aggregate, name);
  if (!found) {
    const names = [...namedMembers(aggregate)].map((known) => known.name);
    throw unknownMember(typeText(aggregate), name, at, name.length > 1 ? nearest(name, names) : undefined, names);
  }
  const { bitOffset, member: field } = found;
  const outer = elementOf(of.type) ? dereference(of, at) : of;
  if (outer.place?.kind !== 'memory') return partOf(outer, field.type, bitOffset, field.bitSize, at);
  if (field.bitSize === undefined) return inMemory(moved(outer.place.address, Math.floor(bitOffset / 8)), field.type);
  // The unit that the compiler took for it is sure to be there; what lies behind a packed field may not be.
  const unit = (sizeOf(field.type) ?? 1) * 8;
  const start = Math.floor(bitOffset / unit) * unit;
  const first = bitOffset + field.bitSize <= start + unit ? start : Math.floor(bitOffset / 8) * 8;
  return {
    type: field.type,
    place: { kind: 'memory', address: moved(outer.place.address, first / 8) },
    bits: { offset: bitOffset - first, size: field.bitSize },
    isBitField: true,
  };
}

/** A member of what is not in memory. */
function partOf(of: Operand, type: Type, bitOffset: number, bitSize: number | undefined, at: number): Operand {
  if (!of.place) throw typeError('This has no members', at);
  const size = bitSize ?? (sizeOf(type) ?? 0) * 8;
  const bits = { offset: (of.bits?.offset ?? 0) + bitOffset, size };
  return locatedAt(of.place, type, { bits, isBitField: bitSize !== undefined });
}

/** `*of`. */
export function dereference(of: Operand, at: number): Operand {
  const found = of.type && plain(of.type);
  if (found?.kind === 'function') return of;
  const to = elementOf(of.type);
  if (to) return inMemory(valueOf(of, at), to);
  const value = valueOf(of, at);
  return { value: { kind: 'dereference', of: value }, place: { kind: 'memory', address: value } };
}

/** `&of`. */
export function pointerTo(of: Operand, at: number): Operand {
  const { value, type, symbol } = of;
  // A symbol without a type is its address already.
  if (!type && symbol !== undefined && value?.kind === 'constant') return of;
  if (!type) {
    if (value?.kind !== 'dereference') throw syntaxError('Only what lies in memory has an address for &', at);
    return untyped({ kind: 'addressOf', of: value });
  }
  if (!of.place) throw syntaxError('Only what lies in memory has an address for &', at);
  return typed({ kind: 'pointer', size: 8, to: type }, asPointer(addressOf(of, at), pointedTo(type)));
}

/** `of[index]`; `at` is the column of `of`. */
export function element(of: Operand, index: Operand, at: number): Operand {
  if (elementOf(of.type) || elementOf(index.type)) return dereference(sum('+', of, index, at), at);
  const value = valueOf(of, at);
  const left = pointerOf(value) ? value : asPointer(value, U64);
  return dereference(untyped({ kind: 'binary', operator: '+', left, right: valueOf(index, at) }), at);
}

/** `left + right`, `left - right`. */
export function sum(operator: '+' | '-', left: Operand, right: Operand, at: number): Operand {
  const to = elementOf(left.type);
  if (to && operator === '-' && elementOf(right.type)) return distance(left, right, to, at);
  if (to && !elementOf(right.type)) {
    const of = asPointer(valueOf(left, at), pointedTo(to));
    const pointerType: Type = { kind: 'pointer', size: 8, to };
    return typed(pointerType, { kind: 'binary', operator, left: of, right: scaled(right, to, at) });
  }
  if (elementOf(right.type) && operator === '+' && !to) return sum('+', right, left, at);
  return untyped({ kind: 'binary', operator, left: inBytes(left, at), right: inBytes(right, at) });
}

/** A number of elements in the steps of the machine's pointer. */
function scaled(count: Operand, to: Type, at: number): Expression {
  const scale = scaleOf(to);
  if (scale === undefined) throw typeError(`The size of ${quoted(typeText(to))} is not known`, at);
  const value = valueOf(count, at);
  if (scale === 1) return value;
  return { kind: 'binary', operator: '*', left: value, right: constant(scale) };
}

function distance(left: Operand, right: Operand, to: Type, at: number): Operand {
  const [a, b] = [strideOf(to), strideOf(elementOf(right.type)!)];
  if (a === undefined || a !== b)
    throw cannotCompute(
      `The distance between ${quoted(typeText(left.type!))} and ${quoted(typeText(right.type!))} means nothing: cast both to u64.`,
    );
  if (a === 0) throw cannotCompute('Elements of no size have no distance.');
  const bytes: Expression = {
    kind: 'binary',
    operator: '-',
    left: asPointer(valueOf(left, at), U8),
    right: asPointer(valueOf(right, at), U8),
  };
  return untyped(a === 1 ? bytes : { kind: 'binary', operator: '/', left: bytes, right: constant(a) });
}

/** A symbol without an element type as a number of bytes: `symbol + 8`. */
function inBytes(of: Operand, at: number): Expression {
  const found = of.type && plain(of.type);
  if (of.symbol !== undefined && found && (isAggregate(found) || found.kind === 'function'))
    return { kind: 'cast', type: U64, of: addressOf(of, at) };
  const value = valueOf(of, at);
  return value.kind === 'constant' && of.symbol !== undefined && isPointer(value.type)
    ? { ...value, type: U64 }
    : value;
}

/** Any other operator with two operands. */
export const combined = (
  operator: BinaryOperator,
  left: Operand,
  right: Operand,
  at: number,
  rightAt: number,
): Operand => untyped({ kind: 'binary', operator, left: valueOf(left, at), right: valueOf(right, rightAt) });

/** `test ? yes : no`. */
export function choice(test: Expression, yes: Operand, no: Operand, at: number): Operand {
  const value: Expression = { kind: 'choose', test, yes: valueOf(yes, at), no: valueOf(no, at) };
  const types = [yes.type, no.type].map((type) => type && decayed(type));
  const [left, right] = types;
  if (left && right) return sameType(left, right) ? typed(left, value) : untyped(value);
  // The other one is a number, such as 0 for no pointer.
  const only = left ?? right;
  return only && plain(only).kind === 'pointer' ? typed(only, value) : untyped(value);
}

const decayed = (type: Type): Type => {
  const found = plain(type);
  return found.kind === 'array' ? { kind: 'pointer', size: 8, to: found.of } : type;
};

/** `(type)of`. An array type takes what lies at the operand's place for an array. */
export function cast(type: Type, of: Operand, at: number): Operand {
  const { type: to } = referred(type);
  const found = plain(to);
  if (found.kind === 'array') return inMemory(addressOf(of, at), to);
  if (found.kind === 'float') throw typeError('Floating point is shown, but not computed with', at);
  const valueType = valueTypeOf(found);
  if (!valueType)
    throw typeError(`No value can be cast to ${quoted(typeText(type))}: write *(${typeText(type, '*')})ADDRESS`, at);
  const value = valueOf(of, at);
  if (found.kind === 'integer' && found.shown === 'boolean')
    return typed(to, {
      kind: 'cast',
      type: valueType,
      of: { kind: 'binary', operator: '!=', left: value, right: constant(0) },
    });
  return typed(to, { kind: 'cast', type: valueType, of: value });
}

/** `first@count`: an array that begins with an lvalue. */
export function arrayFrom(first: Operand, count: Operand, at: number): Operand {
  const of: Type = first.type ?? UNTYPED_ELEMENT;
  if (strideOf(of) === undefined) throw typeError(`The size of ${quoted(typeText(of))} is not known`, at);
  if (first.place?.kind !== 'memory' || first.isBitField)
    throw typeError('Only what lies in memory can be the first element of an array with @', at);
  const value = valueOf(count, at);
  const number = constantOf(value);
  if (number === undefined) return { ...arrayAt(first.place.address, of, undefined), length: value };
  if (number < 0n || number > MAX_LENGTH) throw typeError(`An array with @ has 0 to ${MAX_LENGTH} elements`, at);
  return arrayAt(first.place.address, of, Number(number));
}

const arrayAt = (address: Expression, of: Type, count: number | undefined): Operand =>
  inMemory(address, { kind: 'array', of, count });

/** Most elements of an array made with `@`. */
export const MAX_LENGTH = 0x7fff_ffffn;
/** What a dereferenced number is. */
const UNTYPED_ELEMENT: Type = { kind: 'integer', name: 'u64', size: 8, isSigned: false, shown: 'number' };

/** `sizeof of`; undefined if it has no type that tells. */
export function sizeOfOperand(of: Operand, types: TypeSource | undefined, at: number): Expression | undefined {
  if (of.isBitField) throw typeError('A bit-field has no size in bytes', at);
  const size = of.type && sizeOf(completed(of.type, types));
  return size === undefined ? undefined : constant(size, U64);
}

/** A pointer to what a pointer to one of its members is part of. */
export function containerOf(part: Operand, outer: Type, offset: number, at: number): Operand {
  const start: Expression = {
    kind: 'binary',
    operator: '-',
    left: asPointer(valueOf(part, at), U8),
    right: constant(offset, S64),
  };
  return typed(
    { kind: 'pointer', size: 8, to: outer },
    { kind: 'cast', type: pointer(pointedTo(outer), 'linear'), of: start },
  );
}
