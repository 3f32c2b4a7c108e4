/**
 * How a function breakpoint names its functions: `schedule`, `/^tcp_v4_/` for all that match a regular expression, and
 * `nfs!open` or `nfs!/^open/` in one program of several only.
 */
import { UserError } from '../../common/errors';

/** What a function's name may be. */
export interface FunctionName {
  /** Of the program that is meant, with or without its ending; any if undefined. */
  readonly program?: string | undefined;
  readonly pattern: string | RegExp;
}

const PROGRAM = /^([^!/]+)!(.+)$/s;
const EXPRESSION = /^\/(.+)\/$/s;
const MAX_CHARACTERS = 200;
const MOST_REPETITIONS = 4;
/** References back, looking around, and repeated groups: what can make a match take for ever. */
const ENDLESS = /\\[1-9k]|\(\?[=!<]|\)[*+{?]/;

/** Reads a function's name as a user writes it. Throws a UserError for a regular expression that is none, or a slow one. */
export function parseFunctionName(text: string): FunctionName {
  const [, program, inProgram] = PROGRAM.exec(text.trim()) ?? [];
  const name = inProgram ?? text.trim();
  const expression = EXPRESSION.exec(name)?.[1];
  return { program, pattern: expression === undefined ? name : compiled(expression) };
}

function compiled(expression: string): RegExp {
  const repetitions = expression.match(/[*+{]/g)?.length ?? 0;
  if (expression.length > MAX_CHARACTERS || repetitions > MOST_REPETITIONS || ENDLESS.test(expression)) {
    throw bad(expression, `use at most ${MOST_REPETITIONS} repetitions, none of a group`);
  }
  try {
    return new RegExp(expression, 'u');
  } catch {
    throw bad(expression, 'check its brackets and backslashes');
  }
}

const bad = (expression: string, advice: string): UserError =>
  new UserError(
    'breakpoint/expression',
    `/${expression.slice(0, MAX_CHARACTERS)}/ is not a regular expression that can be searched for: ${advice}.`,
  );
