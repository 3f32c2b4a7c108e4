/**
 * Whether two types are the same but for typedefs and qualifiers: what C calls compatible (ISO/IEC 9899:2018 6.2.7),
 * a little wider: aggregates and enumerations of one name are, since two programs describe them twice.
 */
import { isAggregate, MAX_TYPE_DEPTH, plain } from './plain';
import type { Type } from './type';

/** Comparisons that one answer takes, at most: a damaged type can branch into itself. */
const MOST_PARTS = 10_000;

/** True if values of one type can be taken for values of the other. */
export function sameType(left: Type, right: Type): boolean {
  return same(left, right, MAX_TYPE_DEPTH, { parts: 0 });
}

function same(left: Type, right: Type, depth: number, spent: { parts: number }): boolean {
  const a = plain(left);
  const b = plain(right);
  if (a === b) return true;
  if (depth === 0 || ++spent.parts > MOST_PARTS) return false;
  if (a.kind === 'pointer') return b.kind === 'pointer' && same(a.to, b.to, depth - 1, spent);
  if (a.kind === 'array') return b.kind === 'array' && a.count === b.count && same(a.of, b.of, depth - 1, spent);
  if (a.kind === 'integer') {
    return b.kind === 'integer' && a.size === b.size && a.isSigned === b.isSigned && a.shown === b.shown;
  }
  if (a.kind === 'float') return b.kind === 'float' && a.size === b.size;
  if (a.kind === 'function') {
    return (
      b.kind === 'function' &&
      a.parameters.length === b.parameters.length &&
      same(a.returns, b.returns, depth - 1, spent) &&
      a.parameters.every(({ type }, index) => same(type, b.parameters[index]!.type, depth - 1, spent))
    );
  }
  if (isAggregate(a) || a.kind === 'enum') return a.kind === b.kind && a.name !== undefined && a.name === b.name;
  return a.kind === b.kind;
}
