/**
 * Tokens of an expression. Source: ISO/IEC 9899:2018 6.4.4 (constants), 6.4.6 (punctuators); `0b` and `'` between digits
 * are C23's, `_` between digits and `$` before registers are ours.
 *
 * NOT IMPLEMENTED: floating constants, characters outside ASCII.
 */
import { quoted, syntaxError } from './errors';

/** A token; `at` and `end` are indices into the text. */
export type Token = { readonly at: number; readonly end: number } & (
  | { readonly kind: 'number'; readonly value: bigint; readonly unsigned: boolean }
  /** A bare name. */
  | { readonly kind: 'name'; readonly text: string }
  /** A name behind `$`, without it. */
  | { readonly kind: 'register'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string }
  /** A string, without the NUL at its end. */
  | { readonly kind: 'string'; readonly bytes: readonly number[] }
  | { readonly kind: 'end' }
);

// A dot belongs to a name: compilers make `static_variable.3`, and registers have parts (`$cs.base`). The parser splits
// off the members. C++ and Rust have `::` in names.
const NAME = /\$?[A-Za-z_][\w.$]*(?:::[A-Za-z_][\w.$]*)*/y;
const NUMBER = /[0-9][\w']*/y;
const CHARACTER = /'(\\x[0-9a-fA-F]{1,2}|\\.|[^\\'])'/y;
const STRING = /"((?:\\x[0-9a-fA-F]{1,2}|\\[^]|[^"\\])*)"/y;
const STRING_PART = /\\x[0-9a-fA-F]{1,2}|\\[^]|[^]/g;
const SIGN = /->|<<|>>|<=|>=|==|!=|&&|\|\||[-+~!*&()[\]/%<>^|?:,.@]/y;
const SPACE = /\s*/y;
const ESCAPES: Readonly<Record<string, number>> = {
  '0': 0,
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** Splits a text into tokens, the last of them `end`. Throws a UserError for what is no token. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skip(text, 0); at < text.length; at = skip(text, tokens.at(-1)!.end)) tokens.push(tokenAt(text, at));
  tokens.push({ kind: 'end', at: text.length, end: text.length });
  return tokens;
}

function tokenAt(text: string, at: number): Token {
  const name = match(NAME, text, at);
  if (name?.startsWith('$')) return { kind: 'register', at, end: at + name.length, text: name.slice(1) };
  if (name !== undefined) return { kind: 'name', at, end: at + name.length, text: name };
  const digits = match(NUMBER, text, at);
  if (digits !== undefined) return { kind: 'number', at, end: at + digits.length, ...numberOf(digits, at) };
  const character = match(CHARACTER, text, at);
  if (character !== undefined) {
    return { kind: 'number', at, end: at + character.length, value: characterOf(character, at), unsigned: false };
  }
  const string = match(STRING, text, at);
  if (string !== undefined) return { kind: 'string', at, end: at + string.length, bytes: bytesOf(string, at) };
  const sign = match(SIGN, text, at);
  if (sign !== undefined) return { kind: 'sign', at, end: at + sign.length, text: sign };
  throw syntaxError(complaint(text, at), at);
}

function complaint(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  if (character === '=') return 'An expression does not assign: compare with ==';
  if (character === "'") return "A character stands between two ' and is one of ASCII, such as 'a' or '\\n'";
  if (character === '"') return 'A string has no " at its end';
  if (character === '$') return 'The name of a register comes right after $';
  return `The character ${quoted(character)} has no meaning here`;
}

const BASES: readonly (readonly [RegExp, string])[] = [
  [/^0[xX]([0-9a-fA-F]+)$/, '0x'],
  [/^0[bB]([01]+)$/, '0b'],
  [/^0([0-7]+)$/, '0o'],
  [/^(0|[1-9][0-9]*)$/, ''],
];

function numberOf(text: string, at: number): { value: bigint; unsigned: boolean } {
  const wrong = (): never => {
    throw syntaxError(`${quoted(text)} is not a number: write 26, 0x1a, 0b11010 or 032`, at);
  };
  const isHex = /^0[xX]/.test(text);
  const suffix = /(?:u?l{0,2}|l{1,2}u)$/i.exec(text)![0];
  const body = text.slice(0, text.length - suffix.length);
  // A separator stands between two digits, never at an end.
  if (/^[_']|[_']$|[_']{2}|^0[xXbB][_']/.test(body)) return wrong();
  const digits = body.replace(/[_']/g, '');
  for (const [form, prefix] of BASES) {
    const found = form.exec(digits)?.[1];
    if (found === undefined) continue;
    const value = BigInt(prefix + found);
    if (value >> 64n !== 0n) throw syntaxError(`${quoted(text)} does not fit in 64 bits`, at);
    // C 6.4.4.1: the first of the types that can hold it. The narrowest one here is s64.
    return { value, unsigned: /u/i.test(suffix) || value >> 63n !== 0n };
  }
  if (!isHex && /[a-f]/i.test(digits) && /^[0-9a-f]+$/i.test(digits)) {
    throw syntaxError(`${quoted(text)} is not a decimal number: hexadecimal ones begin with 0x`, at);
  }
  return wrong();
}

const characterOf = (text: string, at: number): bigint => codeOf(text.slice(1, -1), text, at);

const bytesOf = (text: string, at: number): number[] =>
  (text.slice(1, -1).match(STRING_PART) ?? []).map((part) => Number(BigInt.asUintN(8, codeOf(part, text, at))));

/** The character that `inner` writes; `text` is what a message quotes. */
function codeOf(inner: string, text: string, at: number): bigint {
  if (inner.startsWith('\\x')) return BigInt.asIntN(8, BigInt(`0x${inner.slice(2)}`));
  const code = inner.startsWith('\\') ? ESCAPES[inner.slice(1)] : inner.charCodeAt(0);
  if (code === undefined || code > 127)
    throw syntaxError(`${quoted(text)} is not ${text === `'${inner}'` ? 'a character' : 'a string'} of ASCII`, at);
  return BigInt(code);
}

function match(form: RegExp, text: string, at: number): string | undefined {
  form.lastIndex = at;
  return form.exec(text)?.[0];
}

const skip = (text: string, at: number): number => at + match(SPACE, text, at)!.length;
