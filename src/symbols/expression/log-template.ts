/**
 * Messages of log points: text with expressions in braces, `rdi is {$rdi}`; `{{` and `}}` are braces. A format stands
 * behind a colon: `{$rdi:x}` hexadecimal, `{$rdi:d}` decimal, `{$rdi:s}` the NUL-ended string at that address, which is
 * also how arrays of characters and pointers to them are shown.
 */
import { UserError } from '../../common/errors';
import type { Expression, LogFormat, LogTemplate, Value } from './ast';
import { syntaxError, unreadable } from './errors';
import type { Scope } from './evaluate';
import { evaluate } from './evaluate';
import { formatValue } from './format';
import type { ExpressionNames } from './names';
import { parseExpression, parseTyped } from './parse';
import { isPointer } from './types';
import { elementOf, isCharacter } from './value-type';

const MAX_CHARACTERS = 4096;
/** Bytes of a string that are shown. */
const MAX_STRING = 256;
const PAGE = 4096n;

type Part = LogTemplate[number];

/** Parses a log message of at most 4096 characters. Throws a UserError for a brace or an expression that is wrong. */
export function parseLogTemplate(text: string, names: ExpressionNames): LogTemplate {
  if (text.length > MAX_CHARACTERS) throw syntaxError('A log message has at most 4096 characters', MAX_CHARACTERS);
  const parts: Part[] = [];
  let literal = '';
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    const isBrace = character === '{' || character === '}';
    if (isBrace && text[at + 1] !== character) {
      if (character === '}') throw syntaxError('A } has no { before it: write }} for a brace', at);
      const end = endOfExpression(text, at + 1);
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(parsePart(text.slice(at + 1, end), names));
      at = end + 1;
    } else {
      literal += character;
      at += isBrace ? 2 : 1;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/** A character or a string, in which a brace ends nothing. */
const LITERAL = /'(?:\\[^]|[^'\\])'|"(?:\\[^]|[^"\\])*"/y;

/** Index of the brace that closes an expression. */
function endOfExpression(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '}') return at;
    LITERAL.lastIndex = at;
    at += Math.max(0, (LITERAL.exec(text)?.[0].length ?? 0) - 1);
  }
  throw syntaxError('A { has no } behind it: write {{ for a brace', start - 1);
}

function parsePart(text: string, names: ExpressionNames): Part {
  const formatted = /^(.*):\s*([xds])\s*$/s.exec(text);
  if (formatted) {
    const expression = parsedOr(formatted[1]!, names);
    if (expression) return { expression, format: formatted[2] as LogFormat };
  }
  // A choice has a colon of its own, maybe with a symbol named `x` behind it.
  const expression = parseExpression(text, names);
  const element = elementOf(parseTyped(text, names).type);
  return element && isCharacter(element) ? { expression, format: 's' } : { expression };
}

function parsedOr(text: string, names: ExpressionNames): Expression | undefined {
  try {
    return parseExpression(text, names);
  } catch (error) {
    if (error instanceof UserError && error.code === 'expression/syntax') return undefined;
    throw error;
  }
}

/** The message with its values; an expression that has none shows why, in `<>`. */
export function renderLog(template: LogTemplate, scope: Scope): string {
  return template.map((part) => (typeof part === 'string' ? part : renderPart(part, scope))).join('');
}

function renderPart({ expression, format }: Exclude<Part, string>, scope: Scope): string {
  try {
    const value = evaluate(expression, scope);
    if (format === 's') return stringAt(value, scope);
    return format === 'd' ? String(value.value) : formatValue(value, { hex: format === 'x' });
  } catch (error) {
    if (error instanceof UserError) return `<${error.message.replace(/\.$/, '')}>`;
    throw error;
  }
}

/** Printable ASCII as it is, the rest as `\x1b`. */
function stringAt({ value, type }: Value, scope: Scope): string {
  const space = isPointer(type) ? type.space : 'linear';
  const start = BigInt.asUintN(64, value);
  let text = '';
  for (let done = 0; done < MAX_STRING;) {
    const address = BigInt.asUintN(64, start + BigInt(done));
    // Page by page: what follows the string may be unmapped.
    const length = Math.min(MAX_STRING - done, Number(PAGE - (address % PAGE)));
    const bytes = scope.read(space, address, length);
    if (bytes.length === 0) throw unreadable(space, address, 1);
    for (const byte of bytes) {
      if (byte === 0) return text;
      text += shown(byte);
    }
    done += bytes.length;
  }
  return `${text}…`;
}

const shown = (byte: number): string =>
  byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
