/** From a text to an expression: for the machine that computes it, or with its types for whoever shows its value. */
import { UserError } from '../../common/errors';
import { isAggregate, plain } from '../types/plain';
import type { Expression } from './ast';
import type { ExpressionNames } from './names';
import { addressOf, type Operand, valueOf } from './operand';
import { Parser } from './parser';
import { asPointer } from './places';
import type { TypedExpression } from './typed';
import { U64 } from './types';

/**
 * Parses an expression of at most 4096 characters, 1000 tokens and 100 nested operands, and looks its names up: a name
 * behind `$` is a register; for a bare one see `Resolver`. An array, and a structure alone, is its address. Throws a
 * UserError (`expression/syntax`, `expression/name`, `expression/member`, `expression/type`) that names the column.
 */
export function parseExpression(text: string, names: ExpressionNames): Expression {
  const operand = new Parser(text, names).whole();
  const isStructure = !operand.value && operand.type && isAggregate(plain(operand.type));
  return isStructure ? asPointer(addressOf(operand, 0), U64) : valueOf(operand, 0);
}

/** Parses an expression like `parseExpression`, for whoever shows its value: what it is by its type, and where. */
export function parseTyped(text: string, names: ExpressionNames): TypedExpression {
  const parser = new Parser(text, names);
  const view = parser.view();
  if (view) return { value: undefined, type: undefined, place: undefined, bits: undefined, length: undefined, view };
  const operand = parser.whole();
  const { type, place, bits, length } = operand;
  return { value: valueIfAny(operand), type, place, bits, length, view };
}

/** The value of what the machine can compute with; undefined for other things that lie somewhere. */
function valueIfAny(operand: Operand): Expression | undefined {
  if (!computable(operand)) return undefined;
  try {
    return valueOf(operand, 0);
  } catch (error) {
    // Part of it is nowhere: whoever shows it says so.
    if (error instanceof UserError && operand.place) return undefined;
    throw error;
  }
}

/** True for what the machine can compute with. */
function computable({ value, type, place }: Operand): boolean {
  if (value) return true;
  const found = type && plain(type);
  if (!found || place?.kind === 'absent' || isAggregate(found)) return false;
  if (found.kind === 'array' || found.kind === 'function') return place?.kind === 'memory';
  return found.kind !== 'float' && found.kind !== 'void';
}
