/** Arguments of commands: addresses in any space, counts, words, and their completion. */
import { UserError } from '../../common/errors';
import type { AddressSpace } from '../../protocol/address';
import type { Value } from '../../symbols/expression/ast';
import { completeExpression, type Completion } from '../../symbols/expression/complete';
import { isPointer } from '../../symbols/expression/types';
import { parseMemoryReference } from '../memory-reference';
import type { ConsoleContext } from './command';
import { badCount } from './errors';

/** A place in one of the three spaces. */
export interface PlaceArgument {
  readonly space: AddressSpace;
  /** Below 2^64. */
  readonly address: bigint;
}

const MAX_COMPLETIONS = 100;
const REFERENCE = /^(?:guestPhysical|physical):0x[0-9a-f]{1,16}$/i;

/** A place: an expression, whose pointers say their space, or `physical:0x…`, `guestPhysical:0x…`. */
export async function placeArgument(text: string, context: ConsoleContext): Promise<PlaceArgument> {
  if (REFERENCE.test(text)) return parseMemoryReference(text);
  return placeOfValue(await context.evaluate(text));
}

/** The place that a value points to; an integer is a linear address. */
export function placeOfValue({ value, type }: Value): PlaceArgument {
  return { space: isPointer(type) ? type.space : 'linear', address: BigInt.asUintN(64, value) };
}

/**
 * Splits `EXPRESSION [COUNT]`. Two values side by side are never an expression: a number at the end is the count if the
 * whole does not parse and the rest does.
 */
export function splitCount(text: string, context: ConsoleContext): { readonly head: string; readonly count?: string } {
  const split = /^(.*\S)\s+(0x[0-9a-f]+|[0-9]+)$/is.exec(text);
  if (!split || parses(text, context)) return { head: text };
  const [, head, count] = split;
  return parses(head!, context) || REFERENCE.test(head!) ? { head: head!, count: count! } : { head: text };
}

function parses(text: string, context: ConsoleContext): boolean {
  try {
    context.parse(text);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** A count from 1 to `most`, decimal or hexadecimal. Throws a UserError. */
export function countArgument(text: string, most: number): number {
  const count = /^(?:0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : 0;
  if (count < 1 || count > most) throw badCount(text, most);
  return count;
}

/** Splits the last word off if it is one of `words`. */
export function splitLastWord<T extends string>(text: string, words: readonly T[]): { head: string; word?: T } {
  const [, head, last] = /^(.*\S)\s+(\S+)$/s.exec(text) ?? [];
  const word = words.find((one) => one === last?.toLowerCase());
  // Alone it is what the command is about: a symbol may be called `write`.
  return word === undefined || head === undefined ? { head: text } : { head, word };
}

/** Completes an expression. */
export function expressionCompletions(text: string, caret: number, { names }: ConsoleContext): Completion[] {
  return completeExpression(text, caret, {
    symbols: (...args) => names.symbols(...args),
    registers: names.registers,
    variables: names.locals,
    typed: names.typed,
  });
}

/** Completes the word at the caret, case aside, from a list of single words. */
export function wordCompletions(text: string, caret: number, words: readonly string[]): Completion[] {
  const partial = /\S*$/.exec(text.slice(0, caret))![0];
  return words
    .filter((word) => word.toLowerCase().startsWith(partial.toLowerCase()))
    .slice(0, MAX_COMPLETIONS)
    .map((label) => ({ label, kind: 'command', start: caret - partial.length, length: partial.length }));
}

/** Completes the whole argument, which may have spaces, from a list of names. */
export function phraseCompletions(text: string, caret: number, names: readonly string[]): Completion[] {
  const partial = text.slice(0, caret).trimStart();
  return names
    .filter((name) => name.toLowerCase().startsWith(partial.toLowerCase()))
    .map((label) => ({ label, kind: 'command', start: caret - partial.length, length: partial.length }));
}

/** A name without its case, spaces and signs, so that `ept_violation` finds `EPT violation`. */
export const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
