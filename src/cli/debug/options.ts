/** The options of `vmxray debug`, and the launch or attach that they ask for. */
import { resolve } from 'node:path';
import { UserError } from '../../common/errors';
import type { Option, Values } from '../options';
import { RUN_OPTIONS } from '../run-options';
import type { Start } from './guest-session';

/** Options of `run` that are launch attributes, by their names there. */
const LAUNCHED: Readonly<Record<string, string>> = {
  kernel: 'kernel',
  initrd: 'initrd',
  append: 'cmdline',
  memory: 'memory',
  rtc: 'rtc',
  seed: 'seed',
  pace: 'pace',
  bare: 'bare',
};
const PATHS = new Set(['kernel', 'initrd']);

/** All options but `-x`, which can be given more than once. */
export const DEBUG_OPTIONS: readonly Option[] = [
  ...RUN_OPTIONS.filter(({ names: [name] }) => Object.hasOwn(LAUNCHED, name)),
  { names: ['symbols'], value: 'FILE', help: "an ELF with the guest's symbols, such as vmlinux (default: the kernel)" },
  { names: ['attach'], value: 'MACHINE', help: 'debug a machine that runs: its name or process id (vmxray machines)' },
  { names: ['script'], value: 'FILE|-', help: 'read commands from FILE (-: standard input), one a line, and leave' },
  { names: ['help'], help: 'this text' },
];

/** `args` without each `-x COMMAND`, and these commands in order. Throws a UserError for one without a command. */
export function takeCommands(args: readonly string[]): { readonly rest: string[]; readonly commands: string[] } {
  const [rest, commands]: [string[], string[]] = [[], []];
  for (let index = 0; index < args.length; index++) {
    if (args[index] !== '-x') {
      rest.push(args[index]!);
      continue;
    }
    const command = args[++index];
    if (command === undefined) throw new UserError('usage/value', '-x wants a command: -x "break main".');
    commands.push(command);
  }
  return { rest, commands };
}

/** The request that gets the guest. Throws UserErrors (`usage/...`). */
export function planStart(values: Values): Start {
  const symbols = values.get('symbols');
  const common = { console: 'terminal', ...(typeof symbols === 'string' && { symbols: resolve(symbols) }) };
  const machine = values.get('attach');
  if (machine !== undefined) {
    const said = Object.keys(LAUNCHED).find((name) => values.has(name));
    if (said) throw new UserError('usage/attach', `A running machine has its own ${said}: leave --${said} out.`);
    return { command: 'attach', args: { machine, ...common } };
  }
  if (!values.has('kernel'))
    throw new UserError(
      'usage/kernel',
      'There is no guest: name one with --kernel FILE, or a running one with --attach.',
    );
  const attributes = Object.entries(LAUNCHED).flatMap(([name, attribute]): [string, unknown][] => {
    const value = values.get(name);
    if (value === undefined) return [];
    return [[attribute, typeof value === 'string' && PATHS.has(name) ? resolve(value) : value]];
  });
  return { command: 'launch', args: { ...Object.fromEntries(attributes), ...common, stopOnEntry: true } };
}
