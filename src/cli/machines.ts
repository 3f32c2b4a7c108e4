/** `vmxray machines`: lists the machines of this user that run. */
import { listMachines } from '../targets/host/registry';
import { parseOptions, type Option } from './options';

const OPTIONS: readonly Option[] = [{ names: ['help'], help: 'this text' }];

/** The text of `vmxray machines --help`. */
export const MACHINES_HELP = `Usage: vmxray machines

Lists the machines that run in processes of their own, by the process id that a debugger can attach to.
`;

/** Prints a line for each machine: process id, start, kernel. Resolves to the exit code. */
export async function runMachines(args: readonly string[]): Promise<number> {
  parseOptions('machines', OPTIONS, args);
  const machines = await listMachines();
  if (machines.length === 0) process.stderr.write('vmxray: no machine runs.\n');
  for (const { pid, started, kernel } of machines)
    process.stdout.write(`${String(pid).padEnd(8)}${started.slice(0, 19).replace('T', ' ')}  ${kernel}\n`);
  return 0;
}
