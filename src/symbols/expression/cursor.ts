/** The tokens of an expression in order, with what is said of those that are not expected. */
import { quoted, syntaxError } from './errors';
import type { Token } from './tokens';
import { tokenize } from './tokens';

const MAX_CHARACTERS = 4096;
/** A chain of operators is a tree as deep as it is long, and the walkers of trees are recursive. */
const MAX_TOKENS = 1000;

/** A place in a list of tokens, whose last one is the end. */
export class Cursor {
  /** Index of the token at hand. */
  next = 0;
  private readonly tokens: readonly Token[];

  /** Throws a UserError for what is no token, and for more than 4096 characters or 999 tokens. */
  constructor(text: string) {
    if (text.length > MAX_CHARACTERS) throw syntaxError('An expression has at most 4096 characters', MAX_CHARACTERS);
    this.tokens = tokenize(text);
    const tooMany = this.tokens[MAX_TOKENS];
    if (tooMany) throw syntaxError(`An expression has fewer than ${MAX_TOKENS} words and signs`, tooMany.at);
  }

  /** The token at hand. */
  get token(): Token {
    return this.tokens[this.next]!;
  }

  /** A token further on; undefined behind the end. */
  ahead(by: number): Token | undefined {
    return this.tokens[this.next + by];
  }

  /** The tokens from `start` up to the one at hand. */
  since(start: number): readonly Token[] {
    return this.tokens.slice(start, this.next);
  }

  /** The token at hand for a message. */
  found(): string {
    const { token } = this;
    if (token.kind === 'end') return 'the end';
    if (token.kind === 'number') return `the number ${token.value}`;
    if (token.kind === 'string') return 'a string';
    return quoted(token.kind === 'register' ? `$${token.text}` : token.text);
  }

  isSign(text: string, ahead = 0): boolean {
    const token = this.ahead(ahead);
    return token?.kind === 'sign' && token.text === text;
  }

  /** Moves past a sign if it is the one at hand. */
  accept(sign: string): boolean {
    const met = this.isSign(sign);
    if (met) this.next++;
    return met;
  }

  /** Moves past a sign, or throws a UserError that says what needs it. */
  expect(sign: string, after: string): void {
    if (!this.accept(sign)) throw syntaxError(`${after} needs a ${quoted(sign)} before ${this.found()}`, this.token.at);
  }

  /** Moves past a name and gives it; undefined if none is at hand. */
  acceptName(): { readonly text: string; readonly at: number } | undefined {
    const { token } = this;
    if (token.kind !== 'name') return undefined;
    this.next++;
    return token;
  }
}
