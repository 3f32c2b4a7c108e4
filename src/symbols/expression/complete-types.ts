/** Completion of what types tell: members behind `.` and `->`, names of types. */
import { UserError } from '../../common/errors';
import { namedMembers } from '../types/members';
import { completed, isAggregate } from '../types/plain';
import type { NamedKind, TypeSource } from '../types/type';
import type { ExpressionNames } from './names';
import { parseTyped } from './parse';
import { elementOf } from './value-type';

const MEMBER = /(?:->|\.)\s*([A-Za-z_]\w*)?$/;
const TAG = /\b(struct|union|class|enum)\s+([A-Za-z_]\w*)?$/;
const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[' };
/** Tags are looked for among the names of every kind. */
const MAX_LOOKED_AT = 2000;

/** What can follow, and how many characters before the caret belong to it. */
export interface TypedCompletions {
  readonly labels: readonly string[];
  readonly length: number;
}

/** Members of what stands before the last `.` or `->`; undefined if there is none of these, or it has no members. */
export function memberCompletions(before: string, names: ExpressionNames): TypedCompletions | undefined {
  const match = MEMBER.exec(before);
  if (!match) return undefined;
  const [, partial = ''] = match;
  const end = match.index;
  const base = before.slice(startOfOperand(before, end), end);
  if (base.trim() === '') return undefined;
  try {
    const { type } = parseTyped(base, names);
    const aggregate = type && completed(elementOf(type) ?? type, names.types);
    if (!aggregate || !isAggregate(aggregate)) return undefined;
    const labels = [...namedMembers(aggregate)].map(({ name }) => name).filter((name) => name.startsWith(partial));
    return { labels, length: partial.length };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Tags behind `struct`, `union`, `class` or `enum`; undefined elsewhere. */
export function tagCompletions(before: string, types: TypeSource, limit: number): TypedCompletions | undefined {
  const match = TAG.exec(before);
  if (!match) return undefined;
  const [, kind, partial = ''] = match;
  return { labels: namesOfKind(partial, kind as NamedKind, types, limit), length: partial.length };
}

/** Names of types of a kind. */
export function namesOfKind(prefix: string, kind: NamedKind, types: TypeSource, limit: number): string[] {
  const names = types.typeNames(prefix, MAX_LOOKED_AT);
  const found: string[] = [];
  for (const name of names) {
    if (found.length >= limit) break;
    if (types.typeNamed(kind, name)) found.push(name);
  }
  return found;
}

/** Where the postfix expression begins that ends at `end`: names, members, indices, and parentheses with what they hold. */
function startOfOperand(text: string, end: number): number {
  let at = skipSpaces(text, end);
  for (;;) {
    const character = text.charAt(at - 1);
    const opening = CLOSING[character];
    if (opening !== undefined) {
      const start = openingOf(text, at - 1, character, opening);
      if (start < 0) return end;
      at = start;
      // What is before an index is indexed; before a parenthesis there may be a function's name.
      if (character === ']') {
        at = skipSpaces(text, at);
        continue;
      }
      return startOfName(text, at);
    }
    const start = startOfName(text, at);
    if (start === at) return end;
    const before = skipSpaces(text, start);
    const length = operatorBefore(text, before);
    if (length === 0) return start;
    at = skipSpaces(text, before - length);
  }
}

/** Characters of the `.` or `->` that ends at `end`. */
function operatorBefore(text: string, end: number): number {
  if (text.charAt(end - 1) === '.') return 1;
  return text.slice(0, end).endsWith('->') ? 2 : 0;
}

function openingOf(text: string, at: number, close: string, open: string): number {
  let depth = 0;
  for (let index = at; index >= 0; index--) {
    if (text[index] === close) depth++;
    else if (text[index] === open && --depth === 0) return index;
  }
  return -1;
}

function startOfName(text: string, end: number): number {
  let at = end;
  while (at > 0 && /[\w$.]/.test(text.charAt(at - 1))) at--;
  return at;
}

function skipSpaces(text: string, end: number): number {
  let at = end;
  while (at > 0 && /\s/.test(text.charAt(at - 1))) at--;
  return at;
}
