/**
 * Types as C writes them: `struct task_struct *`, `char comm[16]`, `int (*)(void *)`. Source: ISO/IEC 9899:2018 6.7.6,
 * 6.7.7. C++'s references are written with `&`.
 */
import { MAX_TYPE_DEPTH } from './plain';
import type { FunctionType, PointerType, Type } from './type';

/** Parts that one text is made of, at most: a damaged type can branch into itself. */
const MOST_PARTS = 1000;

/** How far one text has gone. */
interface Progress {
  readonly depth: number;
  readonly spent: { parts: number };
}

/** A type around a declarator, which is empty for a type alone. What is nested without end shows as `…`. */
export function typeText(type: Type, declarator = ''): string {
  return written(type, declarator, { depth: 0, spent: { parts: 0 } });
}

function written(type: Type, declarator: string, { depth, spent }: Progress): string {
  if (depth > MAX_TYPE_DEPTH || ++spent.parts > MOST_PARTS) return joined('…', declarator);
  const inner = { depth: depth + 1, spent };
  switch (type.kind) {
    case 'void':
      return joined('void', declarator);
    case 'integer':
    case 'float':
    case 'typedef':
      return joined(type.name, declarator);
    case 'struct':
    case 'union':
    case 'class':
    case 'enum':
      return joined(`${type.kind} ${type.name ?? '{…}'}`, declarator);
    case 'pointer':
      return written(type.to, pointerDeclarator(type, declarator), inner);
    case 'array':
      return written(type.of, `${declarator}[${type.count ?? ''}]`, inner);
    case 'function':
      return written(type.returns, `${declarator}(${parameters(type, inner)})`, inner);
    default: {
      const word = type.kind === 'atomic' ? '_Atomic' : type.kind;
      // A qualifier of a pointer stands behind its star.
      if (qualifiesPointer(type.to)) return written(type.to, joined(word, declarator), inner);
      const qualified = written(type.to, declarator, inner);
      // Of a constant array its elements are it already.
      return qualified.startsWith(`${word} `) ? qualified : `${word} ${qualified}`;
    }
  }
}

const joined = (text: string, declarator: string): string => (declarator === '' ? text : `${text} ${declarator}`);

function pointerDeclarator({ to, isReference }: PointerType, declarator: string): string {
  const starred = `${isReference ? '&' : '*'}${declarator}`;
  return to.kind === 'array' || to.kind === 'function' ? `(${starred})` : starred;
}

function qualifiesPointer(type: Type): boolean {
  let at = type;
  for (let depth = 0; depth < MAX_TYPE_DEPTH && isQualified(at); depth++) at = at.to;
  return at.kind === 'pointer';
}

const isQualified = (type: Type): type is Extract<Type, { kind: 'const' | 'volatile' | 'restrict' | 'atomic' }> =>
  type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'atomic';

function parameters({ parameters: list, isVariadic }: FunctionType, inner: Progress): string {
  const shown = list.map(({ type }) => written(type, '', inner));
  if (isVariadic) shown.push('...');
  return shown.length > 0 ? shown.join(', ') : 'void';
}
