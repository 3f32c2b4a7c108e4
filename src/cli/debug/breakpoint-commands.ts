/** Commands that say where the guest stops. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import { showListed, showNew, type Trigger } from './breakpoint';
import type { Extras } from './breakpoints';
import { catchTrigger } from './catch';
import { evaluateNumber, parseLocation } from './location';
import type { Command, Shell } from './shell';

const GROUP = 'Breakpoints';
const MAX_WATCHED_BYTES = 4096;

/** The text before ` if `, and the condition after it. */
export function splitCondition(text: string): { readonly place: string; readonly condition: string | undefined } {
  const [, place = '', condition] = /^(.*?)(?:(?:^|\s+)if\s+(.+))?$/s.exec(text.trim()) ?? [];
  return { place: place.trim(), condition: condition?.trim() };
}

async function add(shell: Shell, trigger: Trigger, extras: Extras): Promise<void> {
  shell.screen.print(showNew(await shell.breakpoints.add(trigger, extras)));
}

async function breakAt(shell: Shell, args: string, isTemporary: boolean): Promise<void> {
  const { place, condition } = splitCondition(args);
  const location = await parseLocation(place, shell.session, shell.stack);
  await add(shell, { kind: 'code', location }, { isTemporary, condition });
}

async function logAt(shell: Shell, args: string): Promise<void> {
  const comma = args.indexOf(',');
  if (comma < 0)
    throw new UserError('debug/log', 'A log point is LOCATION,TEXT: {EXPR} in the text is replaced by its value.');
  const location = await parseLocation(args.slice(0, comma).trim(), shell.session, shell.stack);
  await add(shell, { kind: 'code', location }, { logMessage: args.slice(comma + 1).trim() });
}

async function watch(shell: Shell, args: string, access: DebugProtocol.DataBreakpointAccessType): Promise<void> {
  const { place, condition } = splitCondition(args);
  if (place === '')
    throw new UserError('debug/watch', 'Name what to watch: a symbol, an expression in memory, or ADDRESS,BYTES.');
  const { dataId, description } = await shell.session.request<DebugProtocol.DataBreakpointInfoResponse['body']>(
    'dataBreakpointInfo',
    await watchedPlace(shell, place),
  );
  if (dataId === null) throw new UserError('debug/watch', description);
  await add(shell, { kind: 'data', what: description, dataId, access }, { condition });
}

/** `ADDRESS,BYTES`, or an expression whose place in memory is meant. */
async function watchedPlace(shell: Shell, place: string): Promise<DebugProtocol.DataBreakpointInfoArguments> {
  const [, address, length] = /^(.*),\s*(\d+|0x[0-9a-f]+)$/i.exec(place) ?? [];
  if (address === undefined) {
    const frameId = shell.session.isStopped ? (await shell.stack.current()).id : undefined;
    return { name: place, ...(frameId !== undefined && { frameId }) };
  }
  const bytes = Number(length);
  if (!(bytes >= 1 && bytes <= MAX_WATCHED_BYTES))
    throw new UserError('debug/watch', `${length} bytes cannot be watched: from 1 to ${MAX_WATCHED_BYTES} can.`);
  const linear = await evaluateNumber(address, shell.session, shell.stack);
  return { name: `0x${linear.toString(16)}`, asAddress: true, bytes };
}

function numbers(args: string): readonly number[] {
  const words = args.split(/[\s,]+/).filter((word) => word !== '');
  if (words.every((word) => /^\d{1,9}$/.test(word))) return words.map(Number);
  throw new UserError('debug/breakpoint', `"${args}" is not a list of breakpoints' numbers: see info breakpoints.`);
}

function oneNumber(args: string): { readonly number: number; readonly rest: string } {
  const [, number, rest = ''] = /^(\d{1,9})(?:\s+(.*))?$/s.exec(args) ?? [];
  if (number === undefined)
    throw new UserError('debug/breakpoint', "A breakpoint's number comes first: see info breakpoints.");
  return { number: Number(number), rest: rest.trim() };
}

/** The list that `info breakpoints` shows. */
export function listBreakpoints(shell: Shell): void {
  const all = shell.breakpoints.list();
  shell.screen.print(all.length > 0 ? all.map(showListed).join('\n') : 'There are no breakpoints.');
}

const watching = (names: Command['names'], access: DebugProtocol.DataBreakpointAccessType, help: string): Command => ({
  names,
  usage: 'EXPR | ADDRESS,BYTES [if EXPR]',
  group: GROUP,
  help,
  argument: 'expression',
  run: (shell, args) => watch(shell, args, access),
});

const switching = (name: string, isEnabled: boolean, help: string): Command => ({
  names: [name],
  usage: '[NUMBER ...]',
  group: GROUP,
  help,
  argument: 'breakpoint',
  run: (shell, args) =>
    shell.breakpoints.change(numbers(args), (breakpoint) => {
      breakpoint.isEnabled = isEnabled;
    }),
});

/** All of them, in the order of help. */
export const BREAKPOINT_COMMANDS: readonly Command[] = [
  {
    names: ['break', 'b', 'br'],
    usage: '[LOCATION] [if EXPR]',
    group: GROUP,
    help: 'stop at a function, FILE:LINE, LINE or *ADDRESS',
    argument: 'location',
    run: (shell, args) => breakAt(shell, args, false),
  },
  {
    names: ['tbreak', 'tb'],
    usage: '[LOCATION] [if EXPR]',
    group: GROUP,
    help: 'the same, once',
    argument: 'location',
    run: (shell, args) => breakAt(shell, args, true),
  },
  {
    names: ['dprintf', 'logpoint'],
    usage: 'LOCATION,TEXT',
    group: GROUP,
    help: 'say TEXT there and go on; {EXPR} in it is replaced by its value',
    argument: 'location',
    run: logAt,
  },
  watching(['watch', 'w'], 'write', 'stop after a write to memory'),
  watching(['rwatch'], 'read', 'stop after a read of memory'),
  watching(['awatch'], 'readWrite', 'stop after either'),
  {
    names: ['catch'],
    usage: 'EVENT [REASON or VECTOR, ...] [if EXPR]',
    group: GROUP,
    help: 'stop at an event: exit, exception, mmio, msr, ...; `catch` alone lists them',
    argument: 'filter',
    run: async (shell, args) => {
      const { place, condition } = splitCondition(args);
      const filters = shell.session.capabilities.exceptionBreakpointFilters ?? [];
      if (place === '') {
        const width = Math.max(0, ...filters.map(({ filter }) => filter.length));
        const lines = filters.map(
          ({ filter, description, label }) => `${filter.padEnd(width)}  ${description ?? label}`,
        );
        return shell.screen.print(lines.join('\n'));
      }
      const caught = catchTrigger(place, condition, filters);
      return add(shell, caught.trigger, { condition: caught.condition });
    },
  },
  {
    names: ['condition'],
    usage: 'NUMBER [EXPR]',
    group: GROUP,
    help: "change a breakpoint's condition, or take it away",
    argument: 'breakpoint',
    run: (shell, args) => {
      const { number, rest } = oneNumber(args);
      return shell.breakpoints.change([number], (breakpoint) => {
        breakpoint.condition = rest === '' ? undefined : rest;
      });
    },
  },
  {
    names: ['ignore'],
    usage: 'NUMBER COUNT',
    group: GROUP,
    help: "pass a breakpoint's first COUNT hits over",
    argument: 'breakpoint',
    run: (shell, args) => {
      const { number, rest } = oneNumber(args);
      if (!/^\d{1,9}$/.test(rest)) throw new UserError('debug/count', `"${rest}" is not a number of hits.`);
      return shell.breakpoints.change([number], (breakpoint) => {
        breakpoint.hitCondition = Number(rest) === 0 ? undefined : `> ${rest}`;
      });
    },
  },
  switching('enable', true, 'let breakpoints stop again; all of them if none is named'),
  switching('disable', false, 'keep breakpoints from stopping'),
  {
    names: ['delete', 'd', 'del'],
    usage: '[NUMBER ...]',
    group: GROUP,
    help: 'remove breakpoints; all of them if none is named',
    argument: 'breakpoint',
    run: (shell, args) => shell.breakpoints.remove(numbers(args)),
  },
];
