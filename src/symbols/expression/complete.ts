/** What can be typed next in an expression. */
import { memberCompletions, namesOfKind, tagCompletions } from './complete-types';
import { CONTAINERS } from './container-view';
import type { ExpressionNames } from './names';
import { TYPE_NAMES, TYPE_SPECIFIERS } from './types';

/** The names that completion offers. */
export interface CompletionNames {
  /** Symbols that begin with `prefix`, at most `limit`; case counts. */
  symbols(prefix: string, limit: number): readonly string[];
  /** Names of registers in lower case, in the order in which they are offered. */
  readonly registers: readonly string[];
  readonly constants?: readonly string[] | undefined;
  /** Variables of the event, and of the frame. */
  readonly variables?: readonly string[] | undefined;
  /** What expressions mean here, for the members and types of the program. */
  readonly typed?: ExpressionNames | undefined;
}

/** One thing that can be typed. */
export interface Completion {
  readonly label: string;
  readonly kind: 'register' | 'variable' | 'constant' | 'symbol' | 'type' | 'function' | 'command' | 'member';
  /** Index in the text of the first character that it replaces. */
  readonly start: number;
  /** Number of characters that it replaces, those up to the caret. */
  readonly length: number;
}

const MAX_COMPLETIONS = 100;
const PARTIAL_NAME = /(?:\$[\w.]*|[A-Za-z_][\w.$]*)$/;
const FUNCTIONS = [
  ...['guestPhysical', 'physical', 'linear', 'sizeof', 'offsetof', 'container_of', 'this_cpu', 'per_cpu'],
  ...Object.keys(CONTAINERS),
];
const TAGS = ['struct', 'union', 'enum'];
const TYPES = [...TYPE_NAMES.keys(), ...TYPE_SPECIFIERS];

/** Registers that begin with `partial` in any case; their fields (`cr0.pg`), which are many, once a dot is typed. */
export function registersFor(partial: string, registers: readonly string[]): string[] {
  return registers.filter(
    (name) => name.startsWith(partial.toLowerCase()) && (partial.includes('.') || !name.includes('.')),
  );
}

/**
 * Completions for the name that ends at `caret`: behind `.` and `->` members, behind `struct` tags; else variables of the
 * event and the frame, registers (with `$` if it was typed), constants, functions and types, then symbols; at most 100.
 * Nothing right behind a digit; without a name no symbols.
 */
export function completeExpression(text: string, caret: number, names: CompletionNames): Completion[] {
  const before = text.slice(0, caret);
  const partial = PARTIAL_NAME.exec(before)?.[0] ?? '';
  const start = before.length - partial.length;
  // The `x` of 0x10, the `abc` of 0xabc.
  if (/[\w']/.test(before.charAt(start - 1))) return [];
  const typed = typedCompletions(before, names);
  if (typed) return typed;
  const registers = registersFor(partial.replace('$', ''), names.registers);
  const offer = (kind: Completion['kind'], labels: readonly string[]): Completion[] =>
    labels.map((label) => ({ label, kind, start, length: partial.length }));
  if (partial.startsWith('$')) {
    return offer(
      'register',
      registers.map((name) => `$${name}`),
    ).slice(0, MAX_COMPLETIONS);
  }
  const matching = (labels: readonly string[]): string[] => labels.filter((label) => label.startsWith(partial));
  return [
    ...offer('variable', matching(names.variables ?? [])),
    ...offer('register', registers),
    ...(partial === ''
      ? []
      : [
          ...offer('constant', matching(names.constants ?? [])),
          ...offer('function', matching(FUNCTIONS)),
          ...offer('type', matching(TYPES)),
          ...offer('type', typedefs(partial, names)),
          ...offer('symbol', names.symbols(partial, MAX_COMPLETIONS)),
        ]),
  ].slice(0, MAX_COMPLETIONS);
}

/** Members and tags, where only those can stand. */
function typedCompletions(before: string, { typed }: CompletionNames): Completion[] | undefined {
  if (!typed) return undefined;
  const members = memberCompletions(before, typed);
  const found = members ?? (typed.types && tagCompletions(before, typed.types, MAX_COMPLETIONS));
  if (!found) return undefined;
  const kind = members ? 'member' : 'type';
  const start = before.length - found.length;
  return found.labels.slice(0, MAX_COMPLETIONS).map((label) => ({ label, kind, start, length: found.length }));
}

const typedefs = (prefix: string, { typed }: CompletionNames): string[] =>
  typed?.types
    ? [...TAGS.filter((tag) => tag.startsWith(prefix)), ...namesOfKind(prefix, 'typedef', typed.types, MAX_COMPLETIONS)]
    : [];
