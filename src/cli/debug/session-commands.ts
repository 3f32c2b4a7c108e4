/** Commands about the debugger itself, and the guest's keyboard. */
import { UserError } from '../../common/errors';
import type { Command, Shell } from './shell';

const GROUP = 'This debugger';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

/** The bytes of a text with escapes: `\n`, `\r`, `\t`, `\xHH`, `\\`; other characters as UTF-8. */
export function typedBytes(text: string): Uint8Array {
  const pieces = text.match(/\\x[0-9a-f]{2}|\\.|[^\\]+|\\/gis) ?? [];
  return Buffer.concat(
    pieces.map((piece) =>
      /^\\x[0-9a-f]{2}$/i.test(piece)
        ? Buffer.from(piece.slice(2), 'hex')
        : Buffer.from((piece.startsWith('\\') ? ESCAPES[piece.slice(1)] : undefined) ?? piece),
    ),
  );
}

function describe({ names, usage, help }: Command): string {
  const head = `  ${[names[0], usage].join(' ').trim()}`;
  const aliases = names.length > 1 ? ` (${names.slice(1).join(', ')})` : '';
  return head.length > 30 ? `${head}\n${' '.repeat(32)}${help}${aliases}` : `${head.padEnd(32)}${help}${aliases}`;
}

async function help(shell: Shell, args: string): Promise<void> {
  if (args !== '') {
    const command = shell.command(args);
    return command ? shell.screen.print(describe(command)) : shell.ask(`help ${args}`);
  }
  const groups = [...new Set(shell.commands.map(({ group }) => group))];
  for (const group of groups) {
    shell.screen.print(shell.screen.mark('stop', group));
    shell.screen.print(
      shell.commands
        .filter((command) => command.group === group)
        .map(describe)
        .join('\n'),
    );
  }
  if (!shell.session.isAlive) return;
  shell.screen.print(shell.screen.mark('stop', 'The guest and its virtual machine'));
  await shell.ask('help');
}

/** All of them, in the order of help. */
export const SESSION_COMMANDS: readonly Command[] = [
  {
    names: ['serial'],
    usage: 'TEXT',
    group: GROUP,
    help: 'type TEXT and Enter for the guest; \\xHH is a byte, a last \\ leaves Enter out',
    argument: 'none',
    run: (shell, args) => {
      const isOpen = /(?:^|[^\\])(?:\\\\)*\\$/.test(args);
      return shell.session.type(typedBytes(isOpen ? args.slice(0, -1) : `${args}\r`));
    },
  },
  {
    names: ['echo'],
    usage: 'TEXT',
    group: GROUP,
    help: 'print TEXT',
    argument: 'none',
    run: (shell, args) => {
      shell.screen.print(args === '' ? '\n' : args);
      return Promise.resolve();
    },
  },
  {
    names: ['help', 'h'],
    usage: '[COMMAND]',
    group: GROUP,
    help: 'this text',
    argument: 'command',
    run: help,
  },
  {
    names: ['quit', 'q'],
    usage: '',
    group: GROUP,
    help: 'leave; a guest that was launched here ends',
    argument: 'none',
    run: (shell, args) => {
      if (args !== '') throw new UserError('debug/quit', '`quit` takes no argument.');
      shell.isOver = true;
      return Promise.resolve();
    },
  },
];
