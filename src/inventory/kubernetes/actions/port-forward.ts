/**
 * A port of this machine that leads to a port of a pod. It lives as long as its terminal, which shows who connects.
 * The listening side is 127.0.0.1 alone.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { V1ServiceSpec } from '@kubernetes/client-node';
import { byteStream } from '../../byte-streams';
import { UserError } from '../../../common/errors';
import type { Cluster } from '../cluster';
import { unfit } from '../errors';
import type { KubeObject } from '../object';
import type { Pod } from '../pods';
import type { ActionContext, KubernetesAction } from './action';

/** Where a forwarding ends. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

const problem = (text: string): string | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? undefined : 'Write a port from 0 to 65535; 0 takes a free one.';

/** The action. */
export const portForwardAction: KubernetesAction = {
  id: 'portForward',
  title: 'Forward Port...',
  icon: 'arrow-swap',
  group: 'show',
  on: ['Pod', 'Service'],
  execute: async (context) => {
    for (const place of context.places) {
      if (place.at !== 'object' || place.namespace === undefined) throw unfit('This row has no ports.');
      const isService = place.key === '/services';
      const target = isService
        ? await serviceTarget(context, place.namespace, place.name)
        : await podTarget(context, place.namespace, place.name);
      if (!target) continue;
      const local = await context.desk.ask('Port of this machine', { value: String(target.port), check: problem });
      if (local === undefined || problem(local) !== undefined) continue;
      await forward(context, target, Number(local));
    }
  },
};

async function podTarget(context: ActionContext, namespace: string, name: string): Promise<PodPort | undefined> {
  const { cluster, desk, signal } = context;
  const pod = await cluster.get<Pod>(await cluster.type('/pods', signal), namespace, name, signal);
  const ports = (pod.spec?.containers ?? [])
    .flatMap(({ ports: own }) => own ?? [])
    .map(({ containerPort }) => containerPort);
  const port = await chosenPort(desk, ports);
  return port === undefined ? undefined : { namespace, pod: name, port };
}

/** A pod behind a Service, and the port of it that the Service's port leads to. */
async function serviceTarget(context: ActionContext, namespace: string, name: string): Promise<PodPort | undefined> {
  const { cluster, desk, signal } = context;
  const service = await cluster.get<KubeObject<V1ServiceSpec>>(
    await cluster.type('/services', signal),
    namespace,
    name,
    signal,
  );
  const selector = Object.entries(service.spec?.selector ?? {}).map(([label, value]) => `${label}=${value}`);
  if (selector.length === 0) throw unfit(`Service ${name} selects no pods.`);
  const pods = await cluster.list<Pod>(await cluster.type('/pods', signal), namespace, signal, {
    labelSelector: selector.join(','),
  });
  const pod = pods.items.find(({ status }) => status?.phase === 'Running');
  if (!pod) throw unfit(`No pod of Service ${name} runs.`);
  const ports = service.spec?.ports ?? [];
  const port = await chosenPort(
    desk,
    ports.map((one) => one.port),
  );
  const target = ports.find((one) => one.port === port)?.targetPort ?? port;
  // A name is that of a container's port.
  const named = (pod.spec?.containers ?? [])
    .flatMap(({ ports: own }) => own ?? [])
    .find((one) => one.name === target)?.containerPort;
  const number = typeof target === 'string' ? named : (target as number | undefined);
  return number === undefined ? undefined : { namespace, pod: pod.metadata.name, port: number };
}

async function chosenPort(desk: ActionContext['desk'], ports: readonly number[]): Promise<number | undefined> {
  if (ports.length === 1) return ports[0];
  if (ports.length > 1)
    return desk.choose(
      'Which port?',
      ports.map((value) => ({ label: String(value), value })),
    );
  const text = await desk.ask('Port of the pod', { placeholder: '8080', check: problem });
  return text === undefined || problem(text) !== undefined ? undefined : Number(text);
}

async function forward(context: ActionContext, target: PodPort, local: number): Promise<void> {
  const screen = new PassThrough();
  const say = (line: string): void => void (screen.writable && screen.write(`${line}\r\n`));
  const { port, end } = await leadHere(context, target, local, say);
  say(
    `127.0.0.1:${port} leads to port ${target.port} of ${target.namespace}/${target.pod}. Close this terminal to end it.`,
  );
  context.desk.openTerminal(`Port ${port} to ${target.pod}:${target.port}`, byteStream(screen, { release: end }));
}

/** A listening port of 127.0.0.1 (0 takes a free one) that leads to a pod's until `end` is called; `say` tells who comes. */
export async function leadHere(
  { cluster, keep }: Pick<ActionContext, 'cluster' | 'keep'>,
  target: PodPort,
  local: number,
  say: (line: string) => void,
): Promise<{ readonly port: number; end(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    void connect(cluster, target, socket, say);
  });
  const port = await listen(server, local);
  const end = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  keep({ dispose: end });
  return { port, end };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new UserError(
          'forward/port',
          `Port ${port} of this machine cannot be used (${error.code}): choose another, or 0.`,
        ),
      ),
    );
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function connect(cluster: Cluster, target: PodPort, socket: Socket, say: (line: string) => void): Promise<void> {
  const who = `${socket.remoteAddress}:${socket.remotePort}`;
  say(`${who} connected`);
  // What is sent before the far side stands waits in here.
  const input = new PassThrough();
  socket.pipe(input);
  socket.on('error', () => socket.destroy());
  try {
    const open = await cluster.call(undefined, (transport) =>
      transport.forward(target.namespace, target.pod, target.port, socket, input),
    );
    socket.on('close', () => {
      open.close();
      say(`${who} disconnected`);
    });
  } catch (error) {
    say((error as Error).message);
    socket.destroy();
  }
}
