/**
 * Comparison with a string, which C leaves to strcmp: `task->comm == "init"` compares characters up to the NUL. An array
 * that is not longer than the string needs no NUL.
 */
import { plain } from '../types/plain';
import type { Expression } from './ast';
import { quoted, typeError } from './errors';
import { nameOf, type Operand, valueOf } from './operand';
import { asPointer, constant, moved } from './places';
import { U8 } from './types';
import { elementOf } from './value-type';

/** Every character is a node or two, and the text's address is computed for each of them. */
const MAX_STRING = 64;

/** The characters at an operand, which is an array of characters or a pointer to them, against `text`. */
export function compareText(operator: '==' | '!=', of: Operand, text: readonly number[], at: number): Expression {
  const type = of.type && plain(of.type);
  const to = elementOf(type);
  const found = to && plain(to);
  if (!type || found?.kind !== 'integer' || found.size !== 1)
    throw typeError(`${nameOf(of)} is not compared with a string: only characters are`, at);
  if (text.length > MAX_STRING || text.includes(0))
    throw typeError(`${quoted('==')} compares with at most ${MAX_STRING} characters, none of them NUL`, at);
  const count = type.kind === 'array' ? type.count : undefined;
  const codes = count !== undefined && count <= text.length ? [...text] : [...text, 0];
  const start = valueOf(of, at);
  const isEqual: Expression =
    count !== undefined && count < text.length
      ? constant(0)
      : codes
          .map((code, index): Expression => ({
            kind: 'binary',
            operator: '==',
            left: { kind: 'dereference', of: asPointer(moved(start, index), U8) },
            right: constant(code),
          }))
          .reduce((left, right) => ({ kind: 'binary', operator: '&&', left, right }));
  return operator === '==' ? isEqual : { kind: 'unary', operator: '!', of: isEqual };
}
