/**
 * The value of an expression over registers and memory as they are. Source of the rules: ISO/IEC 9899:2018 6.5.
 *
 * Not C's: a choice has the type of the operand that it takes, since the other one is not computed; a dereferenced
 * integer is the linear address of a u64. Memory is little-endian.
 */
import { unreachable } from '../../common/assert';
import type { AddressSpace } from '../../protocol/address';
import type { Expression, Value, ValueType } from './ast';
import { binary, convert, isTrue, truth, unary } from './arithmetic';
import { cannotCompute, quoted, unreadable } from './errors';
import { isPointer, pointer, sizeOf, U64, unsignedOf, wrap } from './types';

/** Where an expression gets its operands from. All of it is read without side effects. */
export interface Scope {
  /** A register by its name in lower case, parts of registers (`eax`, `ah`) included; `bits` is its width. */
  register(name: string): { readonly value: bigint; readonly bits: number } | undefined;
  /** A variable of the event at hand, unsigned. */
  variable(name: string): bigint | undefined;
  /** Up to `length` bytes, fewer where memory ends. */
  read(space: AddressSpace, address: bigint, length: number): Uint8Array;
}

/** What can be written: a register, or an integer or pointer in memory. */
export type Place =
  | { readonly kind: 'register'; readonly name: string }
  | {
      readonly kind: 'memory';
      readonly space: AddressSpace;
      /** Below 2^64. */
      readonly address: bigint;
      readonly type: ValueType;
    };

/** Computes an expression. Throws a UserError (`expression/value`) where it has no value, such as unmapped memory. */
export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'constant':
      return { value: wrap(expression.value, expression.type), type: expression.type };
    case 'register':
      return registerOf(expression.name, scope);
    case 'variable':
      return variableOf(expression.name, scope);
    case 'dereference':
      return load(target(expression.of, scope), scope);
    case 'addressOf':
      return pointerTo(placeOf(expression.of, scope));
    case 'cast':
      return convert(evaluate(expression.of, scope), expression.type);
    case 'unary':
      return unary(expression.operator, evaluate(expression.of, scope));
    case 'binary': {
      const left = evaluate(expression.left, scope);
      if (expression.operator === '&&' && !isTrue(left)) return truth(false);
      if (expression.operator === '||' && isTrue(left)) return truth(true);
      return binary(expression.operator, left, evaluate(expression.right, scope));
    }
    case 'choose':
      return evaluate(isTrue(evaluate(expression.test, scope)) ? expression.yes : expression.no, scope);
    case 'in': {
      const value = evaluate(expression.of, scope);
      return truth(expression.among.some((one) => isTrue(binary('==', value, evaluate(one, scope)))));
    }
    default:
      return unreachable(expression);
  }
}

/** What an assignment to the expression would write. Throws a UserError if it is no place, or its address has no value. */
export function placeOf(expression: Expression, scope: Scope): Place {
  if (expression.kind === 'register') return { kind: 'register', name: expression.name };
  if (expression.kind === 'dereference') return target(expression.of, scope);
  if (expression.kind === 'constant' && expression.symbol !== undefined) {
    const name = expression.symbol;
    throw cannotCompute(`${quoted(name)} is an address and cannot be written: write ${quoted(`*${name}`)}.`);
  }
  throw cannotCompute('Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.');
}

type MemoryPlace = Extract<Place, { kind: 'memory' }>;

/** What the pointer that `of` computes points to. */
function target(of: Expression, scope: Scope): MemoryPlace {
  const { value, type } = evaluate(of, scope);
  if (isPointer(type)) return { kind: 'memory', space: type.space, address: value, type: type.to };
  if (type.bits > 64) throw cannotCompute(`A value of ${type.bits} bits is no address: cast it to u64.`);
  return { kind: 'memory', space: 'linear', address: BigInt.asUintN(64, value), type: U64 };
}

function load({ space, address, type }: MemoryPlace, scope: Scope): Value {
  const length = sizeOf(type);
  const bytes = scope.read(space, address, length);
  if (bytes.length < length) throw unreadable(space, address, length);
  let value = 0n;
  for (let at = length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!);
  return { value: wrap(value, type), type, place: { space, address } };
}

function pointerTo(place: Place): Value {
  if (place.kind === 'register') throw cannotCompute(`The register ${quoted(place.name)} has no address.`);
  return { value: place.address, type: pointer(place.type, place.space) };
}

function registerOf(name: string, scope: Scope): Value {
  const register = scope.register(name);
  if (!register) throw cannotCompute(`There is no register ${quoted(name)} here.`);
  const type = unsignedOf(register.bits);
  return { value: wrap(register.value, type), type };
}

function variableOf(name: string, scope: Scope): Value {
  const value = scope.variable(name);
  if (value === undefined) throw cannotCompute(`${quoted(name)} has no value at this event.`);
  return { value: wrap(value, U64), type: U64 };
}
