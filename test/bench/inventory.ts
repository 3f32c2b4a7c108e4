// Measures the tree with 5,000 containers and with 5,000 pods, served by a fake engine in a process of its own: the time
// to the first listing, the time from an engine's event to the rows read again, and the memory that it all takes.
//   node test/bench/run.mjs inventory
// Ends with 1 where a limit is passed: 1 s, 100 ms, 100 MB.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DockerProvider } from '../../src/inventory/docker/docker-provider';
import { KubernetesProvider } from '../../src/inventory/kubernetes/kubernetes-provider';
import type { Item, Provider } from '../../src/inventory/provider';

const COUNT = 5000;
const UPDATES = 50;
const LIMITS = { firstMs: 1000, updateMs: 100, megabytes: 100 };

const hex = (index: number): string => index.toString(16).padStart(64, '0');
const env = Array.from({ length: 20 }, (_, index) => ({
  name: `VARIABLE_${index}`,
  value: `a value of some length ${index}`,
}));

const container = (index: number, state: string): object => ({
  Id: hex(index),
  Names: [`/worker-${index}`],
  Image: 'registry.example/team/worker:2026.11',
  ImageID: `sha256:${hex(7)}`,
  Command: '/usr/bin/worker --queue default --verbose',
  Created: 1_790_000_000 - index,
  State: state,
  Status: 'Up 3 hours',
  Ports: [{ PrivatePort: 80, PublicPort: 20_000 + index, Type: 'tcp', IP: '0.0.0.0' }],
  Labels: Object.fromEntries(env.map(({ name, value }) => [name, value])),
  NetworkSettings: { Networks: { bridge: { NetworkID: hex(3), IPAddress: '172.17.0.2' } } },
  Mounts: [],
  HostConfig: { NetworkMode: 'default' },
});

const inspected = (index: number, state: string): object => ({
  Id: hex(index),
  Name: `/worker-${index}`,
  Created: '2026-11-21T00:00:00Z',
  Path: 'worker',
  Args: [],
  State: { Status: state, ExitCode: 0 },
  Config: { Image: 'worker', Labels: {} },
  NetworkSettings: { Ports: {}, Networks: {} },
});

const pod = (index: number, phase: string, version: number): object => ({
  metadata: {
    name: `worker-${index}`,
    namespace: 'default',
    uid: hex(index),
    resourceVersion: String(version),
    creationTimestamp: '2026-11-21T00:00:00Z',
    labels: { app: 'worker', 'pod-template-hash': 'abc' },
    managedFields: [{ manager: 'kubelet', fieldsV1: Object.fromEntries(env.map(({ name }) => [name, {}])) }],
  },
  spec: {
    nodeName: 'node-1',
    containers: [{ name: 'main', image: 'worker:1', env, resources: { limits: { cpu: '1', memory: '1Gi' } } }],
  },
  status: {
    phase,
    podIP: '10.0.0.1',
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True' })),
    containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: {} }, image: 'worker:1' }],
  },
});

/** The fake engines; a message with an index changes that container and that pod. */
function serve(): void {
  const listeners = new Set<ServerResponse>();
  const watchers = new Set<ServerResponse>();
  const states = new Map<number, string>();
  // Made once: what is measured is the provider, not this server.
  const pods = Array.from({ length: COUNT }, (_, index) => JSON.stringify(pod(index, 'Running', index)));
  let version = 1000;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://x');
    const send = (value: unknown): void => void response.end(JSON.stringify(value));
    const hear = (set: Set<ServerResponse>): void => {
      set.add(response);
      response.on('close', () => set.delete(response));
      response.writeHead(200).flushHeaders();
    };
    const one = /^\/containers\/0*([0-9a-f]*)\/json$/.exec(url.pathname);
    const all = Array.from({ length: COUNT }, (_, index) => index);
    if (url.searchParams.get('watch')) return url.pathname.endsWith('/pods') ? hear(watchers) : hear(new Set());
    if (url.pathname === '/events') return hear(listeners);
    if (one)
      return send(
        inspected(Number.parseInt(`0${one[1]}`, 16), states.get(Number.parseInt(`0${one[1]}`, 16)) ?? 'running'),
      );
    switch (url.pathname) {
      case '/version':
        return send({ Version: 'fake', ApiVersion: '1.41', gitVersion: 'v1.fake' });
      case '/containers/json':
        return send(all.map((index) => container(index, states.get(index) ?? 'running')));
      case '/apis':
        return send({ groups: [] });
      case '/api/v1':
        return send({
          groupVersion: 'v1',
          resources: [{ name: 'pods', kind: 'Pod', namespaced: true, verbs: ['list', 'watch'] }],
        });
      default: {
        const start = Number(url.searchParams.get('continue') ?? 0);
        const end = start + Number(url.searchParams.get('limit') ?? COUNT);
        const metadata = JSON.stringify({ resourceVersion: '1000', ...(end < COUNT && { continue: String(end) }) });
        return void response.end(`{"metadata":${metadata},"items":[${pods.slice(start, end).join(',')}]}`);
      }
    }
  };
  const server = createServer(answer);
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', (index: number) => {
    states.set(index, 'paused');
    version += 1;
    const event = { Type: 'container', Action: 'pause', Actor: { ID: hex(index), Attributes: {} }, time: 0 };
    for (const listener of listeners) listener.write(`${JSON.stringify(event)}\n`);
    for (const watcher of watchers)
      watcher.write(`${JSON.stringify({ type: 'MODIFIED', object: pod(index, 'Succeeded', version) })}\n`);
  });
}

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
const megabytes = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
};
const patience = (): AbortSignal => AbortSignal.timeout(30_000);

async function measure(name: string, provider: Provider, parent: string, server: ChildProcess): Promise<boolean> {
  const before = megabytes();
  await provider.connect(patience());
  let heard: () => void = () => undefined;
  const watch = provider.watch(
    () => heard(),
    (why) => console.log(`${name}: lost: ${why.message}`),
  );
  // As the tree does: the watch stands when the first branch is opened.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const rows = await provider.children(parent, patience());
  const firstMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  if (rows.length !== COUNT) throw new Error(`${name}: ${rows.length} rows`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const times: number[] = [];
  for (let index = 0; index < UPDATES; index += 1) {
    const changed = `worker-${index}`;
    const isNew = (row: Item): boolean => row.label === changed && row.state !== 'running';
    const from = performance.now();
    const told = new Promise<void>((resolve) => (heard = resolve));
    server.send(index);
    await told;
    while (!(await provider.children(parent, patience())).some(isNew))
      await new Promise<void>((resolve) => (heard = resolve));
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const updateMs = times[Math.floor(times.length * 0.9)] ?? 0;
  const grown = megabytes() - before;
  watch.dispose();
  provider.dispose();
  const figures = `first listing ${firstMs.toFixed(0)} ms (${((user + system) / 1000).toFixed(0)} ms of CPU), update ${times[times.length >> 1]?.toFixed(0)} ms (90%: ${updateMs.toFixed(0)} ms), memory ${grown.toFixed(0)} MB`;
  const isWithin = firstMs < LIMITS.firstMs && updateMs < LIMITS.updateMs && grown < LIMITS.megabytes;
  console.log(`${name}: ${figures}${isWithin ? '' : '  OVER THE LIMIT'}`);
  return isWithin;
}

async function main(): Promise<void> {
  const server = fork(__filename, ['--serve']);
  const folder = mkdtempSync(join(tmpdir(), 'vmxray-bench-'));
  try {
    const port = await new Promise<number>((resolve) => server.once('message', resolve));
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port } as const;
    const docker = new DockerProvider({ id: 'docker:fake', label: 'Docker', endpoint, source: 'bench' });
    const kubeconfig = join(folder, 'config');
    const clusters = [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }];
    const contexts = [{ name: 'fake', context: { cluster: 'c' } }];
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, contexts, users: [] }));
    const kubernetes = new KubernetesProvider({ name: 'fake', files: [kubeconfig], namespace: 'default' });
    const results = [
      await measure(`${COUNT} containers`, docker, 'folder:containers', server),
      await measure(`${COUNT} pods`, kubernetes, 'category/default/workloads', server),
    ];
    process.exitCode = results.every((one) => one) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
    server.kill();
  }
}

if (process.argv.includes('--serve')) serve();
else {
  main().catch((error: Error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
