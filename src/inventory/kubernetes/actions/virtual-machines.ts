/**
 * KubeVirt's machines: start to migrate by its own subresources, the serial console, and a debugger on QEMU's gdb stub,
 * which is opened through QEMU's monitor in the pod that runs the machine and led here through the API server.
 * Source: KubeVirt's API, subresources.kubevirt.io/v1; QEMU's documentation of the monitor's `gdbserver`; virsh(1).
 */
import { randomInt } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { byteStream } from '../../byte-streams';
import { unlessAborted } from '../../cancel';
import type { Action } from '../../provider';
import type { Cluster } from '../cluster';
import { gdbRefused, noLauncher } from '../errors';
import { resourcePath, type KubeObject } from '../object';
import type { Pod } from '../pods';
import { LAUNCHERS } from '../virtual-machine';
import { describeTarget, read, targetsOf, type ActionContext, type KubernetesAction, type Target } from './action';
import { leadHere } from './port-forward';

const MACHINES = ['VirtualMachine', 'VirtualMachineInstance'];
const SUBRESOURCES = 'subresources.kubevirt.io';
/** The subprotocol of connections that carry the bytes of one line. */
const PLAIN = 'plain.kubevirt.io';

type Verb = 'start' | 'stop' | 'restart' | 'pause' | 'unpause';

const VERBS: readonly (readonly [Verb, string, string, Action['group'], string])[] = [
  ['start', 'Start', 'debug-start', 'inline', 'Starting'],
  ['stop', 'Stop', 'debug-stop', 'inline', 'Stopping'],
  ['restart', 'Restart', 'debug-restart', 'state', 'Restarting'],
  ['pause', 'Pause', 'debug-pause', 'state', 'Pausing'],
  ['unpause', 'Unpause', 'debug-continue', 'state', 'Unpausing'],
];

const verbActions = VERBS.map(([id, title, icon, group, doing]): KubernetesAction => ({
  id,
  title,
  icon,
  group,
  on: id === 'pause' || id === 'unpause' ? MACHINES : ['VirtualMachine'],
  severalItems: true,
  execute: async (context) => {
    context.progress(doing);
    for (const target of await targetsOf(context)) {
      await context.cluster.request({ method: 'PUT', path: subresource(target, id), body: {} }, context.signal);
    }
  },
}));

/** The actions on machines. */
export const machineActions: readonly KubernetesAction[] = [
  ...verbActions,
  {
    id: 'console',
    title: 'Open Console',
    icon: 'terminal',
    group: 'inline',
    on: MACHINES,
    execute: async (context) => {
      for (const target of await targetsOf(context)) {
        const path = subresource(target, 'console');
        const line = await context.cluster.call(context.signal, (transport) =>
          transport.duplex(path, PLAIN, context.signal),
        );
        context.desk.openTerminal(`Console: ${target.name}`, byteStream(line, { input: line }));
      }
    },
  },
  {
    id: 'debug',
    title: 'Debug...',
    icon: 'debug-alt',
    group: 'show',
    on: MACHINES,
    execute: async (context) => {
      for (const target of await targetsOf(context)) await debug(context, target);
    },
  },
  {
    id: 'migrate',
    title: 'Migrate to Another Node...',
    icon: 'arrow-right',
    group: 'change',
    on: MACHINES,
    execute: async (context) => {
      for (const target of await targetsOf(context)) await migrate(context, target);
    },
  },
];

/** Which object a verb belongs to: only machines are started, only what runs is paused or listened to. */
function subresource({ type, namespace, name }: Target, verb: Verb | 'console'): string {
  const isOfInstance = verb === 'pause' || verb === 'unpause' || verb === 'console';
  const resource = isOfInstance ? 'virtualmachineinstances' : 'virtualmachines';
  return resourcePath({ ...type, group: SUBRESOURCES, resource }, namespace, name, verb);
}

async function migrate(context: ActionContext, target: Target): Promise<void> {
  const { cluster, signal, desk } = context;
  const detail = `KubeVirt chooses the node. The machine runs on while its memory is copied.`;
  if (!(await desk.confirm(`Migrate ${target.name}?`, detail, 'Migrate'))) return;
  const type = await cluster.type('kubevirt.io/virtualmachineinstancemigrations', signal);
  const body = {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { generateName: `${target.name.slice(0, 40)}-` },
    spec: { vmiName: target.name },
  };
  const made = await cluster.request<KubeObject>(
    { method: 'POST', path: resourcePath(type, target.namespace), body },
    signal,
  );
  desk.tell(`Migration ${made.metadata.name} has begun.`);
}

/** The pod that runs the machine now: after a migration there are two for a while. */
async function launcherOf(context: ActionContext, target: Target): Promise<Pod> {
  const { cluster, signal } = context;
  const instances = await cluster.type('kubevirt.io/virtualmachineinstances', signal);
  const instance = await read<KubeObject<unknown, { nodeName?: string }>>(context, { ...target, type: instances });
  const pods = await cluster.list<Pod>(await cluster.type('/pods', signal), target.namespace, signal, {
    labelSelector: LAUNCHERS,
  });
  const launcher = pods.items.find(
    ({ metadata, spec, status }) =>
      status?.phase === 'Running' &&
      metadata.ownerReferences?.some(({ uid }) => uid === instance.metadata.uid) &&
      (instance.status?.nodeName === undefined || spec?.nodeName === instance.status.nodeName),
  );
  if (!launcher) throw noLauncher(target.name);
  return launcher;
}

/** An order to the machine's QEMU; resolves to what its monitor says. The words go as they are: no shell is started. */
function monitor(cluster: Cluster, namespace: string, pod: string, machine: string, order: string): Promise<string> {
  const command = ['virsh', 'qemu-monitor-command', '--hmp', `${namespace}_${machine}`, order];
  return cluster.call(undefined, (transport) => transport.capture(namespace, pod, 'compute', command));
}

async function debug(context: ActionContext, target: Target): Promise<void> {
  const { cluster, desk, signal } = context;
  const { namespace = '', name } = target;
  context.progress('Looking for its pod');
  const pod = (await launcherOf(context, target)).metadata.name;
  context.progress("Opening QEMU's gdb stub");
  const port = randomInt(20_000, 30_000);
  const said = await unlessAborted(monitor(cluster, namespace, pod, name, `gdbserver tcp:127.0.0.1:${port}`), signal);
  if (/fail|error|could not|unknown command/i.test(said)) throw gdbRefused(name, said);
  const screen = new PassThrough();
  const say = (line: string): void => void (screen.writable && screen.write(`${line}\r\n`));
  const stub = await leadHere(context, { namespace, pod, port }, 0, say);
  const end = (): void => {
    stub.end();
    monitor(cluster, namespace, pod, name, 'gdbserver none').catch(() => undefined);
  };
  say(`127.0.0.1:${stub.port} is the gdb stub of ${describeTarget(target)}. Close this terminal to end it.`);
  desk.openTerminal(`gdb stub of ${name}`, byteStream(screen, { release: end }));
  await desk.debug({ request: 'attach', name: `Debug ${name}`, gdb: `127.0.0.1:${stub.port}` });
}
