#!/usr/bin/env node
/**
 * The `vmxray` program: chooses the command, and turns what goes wrong into a sentence and an exit code. Exit codes: 0
 * the guest powered off (or the user quit), 1 it crashed or can never wake, 2 a mistake in the options or files, 3 a
 * limit was reached; 128 + N after signal N; 70 a bug of ours.
 */
import { UserError } from '../common/errors';
import { DAP_HELP, runDap } from './dap';
import { DEBUG_HELP, runDebug } from './debug';
import { HOST_HELP, runHost } from './host';
import { MACHINES_HELP, runMachines } from './machines';
import { unknown } from './options';
import { version } from './program';
import { runGuest, RUN_HELP } from './run';

/** One command of the program. */
interface Command {
  readonly summary: string;
  readonly help: string;
  /** Resolves to the exit code. */
  run(args: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  run: { summary: 'run a guest, its serial line in this terminal', help: RUN_HELP, run: runGuest },
  debug: { summary: 'debug a guest in this terminal', help: DEBUG_HELP, run: runDebug },
  dap: { summary: 'debug adapter: the debug adapter protocol on stdio or a port', help: DAP_HELP, run: runDap },
  host: { summary: 'a machine that waits for debuggers, and stays when they leave', help: HOST_HELP, run: runHost },
  machines: { summary: 'list the machines that run', help: MACHINES_HELP, run: runMachines },
};

const HELP = `vmxray: debug guest kernels and hypervisors on a machine of its own

Usage: vmxray COMMAND [OPTIONS]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

Options:
  --help       this text; vmxray COMMAND --help for a command's own
  --version    the version
`;

const USAGE_ERROR = 2;
const BUG = 70;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--version') return say(`vmxray ${version()}\n`);
  if (name === '--help' || name === '-h') return say(HELP);
  if (name === undefined)
    throw new UserError(
      'usage/command',
      'There is no command: `vmxray run --kernel FILE` runs a guest, `vmxray --help` says more.',
    );
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command)
    throw unknown(
      name.startsWith('-') ? `option ${name}` : `command "${name}"`,
      '',
      name,
      Object.keys(COMMANDS),
      'vmxray --help',
    );
  if (args.includes('--help') || args.includes('-h')) return say(command.help);
  return command.run(args);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function report(error: unknown): number {
  if (error instanceof UserError) {
    process.stderr.write(`vmxray: ${error.message}\n`);
    return USAGE_ERROR;
  }
  process.stderr.write(
    `vmxray: this is a bug of VMXray's, please report it: ${(error as Error).stack ?? String(error)}\n`,
  );
  return BUG;
}

/** Ends the process when everything written has left it. */
async function exit(code: number): Promise<void> {
  const flushed = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => (stream.writable ? stream.write('', () => resolve()) : resolve())),
  );
  await Promise.all(flushed);
  process.exit(code);
}

// A reader that has gone away (`vmxray ... | head`) is no reason for a stack trace.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
void main(process.argv.slice(2)).catch(report).then(exit);
