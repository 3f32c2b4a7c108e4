/** A machine in a process of its own, as a target. */
import type { ClientEntry, MachineEntry } from '../../protocol/host';
import type { TargetEvent } from '../target';
import { describeDeath, readComplaint, type Exit } from './death';
import type { HostClient } from './host-client';
import { METHODS, type Method, type Reachable } from './methods';

// A process that has been told to end and has not is stuck.
const END_MS = 3000;
const EXIT_MS = 500;

/** The process behind a connection. */
export interface HostProcess {
  readonly folder: string;
  readonly id: string;
  /** Resolves when it has ended; only its parent has this. */
  readonly exited?: Promise<Exit>;
  /** Ends it at once. */
  kill(): void;
}

/** A machine in a process of its own. */
export interface HostedMachine extends Reachable {
  /** How the machine is listed. */
  readonly entry: MachineEntry;
  /** Who is connected to it, this one too, in the order in which they came. */
  clients(): Promise<readonly ClientEntry[]>;
  /** Hangs up without a word: the machine stays or ends as if this client had never been there. */
  leave(): Promise<void>;
  /** The newest of what the guest has sent on its serial line so far, at most 1 MiB; events go on where it ends. */
  serialLog(): Promise<Uint8Array>;
}

/** The target on the other end of a connection, which is the target's alone from here on. */
export function hostedMachine(client: HostClient, entry: MachineEntry, host: HostProcess): HostedMachine {
  let listener: (event: TargetEvent) => void = () => {};
  let isLetGo = false;
  client.onEvent = (event) => listener(event);
  const over = client.over.then(async (said) => {
    const reason = said ?? (isLetGo ? 'this debugger has let it go.' : await reasonOfDeath(client, host));
    client.abandon(reason);
    if (!isLetGo) listener({ kind: 'closed', reason, last: client.last, ...(said === undefined && { died: true }) });
  });
  const calls = METHODS.map((method) => [method, (...args: unknown[]) => client.call(method, args)]);
  return {
    ...(Object.fromEntries(calls) as Pick<Reachable, Method>),
    entry,
    serialLog: async () => (await client.call('serialLog', [])) as Uint8Array,
    clients: async () => (await client.call('clients', [])) as readonly ClientEntry[],
    onEvent: (own) => {
      listener = own;
    },
    leave: () => {
      isLetGo = true;
      client.close();
      return over;
    },
    detach: async () => {
      if (isLetGo) return over;
      isLetGo = true;
      const stuck = setTimeout(() => client.close(), END_MS);
      await client.call('detach', []).catch(() => {});
      clearTimeout(stuck);
      client.close();
      await over;
    },
    dispose: async () => {
      if (isLetGo) return over;
      isLetGo = true;
      const stuck = setTimeout(() => host.kill(), END_MS);
      // The host hangs up when it is done: whether its answer comes first does not matter.
      void client.call('dispose', []).catch(() => {});
      await over;
      await host.exited;
      clearTimeout(stuck);
    },
  };
}

/** Gives the system a moment to say how the process ended. */
async function reasonOfDeath(client: HostClient, host: HostProcess): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), EXIT_MS)));
  const exit = await Promise.race([host.exited ?? undefined, timeout]);
  clearTimeout(timer);
  return describeDeath(client.pid, exit, readComplaint(host.folder, host.id));
}
