/** `help`: the commands by topic, and one command in full. */
import { wordCompletions } from './arguments';
import { TOPICS, type Command } from './command';
import { noSuch } from './errors';
import { columns } from './layout';

/** The command that explains `commands` and itself. */
export function helpCommand(commands: readonly Command[]): Command {
  const help: Command = {
    name: 'help',
    aliases: ['h'],
    topic: 'Console',
    usage: 'help [COMMAND]',
    summary: 'this list, or more on a command',
    help: ['  help walk'],
    complete: (text, caret) =>
      wordCompletions(
        text,
        caret,
        [...commands, help].map(({ name }) => name),
      ),
    run: ({ rest }) => {
      const all = [...commands, help];
      if (rest === '') return Promise.resolve(overview(all));
      const command = all.find(({ name, aliases }) => name === rest || aliases?.includes(rest));
      if (!command) return Promise.reject(noSuch('command', rest, '"help" lists them'));
      return Promise.resolve(detailsOf(command));
    },
  };
  return help;
}

function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ usage, summary }) => [`  ${usage}`, summary]);
  const lines = columns(rows);
  const topics = TOPICS.flatMap((topic) => [
    `${topic}:`,
    ...lines.filter((_line, index) => commands[index]!.topic === topic),
  ]);
  return [
    ...topics,
    'Everything else is an expression: $rax + 8, *(u32*)$rsp, main, *(u16*)physical(0x1000).',
    'An address argument is an expression too, or physical:0x… or guestPhysical:0x….',
  ].join('\n');
}

function detailsOf({ usage, summary, aliases, help }: Command): string {
  const also = aliases ? [`Also: ${aliases.join(', ')}`] : [];
  return [`${usage}: ${summary}`, ...also, ...help].join('\n');
}
