/**
 * `vmxray debug`: a debugger in the terminal. It is a client of our own debug adapter and knows nothing else of the guest.
 */
import { readFileSync } from 'node:fs';
import { UserError } from '../common/errors';
import { COMMANDS } from './debug/commands';
import { complete } from './debug/completion';
import { connectInProcess } from './debug/connection';
import { historyPath, loadHistory, saveHistory } from './debug/history';
import { givenLines, type LineSource, streamLines } from './debug/lines';
import { DEBUG_OPTIONS, planStart, takeCommands } from './debug/options';
import { Screen } from './debug/screen';
import { Shell } from './debug/shell';
import { styleFor } from './debug/style';
import { PROMPT, Terminal } from './debug/terminal';
import { describeOptions, parseOptions } from './options';

/** The text of `vmxray debug --help`. */
export const DEBUG_HELP = `Usage: vmxray debug --kernel FILE [OPTIONS]
       vmxray debug --attach MACHINE [OPTIONS]

A debugger in the terminal. The guest stops before its first instruction; \`help\` lists the commands.

Options:
${describeOptions(DEBUG_OPTIONS)}
  -x COMMAND                do COMMAND first; may be given several times

On a terminal Tab completes, Ctrl-C stops the guest, Ctrl-D leaves, and an empty line repeats a step. Elsewhere commands
are read from standard input, one a line, and shown with what they say; lines that begin with # are comments. The exit
code is then 1 if a command failed. 2 is a mistake in the options or files.
`;

const SIGNALS = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130 } as const;
const FAILED = 1;

/** Runs the debugger until its user leaves. Resolves to the exit code; UserErrors for what the user has wrong. */
export async function runDebug(args: readonly string[]): Promise<number> {
  const { rest, commands } = takeCommands(args);
  const values = parseOptions('debug', DEBUG_OPTIONS, rest);
  const start = planStart(values);
  const script = values.get('script');
  const scripted = typeof script === 'string' && script !== '-' ? readScript(script) : [];
  const { stdin, stdout, env } = process;
  const screen = new Screen(stdout, styleFor(stdout.isTTY, env));
  const shell = new Shell(screen, COMMANDS, connectInProcess, start);
  const killed = new Promise<number>((resolve) => {
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => resolve(code));
  });
  const debug = async (): Promise<number> => {
    await shell.printer.show(await shell.begin());
    let failed = !(await follow(shell, givenLines([...commands, ...scripted]), true));
    const isTyped = stdin.isTTY && stdout.isTTY && script === undefined;
    if (isTyped) {
      await follow(shell, openTerminal(shell), false);
      return 0;
    }
    // A script, or commands alone, are all that there is to do.
    if (script === '-' || (script === undefined && commands.length === 0))
      failed = !(await follow(shell, streamLines(stdin), true)) || failed;
    return failed ? FAILED : 0;
  };
  try {
    return await Promise.race([debug(), killed]);
  } finally {
    await shell.session.end();
  }
}

/** Does one line after the other, until there are no more or the user leaves. False if one of them failed. */
async function follow(shell: Shell, lines: LineSource, isEchoed: boolean): Promise<boolean> {
  let succeeded = true;
  while (!shell.isOver) {
    const line = await lines.next();
    if (line === undefined) break;
    if (isEchoed) {
      if (line.trim() === '') continue;
      shell.screen.print(line.startsWith('#') ? `\n${line}` : PROMPT + line);
    }
    succeeded = (await shell.execute(line)) && succeeded;
  }
  lines.close();
  return succeeded;
}

function openTerminal(shell: Shell): Terminal {
  const path = historyPath(process.env);
  const terminal: Terminal = new Terminal(process.stdin, process.stdout, shell.screen, {
    complete: (line) => complete(shell, line),
    onInterrupt: (isTyping) => {
      if (shell.session.isRunning) shell.session.pause().catch(() => {});
      else if (isTyping) terminal.dropLine();
      else shell.session.cancel();
    },
    history: loadHistory(path),
    onHistory: (lines) => saveHistory(path, lines),
  });
  return terminal;
}

function readScript(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`file/${code}`, `The script ${path} cannot be read (${code}): check the path.`);
  }
}
