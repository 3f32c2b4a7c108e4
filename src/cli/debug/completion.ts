/** What Tab offers: our own commands and their words; for all else what the adapter's `completions` says. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Command, type Shell, splitLine } from './shell';

/** Whole words that can stand at the end of the line, and the part of one that does. */
export type Completions = readonly [words: string[], part: string];

/** Most that are shown at once. */
const MAX_SHOWN = 200;
/** Milliseconds that the adapter gets: a key's answer must not keep the user. */
const MAX_MS = 2_000;

/** Completes `line`, whose end is the cursor. Never rejects. */
export async function complete(shell: Shell, line: string): Promise<Completions> {
  const part = /[\w$.:%/-]*$/.exec(line)?.[0] ?? '';
  const candidates = await candidatesFor(shell, line, part).catch(() => []);
  const fitting = [...new Set(candidates)].filter((word) => word.startsWith(part) && word !== part);
  return [fitting.slice(0, MAX_SHOWN), part];
}

async function candidatesFor(shell: Shell, line: string, part: string): Promise<readonly string[]> {
  const isFirst = /^\s*[A-Za-z]*$/.test(line);
  if (isFirst) {
    const own = shell.commands.flatMap(({ names }) => names.filter((name) => name.length > 2)).sort();
    return [...own.map(andSpace), ...(await fromAdapter(shell, line, part))];
  }
  const { name, args } = splitLine(line);
  const command = shell.command(name);
  if (!command) return fromAdapter(shell, line, part);
  // A condition is an expression, whatever stands before it.
  const kind = /\sif\s/.test(line) ? 'expression' : command.argument;
  return argumentCandidates(shell, command, kind, args, part);
}

async function argumentCandidates(
  shell: Shell,
  command: Command,
  kind: Command['argument'],
  args: string,
  part: string,
): Promise<readonly string[]> {
  const isFirst = args === part;
  switch (kind) {
    case 'none':
      return [];
    case 'words':
      return isFirst ? (command.words ?? []).map(andSpace) : fromAdapter(shell, args, part);
    case 'command':
      return [
        ...shell.commands.map(({ names: [first] }) => first),
        ...(await fromAdapter(shell, `help ${part}`, part)),
      ];
    case 'breakpoint':
      return shell.breakpoints.list().map(({ number }) => String(number));
    case 'filter': {
      const filters = shell.session.capabilities.exceptionBreakpointFilters ?? [];
      return isFirst ? filters.map(({ filter }) => andSpace(filter)) : [];
    }
    case 'location':
    case 'expression':
      return fromAdapter(shell, `p ${part}`, part);
  }
}

const andSpace = (word: string): string => `${word} `;

/** What the adapter offers for `text`, as whole words in place of `part`, with which it ends. */
async function fromAdapter(shell: Shell, text: string, part: string): Promise<readonly string[]> {
  if (!shell.session.isAlive || !shell.session.capabilities.supportsCompletionsRequest) return [];
  const frameId = shell.session.isStopped ? (await shell.stack.current()).id : undefined;
  const asked = shell.session.request<DebugProtocol.CompletionsResponse['body']>('completions', {
    text,
    column: text.length + 1,
    ...(frameId !== undefined && { frameId }),
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), MAX_MS)));
  const answer = await Promise.race([asked, late]);
  clearTimeout(timer);
  return (answer?.targets ?? []).map((target) => wholeWord(target, text, part));
}

/** The word at the end of `text` after an item was put in: the item says what it replaces, else it is added. */
export function wholeWord(item: DebugProtocol.CompletionItem, text: string, part: string): string {
  const inserted = item.text ?? item.label;
  const wordStart = text.length - part.length;
  if (item.start === undefined) return inserted.startsWith(part) ? inserted : part + inserted;
  // The protocol counts `start` from 0 or 1, as it does columns; ours are counted from 1.
  const start = item.start - 1;
  const line = text.slice(0, start) + inserted;
  return line.slice(wordStart);
}
