/**
 * What the names in an expression stand for. A bare name is the event's variable, else the frame's, else a constant, else
 * a per-CPU variable (the copy of the processor at hand), a symbol, an enumerator, `current`, a register. A dot in a name
 * can belong to it (`count.0`, `$cs.base`): the longest name that exists is taken, the rest are members.
 */
import { plain, sizeOf } from '../types/plain';
import type { EnumType, Type } from '../types/type';
import { syntaxError, unknownName } from './errors';
import type { ExpressionNames, NamedPlace } from './names';
import { enumerator, inMemory, locatedAt, type Operand, untyped } from './operand';
import { member } from './operators';
import { currentTask, perCpuVariable } from './per-cpu';
import { constant } from './places';
import type { Variable } from '../types/place';
import { pointer, U64, unsignedOf } from './types';
import { pointedTo } from './value-type';

const CURRENT = 'current';

/** Looks names up; it remembers the enumerations that were met, whose constants may follow. */
export class Resolver {
  private readonly enumerations = new Set<EnumType>();

  constructor(readonly names: ExpressionNames) {}

  /** Enumerators of this type may follow. */
  meet(type: Type | undefined): void {
    const found = type && plain(type);
    if (found?.kind === 'enum') this.enumerations.add(found);
  }

  /** A bare name at a column. Throws a UserError if nothing has it. */
  named(written: string, at: number): Operand {
    const found = this.longest(written, at, (name) => this.known(name, at));
    if (found) return found;
    const register = written.toLowerCase();
    if (this.names.register(register)) return untyped({ kind: 'register', name: register });
    throw unknownName('symbol, register or variable', written, at, this.names.nearest?.(written));
  }

  /** A name behind `$`. */
  register(written: string, at: number): Operand {
    const name = written.toLowerCase();
    if (this.names.register(name)) return untyped({ kind: 'register', name });
    const found = this.longest(written, at, (part) => (part === CURRENT ? currentTask(this.names, at) : undefined));
    if (found) return found;
    throw unknownName('register', `$${written}`, at, this.names.nearest?.(`$${written}`));
  }

  /** `.a.b.c` of an operand; `at` is the column of the first name. */
  members(of: Operand, path: readonly string[], at: number): Operand {
    let found = of;
    let column = at;
    for (const name of path) {
      if (name === '') throw syntaxError('The name of a member is missing', column);
      found = member(found, name, column, this.names.types);
      column += name.length + 1;
    }
    return found;
  }

  private longest(written: string, at: number, find: (name: string) => Operand | undefined): Operand | undefined {
    const parts = written.split('.');
    for (let count = parts.length; count > 0; count--) {
      const name = parts.slice(0, count).join('.');
      const found = find(name);
      if (found) return this.members(found, parts.slice(count), at + name.length + 1);
    }
    return undefined;
  }

  private known(name: string, at: number): Operand | undefined {
    const { names } = this;
    if (names.variables?.has(name)) return untyped({ kind: 'variable', name });
    const local = names.local?.(name);
    if (local) return operandOf(local);
    const number = names.constant?.(name);
    if (number !== undefined) return { value: constant(number), symbol: name };
    for (const type of this.enumerations) {
      const known = type.values.find((one) => one.name === name);
      if (known) return enumerator(type, known.value);
    }
    if (names.perCpuOffset?.(name) !== undefined) return perCpuVariable(name, names, at);
    const symbol = names.symbol(name);
    if (symbol) return operandOfSymbol(name, symbol, names.types?.typeOfSymbol(name, symbol.address));
    const known = names.types?.enumerator?.(name);
    if (known) return enumerator(known.type, known.value);
    return name === CURRENT ? currentTask(names, at) : undefined;
  }
}

/** A variable of a frame. */
export const operandOf = ({ place, type }: Variable): Operand =>
  place.kind === 'memory' ? inMemory(place.address, type) : locatedAt(place, type);

/** A symbol: what it is if its type is told; else the variable that it names, if it has an integer's size; its address. */
function operandOfSymbol(symbol: string, { address, size }: NamedPlace, told: Type | undefined): Operand {
  const value = BigInt.asUintN(64, address);
  if (told) {
    const type = sized(told, size);
    const of = { kind: 'constant', value, type: pointer(pointedTo(type), 'linear'), symbol } as const;
    return locatedAt({ kind: 'memory', address: of }, type, { symbol });
  }
  const isInteger = size === 1 || size === 2 || size === 4 || size === 8;
  const to = isInteger ? unsignedOf(size * 8) : U64;
  const of = { kind: 'constant', value, type: pointer(to, 'linear'), symbol } as const;
  return isInteger
    ? { value: { kind: 'dereference', of }, place: { kind: 'memory', address: of }, symbol }
    : { value: of, symbol };
}

/** An array whose type does not say its length has as many elements as its symbol has bytes for. */
function sized(type: Type, size: number | undefined): Type {
  const found = plain(type);
  const stride = found.kind === 'array' && found.count === undefined ? sizeOf(found.of) : undefined;
  return found.kind === 'array' && stride && size !== undefined
    ? { kind: 'array', of: found.of, count: Math.floor(size / stride) }
    : type;
}
