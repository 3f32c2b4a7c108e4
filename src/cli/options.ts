/**
 * The command line's grammar: `--name value`, `--name=value`, flags. One table per command feeds the parser and the help
 * text; whatever is not in it is refused, with the nearest name as a suggestion.
 */
import { UserError } from '../common/errors';

/** One option of a command. */
export interface Option {
  /** Names without dashes; the first one is shown and is the key of its value. */
  readonly names: readonly [string, ...string[]];
  /** What the value is, for the help (`FILE`); a flag has none. */
  readonly value?: string;
  /** The values that are allowed; any text if left out. */
  readonly oneOf?: readonly string[];
  readonly help: string;
  /** Shown under "Testing". */
  readonly testing?: boolean;
}

/** Values by the option's first name; a flag's is `true`. */
export type Values = ReadonlyMap<string, string | true>;

const usage = (code: string, sentence: string): UserError => new UserError(`usage/${code}`, sentence);

/** Reads `args` by `options`. Throws UserErrors (`usage/...`) for everything that is not in the table, and for doubles. */
export function parseOptions(command: string, options: readonly Option[], args: readonly string[]): Values {
  const byName = new Map(options.flatMap((option) => option.names.map((name) => [name, option] as const)));
  const values = new Map<string, string | true>();
  for (let index = 0; index < args.length; index++) {
    const [name, inline] = split(args[index]!);
    if (name === undefined)
      throw usage('argument', `"${args[index]}" is not an option: \`vmxray ${command} --help\` lists them.`);
    const option = byName.get(name);
    if (!option) throw unknown(`option --${name}`, '--', name, [...byName.keys()], `vmxray ${command} --help`);
    const key = option.names[0];
    if (values.has(key)) throw usage('twice', `--${key} is given twice: leave one out.`);
    if (option.value === undefined) {
      if (inline !== undefined) throw usage('no-value', `--${name} takes no value: leave "=${inline}" out.`);
      values.set(key, true);
      continue;
    }
    const value = inline ?? args[++index];
    if (value === undefined || (inline === undefined && byName.has(split(value)[0] ?? '')))
      throw usage('value', `--${name} wants a value: --${name} ${option.value}.`);
    if (option.oneOf && !option.oneOf.includes(value))
      throw usage('choice', `--${name} is one of ${option.oneOf.join(', ')}, not "${value}".`);
    values.set(key, value);
  }
  return values;
}

/** The refusal of a word that is not known, with the nearest one that is. */
export function unknown(
  what: string,
  dashes: string,
  given: string,
  known: readonly string[],
  help: string,
): UserError {
  const near = nearest(given, known);
  const remedy = near === undefined ? `\`${help}\` lists what there is` : `did you mean ${dashes}${near}?`;
  return usage('unknown', `There is no ${what}: ${remedy}${near === undefined ? '.' : ''}`);
}

/** The options as lines of help. */
export function describeOptions(options: readonly Option[]): string {
  const left = (option: Option): string =>
    option.names.map((name) => `--${name}`).join(', ') + (option.value === undefined ? '' : ` ${option.value}`);
  const width = Math.min(26, Math.max(...options.map((option) => left(option).length)));
  return options
    .map((option) => {
      const head = left(option);
      const gap = head.length > width ? `\n${' '.repeat(width + 4)}` : ' '.repeat(width - head.length + 2);
      return `  ${head}${gap}${option.help}`;
    })
    .join('\n');
}

/** Name and inline value of `--name` or `--name=value`; no name if `arg` is not an option. */
function split(arg: string): [string | undefined, string | undefined] {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(arg);
  return [match?.[1], match?.[2]];
}

function nearest(given: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, distance: distance(given.slice(0, 40), name) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Edit distance: insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    const above = rows[i - 1]!;
    for (let j = 1; j <= b.length; j++) {
      const substituted = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, substituted, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
