/**
 * `vmxray host`: one machine in this process, for debuggers that connect to it. VMXray forks it for each machine that it
 * launches; a user starts it to have a machine that stays, stopped before its first instruction until a debugger attaches.
 */
import { UserError } from '../common/errors';
import type { HostReport } from '../protocol/host';
import { otherVersion } from '../targets/host/errors';
import { GRACE_MS, hostMachine, type MachineHost } from '../targets/host/machine-host';
import { makePrivateFolder } from '../targets/host/private-folder';
import { newMachineId } from '../targets/host/registry';
import type { Order } from '../targets/host/launch';
import type { MachineSettings } from '../targets/machine-settings';
import { startOwnMachine } from '../targets/own-machine';
import { GDB_OPTIONS } from './gdb/gdb-options';
import { lowerThreads, SessionPriority } from './host-priority';
import { describeOptions, parseOptions } from './options';
import { version } from './program';
import { planRun, RUN_OPTIONS } from './run-options';
import { optimizeLater } from './v8-flags';

const NOT_FOR_HOSTS = [
  ...['serial', 'max-instructions', 'stats', 'save', 'restore', 'ept', 'pace'],
  ...GDB_OPTIONS.map(({ names }) => names[0]),
];
const OPTIONS = RUN_OPTIONS.filter(({ names }) => !NOT_FOR_HOSTS.includes(names[0]));
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** The text of `vmxray host --help`. */
export const HOST_HELP = `Usage: vmxray host --kernel FILE [OPTIONS]

A machine that waits for debuggers: it is stopped before the guest's first instruction until one attaches to it and lets
it go, and it stays when the debugger detaches. It ends with its guest's power-off, or when a debugger ends it.

Options:
${describeOptions(OPTIONS)}
`;

/** Runs until the machine is over. Resolves to the exit code; UserErrors for everything that the user has wrong. */
export function runHost(args: readonly string[]): Promise<number> {
  optimizeLater();
  return args.length === 0 && process.send ? obey(process.send.bind(process)) : hostByHand(args);
}

async function hostByHand(args: readonly string[]): Promise<number> {
  const { machine } = planRun(parseOptions('host', OPTIONS, args));
  const folder = makePrivateFolder();
  const target = await startOwnMachine(machine as MachineSettings, 'wall');
  const keeping = { version: version(), folder, id: newMachineId(), keep: true, graceMs: GRACE_MS };
  // Not with each run and stop: this process shares its session with its user's shell.
  const host = await hostMachine(target, keeping);
  process.stdout.write(`${host.entry.name} waits for a debugger: attach to ${host.entry.pid}\n`);
  return untilOver(host);
}

/** Does what the forking process asks for, and reports to it once. */
async function obey(send: (report: HostReport, sent: () => void) => unknown): Promise<number> {
  const order = await new Promise<Order>((resolve) => process.once('message', resolve));
  const report = (said: HostReport): Promise<void> => new Promise((resolve) => send(said, resolve));
  const priority = new SessionPriority();
  let host: MachineHost;
  try {
    const own = version();
    if (order.version !== own) throw otherVersion(own, String(order.version));
    const target = await startOwnMachine(order.settings, order.pace);
    host = await hostMachine(target, order, (runs) => priority.set(runs));
  } catch (error) {
    const { message, stack } = error as Error;
    await report(
      error instanceof UserError
        ? { kind: 'refusal', code: error.code, sentence: message }
        : { kind: 'failure', message, stack: String(stack) },
    );
    return 2;
  }
  await report({ kind: 'ready', entry: host.entry });
  return untilOver(host);
}

async function untilOver(host: MachineHost): Promise<number> {
  // A machine's work is less urgent than an editor's; its start is not.
  lowerThreads();
  let code = 0;
  for (const [signal, number] of Object.entries(SIGNALS))
    process.on(signal, () => {
      code = number;
      void host.close(`its process got ${signal}.`);
    });
  await host.over;
  return code;
}
