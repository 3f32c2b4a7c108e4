/** Commands on the stack and the source. All else that looks at the guest, or edits it, is the adapter's console. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import { listBreakpoints } from './breakpoint-commands';
import { parseLocation } from './location';
import type { Command, Shell } from './shell';

const GROUP = 'Looking';
const LIST_LINES = 10;
const MAX_FRAMES = 1000;

/** `info X` is the command or the adapter's command of that name. */
const INFO: Readonly<Record<string, string>> = {
  registers: 'regs',
  register: 'regs',
  reg: 'regs',
  r: 'regs',
  symbol: 'sym',
  line: 'sym',
  frame: 'frame',
  f: 'frame',
  stack: 'bt',
  s: 'bt',
  exits: 'exits',
  exit: 'exit',
  devices: 'devices',
  interrupts: 'interrupts',
  vmcs: 'vmcs',
  mem: 'maps',
  maps: 'maps',
  memmap: 'memmap',
};

const BREAKPOINTS = ['breakpoints', 'break', 'b', 'watchpoints'];

async function backtrace(shell: Shell, args: string): Promise<void> {
  const count = args === '' ? MAX_FRAMES : Number(args);
  if (!(Number.isInteger(count) && count >= 1))
    throw new UserError('debug/count', `"${args}" is not a number of frames.`);
  const frames = await shell.stack.first(Math.min(count, MAX_FRAMES));
  const width = String(frames.length - 1).length;
  const lines = frames.map(
    (frame, index) =>
      `${index === shell.stack.index ? '*' : ' '}#${String(index).padEnd(width)} ${shell.printer.describe(frame)}`,
  );
  shell.screen.print(lines.join('\n'));
}

async function selectFrame(shell: Shell, index: number): Promise<void> {
  await shell.stack.select(index);
  await shell.printer.showFrame();
}

const moving = (name: string, by: 1 | -1, help: string): Command => ({
  names: [name],
  usage: '[COUNT]',
  group: GROUP,
  help,
  argument: 'none',
  run: (shell, args) => selectFrame(shell, shell.stack.index + by * (args === '' ? 1 : Number(args))),
});

/** Where the next `list` goes on, while the stop and the frame are the same. */
interface Listed {
  readonly at: string;
  readonly source: DebugProtocol.Source;
  readonly next: number;
}
const listed = new WeakMap<Shell, Listed>();

async function list(shell: Shell, args: string): Promise<void> {
  const frame = shell.session.isStopped ? await shell.stack.current() : undefined;
  const at = `${shell.session.generation} ${shell.stack.index}`;
  const before = listed.get(shell);
  let source = frame?.source;
  let from = (frame?.line ?? 0) - LIST_LINES / 2;
  if (args !== '') {
    const location = await parseLocation(args, shell.session, shell.stack);
    if (location.kind !== 'line') throw new UserError('debug/list', 'Write LINE or FILE:LINE.');
    [source, from] = [location.source, location.line - LIST_LINES / 2];
  } else if (before?.at === at) [source, from] = [before.source, before.next];
  if (!source || (frame?.line === 0 && args === ''))
    throw new UserError('debug/source', 'There is no source here: `dis` shows instructions.');
  from = Math.max(1, from);
  const current = frame?.source?.path === source.path ? frame?.line : undefined;
  if (!(await shell.printer.showSource(source, current, from, from + LIST_LINES - 1)))
    throw new UserError('debug/source', `${source.path ?? source.name} has no line ${from}, or is not to be had.`);
  listed.set(shell, { at, source, next: from + LIST_LINES });
}

/** All of them, in the order of help. */
export const STATE_COMMANDS: readonly Command[] = [
  {
    names: ['backtrace', 'bt', 'where'],
    usage: '[COUNT]',
    group: GROUP,
    help: 'the functions that led here',
    argument: 'none',
    run: backtrace,
  },
  {
    names: ['frame', 'f'],
    usage: '[NUMBER]',
    group: GROUP,
    help: 'show a frame of the backtrace and select it',
    argument: 'none',
    run: (shell, args) => selectFrame(shell, args === '' ? shell.stack.index : Number(args)),
  },
  moving('up', 1, "the caller's frame"),
  moving('down', -1, "the callee's frame"),
  {
    names: ['list', 'l'],
    usage: '[LINE | FILE:LINE]',
    group: GROUP,
    help: 'source lines around here, or the next ones',
    argument: 'location',
    repeats: true,
    run: list,
  },
  {
    names: ['info', 'i'],
    usage: '[WHAT]',
    group: GROUP,
    help: 'the machine; info breakpoints, info registers, info exits, ...',
    argument: 'words',
    words: ['breakpoints', ...Object.keys(INFO).filter((name) => name.length > 2)],
    run: async (shell, args) => {
      const [, what = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(args) ?? [];
      if (BREAKPOINTS.includes(what)) return listBreakpoints(shell);
      if (!Object.hasOwn(INFO, what)) return shell.ask(`info ${args}`.trim());
      const command = INFO[what]!;
      const own = shell.command(command);
      return own ? own.run(shell, rest) : shell.ask(`${command} ${rest}`.trim());
    },
  },
];
