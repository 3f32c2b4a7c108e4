/**
 * The debug console: a line is a command if its first word is one, else an expression. A line that is neither but looks
 * like a command mistyped is refused with the command that it may mean.
 */
import { UserError } from '../../common/errors';
import type { Completion } from '../../symbols/expression/complete';
import { nearest } from '../../symbols/expression/nearest';
import { expressionCompletions, wordCompletions } from './arguments';
import { BOARD_COMMANDS } from './board';
import { CODE_COMMANDS } from './code';
import type { Command, CommandLine, ConsoleContext } from './command';
import { unknownCommand } from './errors';
import { EXIT_COMMANDS } from './exits';
import { helpCommand } from './help';
import { MEMORY_COMMANDS } from './memory';
import { VALUE_COMMANDS } from './print';
import { REGISTER_COMMANDS } from './registers';
import { TRANSLATION_COMMANDS } from './translation';

const WORKING: readonly Command[] = [
  ...VALUE_COMMANDS,
  ...REGISTER_COMMANDS,
  ...MEMORY_COMMANDS,
  ...CODE_COMMANDS,
  ...TRANSLATION_COMMANDS,
  ...EXIT_COMMANDS,
  ...BOARD_COMMANDS,
];

/** All commands, in the order in which they are listed. */
export const COMMANDS: readonly Command[] = [...WORKING, helpCommand(WORKING)];

const BY_NAME: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((name) => [name, command])),
);

/** A word, an option behind a slash right after it, and the rest behind spaces. */
const LINE = /^\s*([a-z]+)(?:\/(\S*))?(?:\s+(.*?))?\s*$/is;

/**
 * Runs a line that begins with a command's name and gives its text; undefined for any other line, which is to be computed
 * as an expression. Rejects with a UserError where the command cannot, and for a line that is no expression but begins
 * with a word close to a command's name.
 */
export async function runConsoleCommand(text: string, context: ConsoleContext): Promise<string | undefined> {
  const [, word, option = '', rest = ''] = LINE.exec(text) ?? [];
  if (word === undefined) return undefined;
  const command = BY_NAME.get(word);
  if (command) {
    const line: CommandLine = { option, rest };
    return command.run(line, context);
  }
  const meant = nearestCommand(word);
  if (meant !== undefined && !isExpression(text, context)) throw unknownCommand(word, meant);
  return undefined;
}

/** What can be typed at `caret`: commands and expressions in the first word, then what the command takes. */
export async function completeConsole(
  text: string,
  caret: number,
  context: ConsoleContext,
): Promise<readonly Completion[]> {
  const before = text.slice(0, caret);
  const [head, word] = /^\s*([a-z]+)(?:\/\S*)?\s+/i.exec(before) ?? [];
  const command = word === undefined ? undefined : BY_NAME.get(word);
  if (command && head !== undefined) {
    const found = (await command.complete?.(text.slice(head.length), caret - head.length, context)) ?? [];
    return found.map((completion) => ({ ...completion, start: completion.start + head.length }));
  }
  const isFirstWord = /^\s*[a-z]*$/i.test(before);
  const names = isFirstWord
    ? wordCompletions(
        text,
        caret,
        [...COMMANDS].map(({ name }) => name),
      )
    : [];
  return [...names, ...expressionCompletions(text, caret, context)];
}

function isExpression(text: string, context: ConsoleContext): boolean {
  try {
    context.parse(text);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

const MIN_PREFIX = 2;
/** Every word of two letters is near a command of one or two. */
const MIN_NEAR = 3;

/** The command that a word may be: one that it begins, else one that differs in a letter or two. */
function nearestCommand(word: string): string | undefined {
  const typed = word.toLowerCase();
  const names = [...BY_NAME.keys()];
  const begun = names.find((name) => typed.length >= MIN_PREFIX && name.startsWith(typed));
  if (begun !== undefined) return begun;
  return nearest(
    typed,
    names.filter((name) => name.length >= MIN_NEAR),
  );
}
