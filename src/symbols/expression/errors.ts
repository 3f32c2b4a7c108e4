/** What can be wrong with an expression: every sentence said about one. Columns count from 1. */
import { UserError } from '../../common/errors';

const MAX_QUOTED = 60;

/** A piece of the user's text, short enough for a sentence. */
export const quoted = (text: string): string =>
  `\`${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}\``;

/** The text does not read as an expression; `column` is an index from 0. */
export const syntaxError = (what: string, column: number): UserError =>
  new UserError('expression/syntax', `${what} (column ${column + 1}).`);

/** A name that nothing has; `nearest` is one that exists. */
export const unknownName = (kind: string, name: string, column: number, nearest: string | undefined): UserError =>
  new UserError(
    'expression/name',
    `There is no ${kind} ${quoted(name)} (column ${column + 1})${nearest === undefined ? '.' : `: did you mean ${quoted(nearest)}?`}`,
  );

/** An operator meets a type that it has no meaning for; `column` is an index from 0. */
export const typeError = (what: string, column: number): UserError =>
  new UserError('expression/type', `${what} (column ${column + 1}).`);

/** Names of a structure's members in a sentence. */
const MAX_NAMES = 5;

/** A member that a structure does not have; `near` is one that it has and that resembles it, `names` all. */
export function unknownMember(
  type: string,
  name: string,
  column: number,
  near: string | undefined,
  names: readonly string[],
): UserError {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  const hint =
    near !== undefined
      ? `: did you mean ${quoted(near)}?`
      : names.length === 0
        ? '.'
        : `: it has ${shown}${names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''}.`;
  return new UserError(
    'expression/member',
    `${quoted(type)} has no member ${quoted(name)} (column ${column + 1})${hint}`,
  );
}

/** The text is a value, but it cannot be computed as things are. */
export const cannotCompute = (sentence: string): UserError => new UserError('expression/value', sentence);

/** Memory that is not there. */
export const unreadable = (space: string, address: bigint, length: number): UserError =>
  cannotCompute(
    `The ${length === 1 ? 'byte' : `${length} bytes`} at ${space === 'linear' ? '' : `${space} `}0x${address.toString(16)} cannot be read: nothing is mapped there.`,
  );

/** A hit condition that does not read as one. */
export const badHitCondition = (text: string): UserError =>
  new UserError(
    'expression/hits',
    `${quoted(text)} is not a hit condition: write a count such as 5 (only the fifth time), >= 3, or % 10 (every tenth time).`,
  );
