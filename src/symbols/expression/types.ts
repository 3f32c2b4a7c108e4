/**
 * Types of the expression language: the integers of C on x86-64 (LP64: int 32 bits, long 64, char signed) and pointers.
 * Sources: ISO/IEC 9899:2018 6.7.2; System V ABI for x86-64, 3.1.2.
 *
 * NOT IMPLEMENTED: structures, arrays, floating point, enumerations, pointers of 32-bit code (all have 64 bits).
 */
import type { AddressSpace } from '../../protocol/address';
import type { IntegerType, PointerType, ValueType } from './ast';

/** What literals, comparisons and most arithmetic give. */
export const S64: IntegerType = { bits: 64, signed: true };
export const U64: IntegerType = { bits: 64, signed: false };
export const U8: IntegerType = { bits: 8, signed: false };

const POINTER_BYTES = 8;
const WIDTHS = [8, 16, 32, 64] as const;

/** A pointer to `to` that holds an address in `space`. */
export const pointer = (to: ValueType, space: AddressSpace): PointerType => ({ to, space });

/** Tells pointers from integers. */
export const isPointer = (type: ValueType): type is PointerType => 'to' in type;

/** Size of a value of the type in bytes. */
export const sizeOf = (type: ValueType): number => (isPointer(type) ? POINTER_BYTES : type.bits / 8);

/** The unsigned integer type that holds `bits` bits. */
export function unsignedOf(bits: number): IntegerType {
  const width = ([...WIDTHS, 80] as const).find((one) => bits <= one) ?? 128;
  return { bits: width, signed: false };
}

/** `value` reduced to the type's width: two's complement, negative only in a signed type. */
export function wrap(value: bigint, type: ValueType): bigint {
  if (isPointer(type)) return BigInt.asUintN(64, value);
  return type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
}

/** Types of all widths; `#` in the name is the width. */
function family(name: string, signed: boolean): [string, IntegerType][] {
  return WIDTHS.map((bits) => [name.replace('#', String(bits)), { bits, signed }]);
}

/** Names of one word. */
export const TYPE_NAMES: ReadonlyMap<string, IntegerType> = new Map<string, IntegerType>([
  ...family('u#', false),
  ...family('s#', true),
  ...family('uint#_t', false),
  ...family('int#_t', true),
  ...family('__u#', false),
  ...family('__s#', true),
  ['size_t', U64],
  ['ssize_t', S64],
  ['uintptr_t', U64],
  ['intptr_t', S64],
]);

/** C's own type specifiers, which come several at a time and in any order. */
export const TYPE_SPECIFIERS: ReadonlySet<string> = new Set(['unsigned', 'signed', 'char', 'short', 'int', 'long']);

/** The type that C's specifiers name together, such as `unsigned long`; undefined if they do not go together. */
export function typeOfSpecifiers(words: readonly string[]): IntegerType | undefined {
  const key = words
    .filter((word) => word !== 'unsigned' && word !== 'signed')
    .sort()
    .join(' ');
  const signs = words.filter((word) => word === 'unsigned' || word === 'signed');
  const bits = SPECIFIED_BITS[key];
  if (bits === undefined || signs.length > 1) return undefined;
  return { bits, signed: signs[0] !== 'unsigned' };
}

/** Widths by the specifiers in alphabetical order. */
const SPECIFIED_BITS: Readonly<Record<string, IntegerType['bits']>> = {
  char: 8,
  short: 16,
  'int short': 16,
  '': 32,
  int: 32,
  long: 64,
  'int long': 64,
  'long long': 64,
  'int long long': 64,
};

/** `unsigned`-less name of a type, as it is written here: `u32`, `s8*`. */
export function typeName(type: ValueType): string {
  if (isPointer(type)) return `${typeName(type.to)}*`;
  return `${type.signed ? 's' : 'u'}${type.bits}`;
}
