/**
 * What a part of an expression stands for while it is parsed: something at a place, or a computed value; with its C type,
 * or without one as registers, numbers and bare symbols are.
 */
import { isAggregate, plain } from '../types/plain';
import type { Place } from '../types/place';
import type { Type } from '../types/type';
import { typeText } from '../types/type-text';
import type { Expression } from './ast';
import { quoted, typeError } from './errors';
import { asPointer, constant, load } from './places';
import type { BitRange } from './typed';
import { pointer, U64, U8 } from './types';
import { pointedTo, referred, valueTypeOf } from './value-type';

/** A part of an expression. */
export interface Operand {
  /** Undefined for what the program tells no type of. */
  readonly type?: Type | undefined;
  /** Its value, unless the place and the type give it. */
  readonly value?: Expression | undefined;
  readonly place?: Place | undefined;
  readonly bits?: BitRange | undefined;
  /** It is a bit-field, of which `&` and `sizeof` know nothing. */
  readonly isBitField?: boolean | undefined;
  /** The name of the symbol, if that is all it is. */
  readonly symbol?: string | undefined;
  /** Number of elements, where `@` has one to be computed. */
  readonly length?: Expression | undefined;
}

/** A plain number or what the machine gives a type of its own. */
export const untyped = (value: Expression): Operand => ({ value });

/** A computed value of a C type. */
export const typed = (type: Type, value: Expression): Operand => ({ type, value });

/** What lies at a place; a reference is what it refers to. */
export function locatedAt(
  place: Place,
  type: Type,
  more: Pick<Operand, 'bits' | 'isBitField' | 'symbol'> = {},
): Operand {
  const { type: to, isReference } = referred(type);
  if (!isReference || plain(type) === plain(to)) return { type, place, ...more };
  const address = load(place, more.bits, pointer(U8, 'linear'));
  return { type: to, place: { kind: 'memory', address } };
}

/** What lies in memory. */
export const inMemory = (address: Expression, type: Type): Operand =>
  locatedAt({ kind: 'memory', address: asPointer(address, pointedTo(type)) }, type);

/** The type for a message. */
export const nameOf = ({ type }: Operand): string => (type ? quoted(typeText(type)) : 'This');

/**
 * The value of an operand for the machine; arrays and functions are their addresses. Throws a UserError for what is no
 * number; `at` is its column from 0.
 */
export function valueOf(operand: Operand, at: number): Expression {
  const { type, place, bits, value } = operand;
  if (value) return value;
  if (!type || !place) throw typeError('A value is missing', at);
  const found = plain(type);
  if (found.kind === 'array') return asPointer(addressOf(operand, at), pointedTo(found.of));
  if (found.kind === 'function') return asPointer(addressOf(operand, at), U64);
  if (found.kind === 'float') throw typeError('Floating point is shown, but not computed with', at);
  if (isAggregate(found)) throw typeError(`${nameOf(operand)} is no number: name one of its members`, at);
  const valueType = valueTypeOf(found);
  if (!valueType || found.kind === 'void') throw typeError(`${nameOf(operand)} has no value: cast it to a type`, at);
  return load(place, bits, valueType, found.size);
}

/** Where an operand lies. Throws a UserError for what is not in memory. */
export function addressOf({ place, isBitField }: Operand, at: number): Expression {
  if (isBitField) throw typeError('A bit-field has no address', at);
  if (place?.kind === 'memory') return place.address;
  if (place?.kind === 'register') throw typeError(`This is in the register ${place.name} and has no address`, at);
  if (place?.kind === 'absent') throw typeError(`This has no address: ${place.why.replace(/\.$/, '')}`, at);
  if (place) throw typeError('This is not in memory and has no address', at);
  throw typeError('Only what lies in memory has an address', at);
}

/** A name for a number of the program. */
export const enumerator = (type: Type, value: bigint): Operand =>
  typed(type, constant(value, valueTypeOf(type) ?? U64));
