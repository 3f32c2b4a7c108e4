/**
 * What is behind the names and qualifiers of a type, and how large it is. Debug information may be damaged: chains are
 * followed to a bounded length. Sources: ISO/IEC 9899:2018 6.2.5, 6.5.3.4; System V ABI for x86-64, 3.1.2.
 */
import type { AggregateType, QualifiedType, Type, TypedefType, TypeSource, VoidType } from './type';

/** A type that is neither a typedef nor qualified. */
export type PlainType = Exclude<Type, TypedefType | QualifiedType>;

/** The type without values. */
export const VOID: VoidType = { kind: 'void' };

/** Longest chain of typedefs, qualifiers, pointers or arrays that is followed. */
export const MAX_TYPE_DEPTH = 64;

/** The type behind typedefs and qualifiers; `void` if there is no end to them. */
export function plain(type: Type): PlainType {
  let at = type;
  for (let depth = 0; depth < MAX_TYPE_DEPTH; depth++) {
    switch (at.kind) {
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'atomic':
        at = at.to;
        break;
      default:
        return at;
    }
  }
  return VOID;
}

/** Tells structures, unions and classes from the other plain types. */
export const isAggregate = (type: PlainType): type is AggregateType =>
  type.kind === 'struct' || type.kind === 'union' || type.kind === 'class';

/**
 * Bytes of a value of the type; undefined for `void`, functions, types that are only declared, arrays without a length,
 * and what is too large to be real.
 */
export function sizeOf(type: Type): number | undefined {
  let count = 1;
  let at = plain(type);
  for (let depth = 0; at.kind === 'array'; depth++) {
    if (at.count === undefined || depth >= MAX_TYPE_DEPTH) return undefined;
    count *= at.count;
    at = plain(at.of);
  }
  if (at.kind === 'void' || at.kind === 'function' || at.size === undefined) return undefined;
  const size = count * at.size;
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** The type, or the definition of the same name if it is a structure, union or class that is only declared. */
export function completed(type: Type, types: TypeSource | undefined): PlainType {
  const found = plain(type);
  if (!isAggregate(found) || found.size !== undefined || found.name === undefined) return found;
  const definition = types?.typeNamed(found.kind, found.name);
  return definition ? plain(definition) : found;
}
