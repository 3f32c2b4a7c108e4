/**
 * Types as C writes them: `struct task_struct *`, `char comm[16]`, `int (*)(void *)`. Source: ISO/IEC 9899:2018 6.7.6,
 * 6.7.7. C++'s references are written with `&`.
 */
import { MAX_TYPE_DEPTH } from './plain';
import type { FunctionType, PointerType, Type } from './type';

/** A type around a declarator, which is empty for a type alone. What is nested without end shows as `…`. */
export function typeText(type: Type, declarator = ''): string {
  return written(type, declarator, 0);
}

function written(type: Type, declarator: string, depth: number): string {
  if (depth > MAX_TYPE_DEPTH) return joined('…', declarator);
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
      return written(type.to, pointerDeclarator(type, declarator), depth + 1);
    case 'array':
      return written(type.of, `${declarator}[${type.count ?? ''}]`, depth + 1);
    case 'function':
      return written(type.returns, `${declarator}(${parameters(type, depth)})`, depth + 1);
    default: {
      const word = type.kind === 'atomic' ? '_Atomic' : type.kind;
      // A qualifier of a pointer stands behind its star.
      if (qualifiesPointer(type.to)) return written(type.to, joined(word, declarator), depth + 1);
      const qualified = written(type.to, declarator, depth + 1);
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

function parameters({ parameters: list, isVariadic }: FunctionType, depth: number): string {
  const shown = list.map(({ type }) => written(type, '', depth + 1));
  if (isVariadic) shown.push('...');
  return shown.length > 0 ? shown.join(', ') : 'void';
}
