/** Commands that let the guest go on. */
import { UserError } from '../../common/errors';
import { parseLocation } from './location';
import { parseReasons } from './reasons';
import type { Command, Shell } from './shell';

const GROUP = 'Running';
const MAX_STEPS = 1_000_000;

/** Arguments, and whether a `&` at their end asks for the prompt at once. */
function background(args: string): { readonly args: string; readonly inBackground: boolean } {
  return args.endsWith('&') ? { args: args.slice(0, -1).trim(), inBackground: true } : { args, inBackground: false };
}

function count(args: string): number {
  const number = args === '' ? 1 : /^\d{1,7}$/.test(args) ? Number(args) : NaN;
  if (number >= 1 && number <= MAX_STEPS) return number;
  throw new UserError('debug/count', `"${args}" is not a number of steps: write 1 to ${MAX_STEPS}.`);
}

function stepping(
  names: Command['names'],
  request: string,
  granularity: 'statement' | 'instruction',
  help: string,
): Command {
  const byInstruction = granularity === 'instruction';
  return {
    names,
    usage: '[COUNT]',
    group: GROUP,
    help,
    argument: 'none',
    repeats: true,
    run: (shell, args) => shell.repeat(request, { granularity }, count(args), byInstruction),
  };
}

/** Runs to a place: a breakpoint there goes away at the next stop, wherever that is. */
async function runTo(shell: Shell, args: string): Promise<void> {
  const location = await parseLocation(args, shell.session, shell.stack);
  const breakpoint = await shell.breakpoints.add({ kind: 'code', location }, { isTemporary: true });
  try {
    if (!breakpoint.answer?.verified)
      throw new UserError('debug/until', breakpoint.answer?.message ?? `${args} has no address yet.`);
    const { rest } = await shell.session.resume('continue', {});
    await shell.printer.show(await rest);
  } finally {
    if (shell.breakpoints.list().includes(breakpoint)) await shell.breakpoints.remove([breakpoint.number]);
  }
}

/** All of them, in the order of help. */
export const RUNNING_COMMANDS: readonly Command[] = [
  {
    names: ['continue', 'c', 'cont'],
    usage: '[&]',
    group: GROUP,
    help: 'go on until something stops the guest; & gives the prompt back at once',
    argument: 'none',
    repeats: true,
    run: (shell, args) => shell.go('continue', {}, background(args)),
  },
  stepping(['step', 's'], 'stepIn', 'statement', 'go to the next source line, into calls'),
  stepping(['next', 'n'], 'next', 'statement', 'go to the next source line, over calls'),
  stepping(['stepi', 'si'], 'stepIn', 'instruction', 'one instruction'),
  stepping(['nexti', 'ni'], 'next', 'instruction', 'one instruction, calls and repeats as one'),
  {
    names: ['finish', 'fin'],
    usage: '[&]',
    group: GROUP,
    help: 'go on until this function has returned',
    argument: 'none',
    run: (shell, args) => shell.go('stepOut', {}, background(args)),
  },
  {
    names: ['until', 'u', 'advance'],
    usage: '[LOCATION]',
    group: GROUP,
    help: 'go on to a place; without one, to the next source line',
    argument: 'location',
    repeats: true,
    run: (shell, args) =>
      args === '' ? shell.repeat('next', { granularity: 'statement' }, 1, false) : runTo(shell, args),
  },
  {
    names: ['stepexit', 'se'],
    usage: '[REASON, ...] [&]',
    group: GROUP,
    help: 'go on to the next VM exit, of these reasons if any are named',
    argument: 'expression',
    repeats: true,
    run: (shell, line) => {
      const { args, inBackground } = background(line);
      const reasons = parseReasons(args);
      return shell.go('vmxray/stepExit', reasons.length > 0 ? { reasons } : {}, { inBackground });
    },
  },
  {
    names: ['pause', 'interrupt'],
    usage: '',
    group: GROUP,
    help: 'stop a guest that runs in the background (also Ctrl-C)',
    argument: 'none',
    run: async (shell) => {
      if (!shell.session.isRunning) throw new UserError('debug/stopped', 'The guest is not running.');
      await shell.printer.show(await shell.session.interrupt());
    },
  },
  {
    names: ['run', 'r'],
    usage: '[&]',
    group: GROUP,
    help: 'go on from the entry; started again if need be',
    argument: 'none',
    run: async (shell, args) => {
      if (shell.session.stop?.reason !== 'entry') await shell.begin();
      await shell.go('continue', {}, background(args));
    },
  },
  {
    names: ['restart'],
    usage: '',
    group: GROUP,
    help: 'start the guest again and stop at its entry',
    argument: 'none',
    run: async (shell) => shell.printer.show(await shell.begin()),
  },
  {
    names: ['kill'],
    usage: '',
    group: GROUP,
    help: 'end the guest',
    argument: 'none',
    run: async (shell) => {
      await shell.session.end(true);
      shell.screen.print('The guest is gone: `run` starts it again, `quit` leaves.');
    },
  },
];
