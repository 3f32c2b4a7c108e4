// KubeVirt's API in front of a real API server, as the aggregation of APIs would put it there: its machines are kept here,
// everything else goes through to the cluster, sessions of exec and port-forwarding included. No machine runs.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Duplex } from 'node:stream';
import { FrameReader } from '../../../src/inventory/kubernetes/web-socket';
import type { KubeObject } from '../../../src/inventory/kubernetes/object';

const GROUP = '/apis/kubevirt.io/v1';
const SUBRESOURCES = '/apis/subresources.kubevirt.io/v1';
const KINDS = [
  ['virtualmachines', 'VirtualMachine'],
  ['virtualmachineinstances', 'VirtualMachineInstance'],
  ['virtualmachineinstancemigrations', 'VirtualMachineInstanceMigration'],
] as const;
type Resource = (typeof KINDS)[number][0];

/** An object as it is put there. */
export interface Machine {
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** A running front. */
export interface KubeVirtFront {
  readonly url: string;
  /** What was asked of the subresources: `PUT virtualmachines/tub/start`. */
  readonly asked: string[];
  /** Puts an object there, or in place of the one of its name; who watches hears of it. */
  put(resource: Resource, object: Machine): void;
  remove(resource: Resource, name: string): void;
  objects(resource: Resource): readonly KubeObject[];
  dispose(): void;
}

/** A front of the API server at 127.0.0.1:`port`; `onVerb` is the hypervisor: it does what a verb asks. */
export async function startKubeVirt(
  port: number,
  namespace: string,
  onVerb: (front: KubeVirtFront, verb: string, name: string) => void,
): Promise<KubeVirtFront> {
  const stored = new Map<Resource, Map<string, KubeObject>>(KINDS.map(([resource]) => [resource, new Map()]));
  const watchers = new Map<Resource, Set<ServerResponse>>(KINDS.map(([resource]) => [resource, new Set()]));
  let version = 100;
  const tell = (resource: Resource, type: string, object: KubeObject): void =>
    watchers.get(resource)?.forEach((one) => one.write(`${JSON.stringify({ type, object })}\n`));
  const front: KubeVirtFront = {
    url: '',
    asked: [],
    put(resource, object) {
      const { name } = object.metadata;
      const before = stored.get(resource)?.get(name);
      const metadata = {
        uid: `${resource}-${name}`,
        namespace,
        ...object.metadata,
        resourceVersion: String(++version),
      };
      const now = { ...object, metadata } as KubeObject;
      stored.get(resource)?.set(name, now);
      tell(resource, before ? 'MODIFIED' : 'ADDED', now);
    },
    remove(resource, name) {
      const before = stored.get(resource)?.get(name);
      if (!before) return;
      stored.get(resource)?.delete(name);
      tell(resource, 'DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(++version) } });
    },
    objects: (resource) => [...(stored.get(resource)?.values() ?? [])],
    dispose() {
      server.closeAllConnections();
      server.close();
    },
  };

  const own = async (request: IncomingMessage, answer: ServerResponse, url: URL): Promise<void> => {
    const send = (status: number, body: unknown): void => void answer.writeHead(status).end(JSON.stringify(body));
    if (url.pathname === GROUP) {
      const verbs = ['list', 'watch', 'get', 'create', 'delete'];
      const resources = KINDS.map(([name, kind]) => ({ name, kind, namespaced: true, verbs }));
      return send(200, { groupVersion: 'kubevirt.io/v1', resources });
    }
    const [, kindOrGroup, name, verb] =
      new RegExp(`/namespaces/${namespace}/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?$`).exec(url.pathname) ?? [];
    const resource = kindOrGroup as Resource;
    const objects = stored.get(resource);
    if (!objects) return send(404, { reason: 'NotFound', message: 'not found' });
    if (verb !== undefined && name !== undefined) {
      front.asked.push(`${request.method} ${resource}/${name}/${verb}`);
      await json(request);
      onVerb(front, verb, name);
      return void answer.writeHead(202).end();
    }
    if (request.method === 'POST') {
      const object = (await json(request)) as KubeObject & { metadata: { generateName?: string } };
      const made = { ...object, metadata: { ...object.metadata, name: `${object.metadata.generateName}x1` } };
      front.put(resource, made);
      return send(201, made);
    }
    if (name !== undefined) {
      const found = objects.get(name);
      return found ? send(200, found) : send(404, { reason: 'NotFound', message: `${name} not found` });
    }
    if (url.searchParams.get('watch') === 'true') {
      answer.writeHead(200).flushHeaders();
      watchers.get(resource)?.add(answer);
      answer.on('close', () => watchers.get(resource)?.delete(answer));
      return;
    }
    send(200, { metadata: { resourceVersion: String(version) }, items: [...objects.values()] });
  };

  const upstream = (request: IncomingMessage) =>
    httpsRequest({
      host: '127.0.0.1',
      port,
      method: request.method,
      path: request.url,
      headers: request.headers,
      rejectUnauthorized: false,
    });

  const server = createServer((request, answer) => {
    const url = new URL(request.url ?? '', 'http://front');
    if (url.pathname.startsWith(GROUP) || url.pathname.startsWith(SUBRESOURCES)) return void own(request, answer, url);
    const onward = upstream(request);
    onward.on('response', (response) => {
      if (url.pathname === '/apis') return void withGroup(response, answer);
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    request.pipe(onward);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.startsWith(SUBRESOURCES)) return serveConsole(request, socket);
    const onward = upstream(request);
    onward.on('upgrade', (response, far, farHead) => {
      const headers = response.rawHeaders
        .map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
        .join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
      socket.write(farHead);
      far.write(head);
      for (const end of [far, socket]) end.on('error', () => [far, socket].forEach((one) => one.destroy()));
      socket.pipe(far).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(front, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function withGroup(response: IncomingMessage, answer: ServerResponse): Promise<void> {
  const list = (await json(response)) as { groups: object[] };
  const version = { groupVersion: 'kubevirt.io/v1', version: 'v1' };
  const groups = [...list.groups, { name: 'kubevirt.io', versions: [version], preferredVersion: version }];
  answer.end(JSON.stringify({ ...list, groups }));
}

/** A serial line that greets, and gives back in capitals what it is sent. */
function serveConsole(request: IncomingMessage, socket: Duplex): void {
  if (request.headers['sec-websocket-protocol'] !== 'plain.kubevirt.io') return void socket.destroy();
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  const frame = (opcode: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)]);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: plain.kubevirt.io\r\n\r\n`,
  );
  socket.write(frame(9, 'are you there'));
  socket.write(frame(2, 'login: '));
  const frames = new FrameReader('client');
  socket.on('data', (bytes: Buffer) => {
    for (const { opcode, payload } of frames.take(bytes)) {
      if (opcode === 2) socket.write(frame(2, payload.toString().toUpperCase()));
      if (opcode === 10) socket.write(frame(2, `[${payload.toString()}]`));
      if (opcode === 8) socket.end();
    }
  });
  socket.on('error', () => socket.destroy());
}
