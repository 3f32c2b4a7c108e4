/** What a command of the debug console is, and what it is given. */
import type { Decoder } from '../../isa/decode';
import type { Expression, Value } from '../../symbols/expression/ast';
import type { Completion } from '../../symbols/expression/complete';
import type { ExpressionNames, NamedPlace } from '../../symbols/expression/names';
import type { Target } from '../../targets/target';
import type { ValueFormat } from '../values/reader';

/** The guest's symbols and the registers, as the session knows them. */
export interface ConsoleNames {
  /** A symbol by its full name. */
  symbol(name: string): NamedPlace | undefined;
  /** The symbol that a linear address lies in: `name` or `name+0x10`. */
  symbolAt(linear: bigint): string | undefined;
  /** The source line of a linear address: `main.c:42`. */
  lineAt(linear: bigint): string | undefined;
  /** Symbols that begin with `prefix`, at most `limit`. */
  symbols(prefix: string, limit: number): readonly string[];
  /** Names that expressions can use for registers, in lower case. */
  readonly registers: readonly string[];
  /** What expressions mean in the frame at hand: its variables, the types of the programs. */
  readonly typed?: ExpressionNames | undefined;
  /** Names of the frame's variables. */
  readonly locals?: readonly string[] | undefined;
}

/** What commands work on: a target at rest, one of its vCPUs, and the session's way with expressions. */
export interface ConsoleContext {
  readonly target: Target;
  readonly thread: number;
  readonly names: ConsoleNames;
  readonly decoder: Decoder;
  /** Parses an expression. Throws a UserError. */
  parse(text: string): Expression;
  /** Computes an expression as it is typed. Rejects with a UserError. */
  evaluate(text: string): Promise<Value>;
  /** The value of an expression as text, by its type. */
  show(text: string, format: ValueFormat): Promise<string>;
  /** Writes what a text says to the place that an expression names and tells whoever shows it; gives what is there then. */
  set(place: string, value: string): Promise<string>;
}

/** A line that was typed, cut up. */
export interface CommandLine {
  /** What stands behind a slash right after the command's name: the `4xg` of `x/4xg`; empty if nothing does. */
  readonly option: string;
  /** The rest, without spaces at its ends. */
  readonly rest: string;
}

/** In what order `help` lists commands. */
export const TOPICS = ['Values', 'Memory and code', 'Virtualization', 'Machine', 'Console'] as const;

/** One command. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly topic: (typeof TOPICS)[number];
  /** The name with its arguments, optional ones in brackets. */
  readonly usage: string;
  /** A phrase for the list. */
  readonly summary: string;
  /** Lines for `help NAME`: what it does, and examples. */
  readonly help: readonly string[];
  /** What can be typed at `caret` in the arguments `text`; indices are those of `text`. Nothing if absent. */
  complete?(
    text: string,
    caret: number,
    context: ConsoleContext,
  ): readonly Completion[] | Promise<readonly Completion[]>;
  /** Gives the text to show, without a line end. Rejects with a UserError. */
  run(line: CommandLine, context: ConsoleContext): Promise<string>;
}
