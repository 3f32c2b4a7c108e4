/**
 * From a text to an expression: C's operators with C's precedence, over 64-bit integers and the types of the guest's
 * program; registers, symbols, local variables, and pointers into the guest-physical and the physical space. Source:
 * ISO/IEC 9899:2018 6.5.
 *
 * A symbol without a type but with the size of an integer is that variable, unsigned. Ours, not C's: any other symbol
 * without a type is its address, and `symbol + n` counts bytes, as `symbol+0x10` does in every listing; an integer that
 * is dereferenced or indexed is taken for a pointer to u64; `x in (1, 2)`; `p@n`, gdb's array of n elements that begins
 * with p; `linear(x)`, `guestPhysical(x)`, `physical(x)` make an integer a pointer to u64 in that space; Linux's
 * `container_of`, `offsetof`, `this_cpu(variable)`, `per_cpu(variable, number)`, `$current`; strings are compared by
 * their characters; an enumerator counts where a value of its enumeration stands before it.
 *
 * NOT IMPLEMENTED: assignment, `++`, `--`, the comma operator, floating-point arithmetic.
 */
import type { AddressSpace } from '../../protocol/address';
import { completed, sizeOf } from '../types/plain';
import type { Type } from '../types/type';
import { typeText } from '../types/type-text';
import type { BinaryOperator, Expression, UnaryOperator } from './ast';
import { containerView, isContainer } from './container-view';
import { Cursor } from './cursor';
import { quoted, syntaxError, typeError, unknownName } from './errors';
import { constantOf } from './fold';
import type { ExpressionNames } from './names';
import { addressOf, inMemory, type Operand, untyped, valueOf } from './operand';
import {
  arrayFrom,
  cast,
  choice,
  combined,
  containerOf,
  dereference,
  element,
  pointerTo,
  sizeOfOperand,
  sum,
} from './operators';
import { perCpuTarget, perCpuVariable } from './per-cpu';
import { constant } from './places';
import { Resolver } from './resolve';
import { compareText } from './text-comparison';
import { TypeParser } from './type-parser';
import type { ContainerKind, ContainerView } from './typed';
import { pointer, S64, U64 } from './types';

const MAX_NESTING = 100;

/** Operators by how tightly they bind, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>=', 'in'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
  ['@'],
];

const UNARY: ReadonlySet<string> = new Set<UnaryOperator>(['-', '+', '~', '!']);
const SPACES: ReadonlyMap<string, AddressSpace> = new Map([
  ['linear', 'linear'],
  ['guestPhysical', 'guestPhysical'],
  ['physical', 'physical'],
]);

/** Reads one text. Whatever it refuses is a UserError that names the column. */
export class Parser {
  private readonly cursor: Cursor;
  private readonly types: TypeParser;
  private readonly resolver: Resolver;
  private nesting = 0;

  constructor(
    text: string,
    private readonly names: ExpressionNames,
  ) {
    this.cursor = new Cursor(text);
    this.types = new TypeParser(this.cursor, names);
    this.resolver = new Resolver(names);
  }

  whole(): Operand {
    const operand = this.conditional();
    this.expectEnd();
    return operand;
  }

  /** A container to show, if the text is one. */
  view(): ContainerView | undefined {
    const { cursor } = this;
    const { token } = cursor;
    if (token.kind !== 'name' || !isContainer(token.text) || !cursor.isSign('(', 1)) return undefined;
    cursor.next += 2;
    const { at } = cursor.token;
    const head = this.conditional();
    const element = cursor.accept(',') ? this.elementOfView(token.text) : undefined;
    cursor.expect(')', quoted(token.text));
    this.expectEnd();
    return containerView(token.text, head, element, at);
  }

  private elementOfView(kind: ContainerKind): ContainerView['element'] {
    const type = this.type('The type of the entries');
    if (kind === 'xarray') return { type, offset: 0 };
    this.cursor.expect(',', 'The type of the entries');
    return { type, offset: this.offsetIn(type) };
  }

  private expectEnd(): void {
    const { cursor } = this;
    if (cursor.token.kind !== 'end')
      throw syntaxError(`An operator is missing before ${cursor.found()}`, cursor.token.at);
  }

  private conditional(): Operand {
    const { at } = this.cursor.token;
    const test = this.binary(0);
    if (!this.cursor.accept('?')) return test;
    const yes = this.conditional();
    this.cursor.expect(':', 'A choice with ?');
    return choice(valueOf(test, at), yes, this.conditional(), at);
  }

  private binary(level: number): Operand {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    const { cursor } = this;
    const start = cursor.next;
    const { at } = cursor.token;
    let left = this.binary(level + 1);
    for (;;) {
      const { token } = cursor;
      if (token.kind !== 'sign' && token.kind !== 'name') return left;
      if (!operators.includes(token.text)) return left;
      cursor.next++;
      this.resolver.meet(left.type);
      if (token.text === 'in') {
        left = untyped({ kind: 'in', of: valueOf(left, at), among: this.list() });
      } else if (cursor.token.kind === 'string') {
        left = this.textComparison(token.text, left, start, at);
      } else {
        const { at: rightAt } = cursor.token;
        left = this.joined(token.text, left, this.binary(level + 1), { at, rightAt });
      }
    }
  }

  private joined(
    operator: string,
    left: Operand,
    right: Operand,
    { at, rightAt }: { readonly at: number; readonly rightAt: number },
  ): Operand {
    if (operator === '+' || operator === '-') return sum(operator, left, right, at);
    if (operator === '@') return arrayFrom(left, right, at);
    return combined(operator as BinaryOperator, left, right, at, rightAt);
  }

  private textComparison(operator: string, left: Operand, start: number, at: number): Operand {
    const { cursor } = this;
    // The left side is computed for each character: one in the other would be computed without end.
    const isNested = cursor.since(start).some(({ kind }) => kind === 'string');
    const { token } = cursor;
    if (token.kind !== 'string' || isNested || (operator !== '==' && operator !== '!=')) throw this.loneString();
    cursor.next++;
    return untyped(compareText(operator, left, token.bytes, at));
  }

  private loneString(): Error {
    return syntaxError('A string stands right behind == or !=, as in task->comm == "init"', this.cursor.token.at);
  }

  /** `(1, 2, 3)`. */
  private list(): Expression[] {
    const { cursor } = this;
    const value = (): Expression => {
      const { at } = cursor.token;
      return valueOf(this.conditional(), at);
    };
    cursor.expect('(', '`in`');
    const among = [value()];
    while (cursor.accept(',')) among.push(value());
    cursor.expect(')', 'The list after `in`');
    return among;
  }

  /** An operand with its prefixes. Whatever nests comes through here. */
  private unary(): Operand {
    if (++this.nesting > MAX_NESTING) throw syntaxError('The expression is nested too deeply', this.cursor.token.at);
    const operand = this.prefixed();
    this.nesting--;
    return operand;
  }

  private prefixed(): Operand {
    const { cursor } = this;
    const { token } = cursor;
    if (token.kind === 'sign' && UNARY.has(token.text)) {
      cursor.next++;
      const { at } = cursor.token;
      return untyped({ kind: 'unary', operator: token.text as UnaryOperator, of: valueOf(this.unary(), at) });
    }
    if (cursor.accept('*')) return dereference(this.unary(), token.at);
    if (cursor.accept('&')) return pointerTo(this.unary(), token.at);
    if (token.kind === 'name' && token.text === 'sizeof') return this.sizeof();
    if (cursor.isSign('(') && this.types.startsAt(1)) {
      cursor.next++;
      const type = this.types.parse();
      cursor.expect(')', 'A cast');
      this.resolver.meet(type);
      return cast(type, this.unary(), token.at);
    }
    return this.postfix();
  }

  private sizeof(): Operand {
    const { cursor } = this;
    cursor.next++;
    const { at } = cursor.token;
    if (cursor.isSign('(') && this.types.startsAt(1)) {
      cursor.next++;
      const type = this.types.parse();
      const size = sizeOf(completed(type, this.names.types));
      if (size === undefined) throw typeError(`The size of ${quoted(typeText(type))} is not known`, at + 1);
      cursor.expect(')', '`sizeof`');
      return untyped(constant(size, U64));
    }
    const of = this.unary();
    const told = of.type || of.symbol === undefined ? undefined : this.names.symbol(of.symbol)?.size;
    const size = told === undefined ? sizeOfOperand(of, this.names.types, at) : constant(told, U64);
    if (!size) throw syntaxError('`sizeof` takes a type, such as u32, or what has one', at);
    return untyped(size);
  }

  private postfix(): Operand {
    const { cursor } = this;
    const { at } = cursor.token;
    let base = this.primary();
    for (;;) {
      if (cursor.accept('[')) {
        const index = this.conditional();
        cursor.expect(']', 'An index');
        base = element(base, index, at);
      } else if (cursor.accept('->') || cursor.accept('.')) {
        const name = cursor.acceptName();
        if (!name) throw syntaxError(`The name of a member is missing before ${cursor.found()}`, cursor.token.at);
        base = this.resolver.members(base, name.text.split('.'), name.at);
      } else return base;
    }
  }

  private primary(): Operand {
    const { cursor } = this;
    const { token } = cursor;
    if (cursor.accept('(')) {
      const inner = this.conditional();
      cursor.expect(')', `The ( in column ${token.at + 1}`);
      return inner;
    }
    if (token.kind === 'end' || token.kind === 'sign')
      throw syntaxError(`A value is missing before ${cursor.found()}`, token.at);
    if (token.kind === 'string') throw this.loneString();
    cursor.next++;
    if (token.kind === 'number') return untyped(constant(token.value, token.unsigned ? U64 : S64));
    if (token.kind === 'register') return this.resolver.register(token.text, token.at);
    if (cursor.isSign('(')) return this.call(token.text, token.at);
    if (this.types.isWord(token.text) && !this.isKnown(token.text))
      throw syntaxError(`The type ${quoted(token.text)} stands in parentheses before a value`, token.at);
    return this.resolver.named(token.text, token.at);
  }

  /** A symbol or a variable can have the name of a type. */
  private isKnown(name: string): boolean {
    const { names } = this;
    return (
      (names.variables?.has(name) ?? false) || names.local?.(name) !== undefined || names.symbol(name) !== undefined
    );
  }

  private call(name: string, at: number): Operand {
    const { cursor } = this;
    if (isContainer(name)) throw syntaxError(`${quoted(`${name}(…)`)} stands alone: it is no value`, at);
    const space = SPACES.get(name);
    const compute = space === undefined ? this.functionNamed(name, at) : () => this.inSpace(space);
    if (!compute) throw syntaxError(`${quoted(name)} cannot be called: expressions run no guest code`, at);
    cursor.next++;
    const result = compute();
    cursor.expect(')', quoted(name));
    return result;
  }

  private functionNamed(name: string, at: number): (() => Operand) | undefined {
    switch (name) {
      case 'container_of':
        return () => this.containerOf(at);
      case 'offsetof':
        return () => {
          const type = this.type('`offsetof`');
          this.cursor.expect(',', '`offsetof`');
          return untyped(constant(this.offsetIn(type), U64));
        };
      case 'this_cpu':
        return () => this.perCpu(at, false);
      case 'per_cpu':
        return () => this.perCpu(at, true);
      default:
        return undefined;
    }
  }

  private inSpace(space: AddressSpace): Operand {
    const { at } = this.cursor.token;
    const of = valueOf(this.conditional(), at);
    // Through an integer: a pointer cast to a pointer would stay in its own space.
    return untyped({ kind: 'cast', type: pointer(U64, space), of: { kind: 'cast', type: U64, of } });
  }

  private type(after: string): Type {
    const { cursor } = this;
    if (!this.types.startsAt(0)) throw syntaxError(`${after} needs a type before ${cursor.found()}`, cursor.token.at);
    return this.types.parse();
  }

  private containerOf(at: number): Operand {
    const { cursor } = this;
    const part = this.conditional();
    cursor.expect(',', '`container_of`');
    const type = this.type('`container_of`');
    cursor.expect(',', '`container_of`');
    return containerOf(part, type, this.offsetIn(type), at);
  }

  /** Bytes from the start of a type to a member of it: `a.b[2].c` at the token at hand. */
  private offsetIn(type: Type): number {
    const { cursor } = this;
    const { at } = cursor.token;
    const first = cursor.acceptName();
    if (!first) throw syntaxError(`The name of a member is missing before ${cursor.found()}`, at);
    let found = this.resolver.members(inMemory(constant(0, U64), type), first.text.split('.'), at);
    for (;;) {
      if (cursor.accept('[')) {
        found = element(found, this.conditional(), at);
        cursor.expect(']', 'An index');
      } else if (cursor.accept('.')) {
        const name = cursor.acceptName();
        if (!name) throw syntaxError(`The name of a member is missing before ${cursor.found()}`, cursor.token.at);
        found = this.resolver.members(found, name.text.split('.'), name.at);
      } else break;
    }
    const offset = constantOf(addressOf(found, at));
    if (offset === undefined) throw typeError('This is no part of the structure itself', at);
    return Number(offset);
  }

  private perCpu(at: number, isNumbered: boolean): Operand {
    const { cursor } = this;
    const { token } = cursor;
    const isName = token.kind === 'name' && (cursor.isSign(')', 1) || cursor.isSign(',', 1));
    if (isName) cursor.next++;
    const of = isName ? undefined : this.conditional();
    if (isNumbered) cursor.expect(',', '`per_cpu`');
    const cpu = isNumbered ? valueOf(this.conditional(), at) : undefined;
    if (of) return perCpuTarget(of, this.names, token.at, cpu);
    const [name, ...path] = token.kind === 'name' ? token.text.split('.') : [''];
    const found = perCpuVariable(name!, this.names, token.at, cpu);
    if (!found) throw unknownName('variable', name!, token.at, this.names.nearest?.(name!));
    return this.resolver.members(found, path, token.at + name!.length + 1);
  }
}
