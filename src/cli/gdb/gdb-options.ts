/** The options of the door for gdb, and what they mean. */
import { UserError } from '../../common/errors';
import { ARCHITECTURES, type Architecture } from '../../gdb/register-layout';
import type { Option, Values } from '../options';

/** Shared by the commands that have such a door. */
export const GDB_OPTIONS: readonly Option[] = [
  {
    names: ['gdb'],
    value: '127.0.0.1:PORT',
    help: 'let gdb and lldb in there (0: any free port), one at a time: target remote 127.0.0.1:PORT',
  },
  {
    names: ['gdb-arch'],
    value: ARCHITECTURES.join('|'),
    oneOf: ARCHITECTURES,
    help: 'what gdb takes the processor for (default: i386 for a 32-bit ELF or bzImage, else x86-64)',
  },
  { names: ['stop'], help: 'with --gdb: wait before the first instruction until a debugger lets the guest go' },
];

/** A door for gdb, as its user wants it. */
export interface GdbPlan {
  /** 0: any free one. */
  readonly port: number;
  /** Undefined: the kernel decides. */
  readonly architecture: Architecture | undefined;
  /** The guest waits for a debugger. */
  readonly stop: boolean;
}

/** The door that option values ask for, if any. Throws UserErrors (`usage/...`). */
export function parseGdbOptions(values: Values): GdbPlan | undefined {
  const address = values.get('gdb');
  const without = ['stop', 'gdb-arch'].find((name) => values.has(name));
  if (typeof address !== 'string') {
    if (without === undefined) return undefined;
    throw new UserError('usage/gdb', `--${without} is about a debugger: say where with --gdb 127.0.0.1:PORT.`);
  }
  if (values.has('max-instructions'))
    throw new UserError('usage/gdb', 'A debugger decides how far the guest runs: leave --max-instructions out.');
  const architecture = values.get('gdb-arch') as Architecture | undefined;
  return { port: parsePort(address), architecture, stop: values.has('stop') };
}

/** The port of `127.0.0.1:PORT`; the door is for this computer's users alone. */
function parsePort(address: string): number {
  const [, host, digits] = /^(?:(.*):)?([0-9]{1,5})$/s.exec(address) ?? [];
  const port = digits === undefined ? NaN : Number(digits);
  if (!(port <= 0xffff))
    throw new UserError('usage/gdb', `"${address}" is not a place to listen at: write 127.0.0.1:PORT.`);
  if (host !== undefined && host !== '127.0.0.1' && host !== 'localhost')
    throw new UserError('usage/gdb', `A debugger is let in on this computer alone: write 127.0.0.1:${port}.`);
  return port;
}
