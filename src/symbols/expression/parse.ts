/**
 * From a text to an expression: C's operators with C's precedence over 64-bit integers, casts to integers and pointers,
 * registers, symbols, and pointers into the guest-physical and the physical space. Source: ISO/IEC 9899:2018 6.5.
 *
 * A symbol with the size of an integer is that variable, unsigned. Ours, not C's: any other symbol is its address, and
 * `symbol + n` counts bytes, as `symbol+0x10` does in every listing; an integer that is dereferenced or indexed is taken
 * for a pointer to u64; `x in (1, 2)`;
 * `linear(x)`, `guestPhysical(x)`, `physical(x)` make an integer a pointer to u64 in that space.
 *
 * NOT IMPLEMENTED: assignment, `++`, `--`, the comma operator, members, `sizeof` of a value.
 */
import type { AddressSpace } from '../../protocol/address';
import type { BinaryOperator, Expression, UnaryOperator, ValueType } from './ast';
import { quoted, syntaxError, unknownName } from './errors';
import type { ExpressionNames, NamedPlace } from './names';
import type { Token } from './tokens';
import { tokenize } from './tokens';
import { pointerOf } from './pointer-of';
import { pointer, S64, sizeOf, TYPE_NAMES, TYPE_SPECIFIERS, typeOfSpecifiers, U64, U8, unsignedOf } from './types';

const MAX_CHARACTERS = 4096;
const MAX_NESTING = 100;
/** A chain of operators is a tree as deep as it is long, and the walkers of trees are recursive. */
const MAX_TOKENS = 1000;

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
];

const UNARY: ReadonlySet<string> = new Set<UnaryOperator>(['-', '+', '~', '!']);
const QUALIFIERS: ReadonlySet<string> = new Set(['const', 'volatile']);
const SPACES: ReadonlyMap<string, AddressSpace> = new Map([
  ['linear', 'linear'],
  ['guestPhysical', 'guestPhysical'],
  ['physical', 'physical'],
]);

/**
 * Parses an expression of at most 4096 characters, 1000 tokens and 100 nested operands, and looks its names up: a name behind `$` is a
 * register; a bare one is the event's variable, else a constant, else a symbol, else a register. Throws a UserError
 * (`expression/syntax`, `expression/name`) that names the column.
 */
export function parseExpression(text: string, names: ExpressionNames): Expression {
  if (text.length > MAX_CHARACTERS) throw syntaxError('An expression has at most 4096 characters', MAX_CHARACTERS);
  const tokens = tokenize(text);
  const tooMany = tokens[MAX_TOKENS];
  if (tooMany) throw syntaxError(`An expression has fewer than ${MAX_TOKENS} words and signs`, tooMany.at);
  return new Parser(tokens, names).whole();
}

class Parser {
  private next = 0;
  private nesting = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly names: ExpressionNames,
  ) {}

  whole(): Expression {
    const expression = this.conditional();
    if (this.token.kind !== 'end') throw syntaxError(`An operator is missing before ${this.found()}`, this.token.at);
    return expression;
  }

  private get token(): Token {
    return this.tokens[this.next]!;
  }

  /** The token at hand for a message. */
  private found(): string {
    const { token } = this;
    if (token.kind === 'end') return 'the end';
    if (token.kind === 'number') return `the number ${token.value}`;
    return quoted(token.kind === 'register' ? `$${token.text}` : token.text);
  }

  private isSign(text: string, ahead = 0): boolean {
    const token = this.tokens[this.next + ahead];
    return token?.kind === 'sign' && token.text === text;
  }

  private accept(sign: string): boolean {
    const met = this.isSign(sign);
    if (met) this.next++;
    return met;
  }

  private expect(sign: string, after: string): void {
    if (!this.accept(sign)) throw syntaxError(`${after} needs a ${quoted(sign)} before ${this.found()}`, this.token.at);
  }

  private conditional(): Expression {
    const test = this.binary(0);
    if (!this.accept('?')) return test;
    const yes = this.conditional();
    this.expect(':', 'A choice with ?');
    return { kind: 'choose', test, yes, no: this.conditional() };
  }

  private binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const { token } = this;
      if (token.kind !== 'sign' && token.kind !== 'name') return left;
      if (!operators.includes(token.text)) return left;
      this.next++;
      if (token.text === 'in') left = { kind: 'in', of: left, among: this.list() };
      else left = join(token.text as BinaryOperator, left, this.binary(level + 1));
    }
  }

  /** `(1, 2, 3)`. */
  private list(): Expression[] {
    this.expect('(', '`in`');
    const among = [this.conditional()];
    while (this.accept(',')) among.push(this.conditional());
    this.expect(')', 'The list after `in`');
    return among;
  }

  /** An operand with its prefixes. Whatever nests comes through here. */
  private unary(): Expression {
    if (++this.nesting > MAX_NESTING) throw syntaxError('The expression is nested too deeply', this.token.at);
    const operand = this.prefixed();
    this.nesting--;
    return operand;
  }

  private prefixed(): Expression {
    const { token } = this;
    if (token.kind === 'sign' && UNARY.has(token.text)) {
      this.next++;
      return { kind: 'unary', operator: token.text as UnaryOperator, of: this.unary() };
    }
    if (this.accept('*')) return { kind: 'dereference', of: this.unary() };
    if (this.accept('&')) return addressOf(this.unary(), token.at);
    if (this.isSign('(') && this.startsType(1)) {
      this.next++;
      const type = this.type();
      this.expect(')', 'A cast');
      return { kind: 'cast', type, of: this.unary() };
    }
    return this.postfix();
  }

  private postfix(): Expression {
    let base = this.primary();
    while (this.accept('[')) {
      const index = this.conditional();
      this.expect(']', 'An index');
      const left: Expression = pointerOf(base) ? base : { kind: 'cast', type: pointer(U64, 'linear'), of: base };
      base = { kind: 'dereference', of: { kind: 'binary', operator: '+', left, right: index } };
    }
    return base;
  }

  private primary(): Expression {
    const { token } = this;
    if (this.accept('(')) {
      const inner = this.conditional();
      this.expect(')', `The ( in column ${token.at + 1}`);
      return inner;
    }
    if (token.kind === 'end' || token.kind === 'sign') {
      throw syntaxError(`A value is missing before ${this.found()}`, token.at);
    }
    this.next++;
    if (token.kind === 'number') return { kind: 'constant', value: token.value, type: token.unsigned ? U64 : S64 };
    if (token.kind === 'register') return this.register(token.text, token.at);
    return this.isSign('(') ? this.call(token.text, token.at) : this.named(token.text, token.at);
  }

  private register(written: string, at: number): Expression {
    const name = written.toLowerCase();
    if (this.names.register(name)) return { kind: 'register', name };
    throw unknownName('register', `$${written}`, at, this.names.nearest?.(`$${written}`));
  }

  private call(name: string, at: number): Expression {
    if (name === 'sizeof') {
      this.next++;
      if (!this.startsType(0)) throw syntaxError('`sizeof` takes a type, such as u32', this.token.at);
      const type = this.type();
      this.expect(')', '`sizeof`');
      return { kind: 'constant', value: BigInt(sizeOf(type)), type: U64 };
    }
    const space = SPACES.get(name);
    if (space === undefined) throw syntaxError(`${quoted(name)} cannot be called: expressions run no guest code`, at);
    this.next++;
    const of = this.conditional();
    this.expect(')', quoted(name));
    // Through an integer: a pointer cast to a pointer would stay in its own space.
    return { kind: 'cast', type: pointer(U64, space), of: { kind: 'cast', type: U64, of } };
  }

  private named(name: string, at: number): Expression {
    if (this.names.variables?.has(name)) return { kind: 'variable', name };
    const constant = this.names.constant?.(name);
    if (constant !== undefined) return { kind: 'constant', value: constant, type: S64, symbol: name };
    const symbol = this.names.symbol(name);
    if (symbol) return placeOfSymbol(name, symbol);
    if (this.names.register(name.toLowerCase())) return { kind: 'register', name: name.toLowerCase() };
    if (isTypeWord(name)) throw syntaxError(`The type ${quoted(name)} stands in parentheses before a value`, at);
    throw unknownName('symbol, register or variable', name, at, this.names.nearest?.(name));
  }

  private startsType(ahead: number): boolean {
    const token = this.tokens[this.next + ahead];
    return token?.kind === 'name' && isTypeWord(token.text);
  }

  /** A type at the token at hand, with its stars. */
  private type(): ValueType {
    const { at } = this.token;
    const words: string[] = [];
    for (; this.startsType(0); this.next++) {
      const { token } = this;
      if (token.kind === 'name' && !QUALIFIERS.has(token.text)) words.push(token.text);
    }
    const base = this.baseType(words);
    if (!base)
      throw syntaxError(`${quoted(words.join(' '))} is not a type: write u8 to u64, s8 to s64 or C's names`, at);
    let type: ValueType = base;
    for (let depth = 0; this.accept('*'); depth++) {
      if (depth >= MAX_NESTING) throw syntaxError('The type is nested too deeply', this.token.at);
      type = pointer(type, 'linear');
      while (this.token.kind === 'name' && QUALIFIERS.has(this.token.text)) this.next++;
    }
    return type;
  }

  private baseType(words: readonly string[]): ValueType | undefined {
    if (words.length === 1) {
      const named = TYPE_NAMES.get(words[0]!);
      if (named) return named;
      // What void* points to counts in bytes, as in GNU C; void itself has no value.
      if (words[0] === 'void') return this.isSign('*') ? U8 : undefined;
    }
    return words.length > 0 && words.every((word) => TYPE_SPECIFIERS.has(word)) ? typeOfSpecifiers(words) : undefined;
  }
}

const isTypeWord = (name: string): boolean =>
  TYPE_NAMES.has(name) || TYPE_SPECIFIERS.has(name) || QUALIFIERS.has(name) || name === 'void';

/** The variable that a symbol names, if it has the size of an integer, as in C; else its address. */
function placeOfSymbol(symbol: string, { address, size }: NamedPlace): Expression {
  const isInteger = size === 1 || size === 2 || size === 4 || size === 8;
  const type = pointer(isInteger ? unsignedOf(size * 8) : U64, 'linear');
  const of: Expression = { kind: 'constant', value: BigInt.asUintN(64, address), type, symbol };
  return isInteger ? { kind: 'dereference', of } : of;
}

function join(operator: BinaryOperator, left: Expression, right: Expression): Expression {
  const isSum = operator === '+' || operator === '-';
  return isSum
    ? { kind: 'binary', operator, left: inBytes(left), right: inBytes(right) }
    : { kind: 'binary', operator, left, right };
}

/** A bare symbol as a number of bytes: `symbol + 8`. */
const inBytes = (of: Expression): Expression =>
  of.kind === 'constant' && of.symbol !== undefined && 'to' in of.type ? { ...of, type: U64 } : of;

function addressOf(of: Expression, at: number): Expression {
  // A symbol is its address already.
  if (of.kind === 'constant' && of.symbol !== undefined && 'to' in of.type) return of;
  if (of.kind !== 'dereference') throw syntaxError('Only what lies in memory has an address for &', at);
  return { kind: 'addressOf', of };
}
