/**
 * What the machine computes with for each C type: integers and pointers. A pointer to what is neither counts bytes, as GNU
 * C's `void *` does. Source: System V ABI for x86-64, 3.1.2.
 */
import { MAX_TYPE_DEPTH, plain, sizeOf } from '../types/plain';
import type { Type } from '../types/type';
import type { IntegerType, ValueType } from './ast';
import { pointer, sizeOf as sizeOfValue, U8 } from './types';

const WIDTHS: readonly number[] = [8, 16, 32, 64, 128];
/** Deeper pointers are rare, and a damaged type can be a pointer to itself. */
const MAX_POINTERS = 8;

/** The value type of a scalar; undefined for everything else. */
export function valueTypeOf(type: Type, depth = 0): ValueType | undefined {
  const found = plain(type);
  switch (found.kind) {
    case 'integer':
    case 'enum':
      return integerOf(found.size, found.isSigned);
    case 'pointer':
      return pointer((depth < MAX_POINTERS ? valueTypeOf(found.to, depth + 1) : undefined) ?? U8, 'linear');
    default:
      return undefined;
  }
}

function integerOf(size: number, signed: boolean): IntegerType | undefined {
  const bits = size * 8;
  return WIDTHS.includes(bits) ? { bits: bits as IntegerType['bits'], signed } : undefined;
}

/** The value type that a pointer to the type points to. */
export const pointedTo = (type: Type): ValueType => valueTypeOf(type) ?? U8;

/** Bytes from one element to the next; 1 for what has no size of its own, as in GNU C. Undefined if it is not told. */
export function strideOf(type: Type): number | undefined {
  const { kind } = plain(type);
  return kind === 'void' || kind === 'function' ? 1 : sizeOf(type);
}

/** How many times the machine's step of a pointer to the type is its real one: a structure's size over 1. */
export function scaleOf(type: Type): number | undefined {
  const stride = strideOf(type);
  return stride === undefined ? undefined : stride / sizeOfValue(pointedTo(type));
}

/** True for `char` under any name. */
export function isCharacter(type: Type): boolean {
  const found = plain(type);
  return found.kind === 'integer' && found.size === 1 && found.shown === 'character';
}

/** What a pointer points to or an array consists of; undefined for other types. */
export function elementOf(type: Type | undefined): Type | undefined {
  const found = type && plain(type);
  if (found?.kind === 'pointer') return found.to;
  return found?.kind === 'array' ? found.of : undefined;
}

/** The type with references (C++) taken off, and whether there was one. */
export function referred(type: Type): { readonly type: Type; readonly isReference: boolean } {
  let at = type;
  for (let depth = 0; depth < MAX_TYPE_DEPTH; depth++) {
    const found = plain(at);
    if (found.kind !== 'pointer' || !found.isReference) break;
    at = found.to;
  }
  return { type: at, isReference: at !== type };
}
