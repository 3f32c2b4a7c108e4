/** What can be typed next in an expression. */
import { TYPE_NAMES, TYPE_SPECIFIERS } from './types';

/** The names that completion offers. */
export interface CompletionNames {
  /** Symbols that begin with `prefix`, at most `limit`; case counts. */
  symbols(prefix: string, limit: number): readonly string[];
  /** Names of registers in lower case, in the order in which they are offered. */
  readonly registers: readonly string[];
  readonly constants?: readonly string[] | undefined;
  readonly variables?: readonly string[] | undefined;
}

/** One thing that can be typed. */
export interface Completion {
  readonly label: string;
  readonly kind: 'register' | 'variable' | 'constant' | 'symbol' | 'type' | 'function' | 'command';
  /** Index in the text of the first character that it replaces. */
  readonly start: number;
  /** Number of characters that it replaces, those up to the caret. */
  readonly length: number;
}

const MAX_COMPLETIONS = 100;
const PARTIAL_NAME = /(?:\$[\w.]*|[A-Za-z_][\w.$]*)$/;
const FUNCTIONS = ['guestPhysical', 'physical', 'linear', 'sizeof'];
const TYPES = [...TYPE_NAMES.keys(), ...TYPE_SPECIFIERS];

/** Registers that begin with `partial` in any case; their fields (`cr0.pg`), which are many, once a dot is typed. */
export function registersFor(partial: string, registers: readonly string[]): string[] {
  return registers.filter(
    (name) => name.startsWith(partial.toLowerCase()) && (partial.includes('.') || !name.includes('.')),
  );
}

/**
 * Completions for the name that ends at `caret`: variables of the event, registers (with `$` if it was typed), constants,
 * functions and types, then symbols; at most 100. Nothing right behind a digit; without a name no symbols.
 */
export function completeExpression(text: string, caret: number, names: CompletionNames): Completion[] {
  const before = text.slice(0, caret);
  const partial = PARTIAL_NAME.exec(before)?.[0] ?? '';
  const start = before.length - partial.length;
  // The `x` of 0x10, the `abc` of 0xabc.
  if (/[\w']/.test(before.charAt(start - 1))) return [];
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
          ...offer('symbol', names.symbols(partial, MAX_COMPLETIONS)),
        ]),
  ].slice(0, MAX_COMPLETIONS);
}
