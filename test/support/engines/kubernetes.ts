// A Kubernetes control plane for tests: etcd, the API server, and where they are there the controllers and the scheduler;
// private folders, free ports of 127.0.0.1, one token with all rights and one with few.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ClusterContext } from '../../../src/inventory/kubernetes/contexts';
import { run } from '../lab/command';
import type { KubernetesServers } from '../lab/lab';
import { Daemon, privateFolder, removeFolder } from './daemon';

/** A running control plane. */
export interface TestCluster {
  readonly context: ClusterContext;
  /** The same cluster with a user who may only look at the namespace `open`. */
  readonly limited: ClusterContext;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly apiServer: Daemon;
  /** Runs kubectl; gives its output without the last line end. */
  kubectl(...args: string[]): Promise<string>;
  /** Creates or changes what the manifest says. */
  apply(manifest: string): Promise<string>;
  startApiServer(): Promise<void>;
  dispose(): Promise<void>;
}

const TOKEN = 'vmxray-admin-token';
const LIMITED = 'vmxray-limited-token';

/** A port of 127.0.0.1 that nobody listens on at present. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Starts everything that `servers` has. */
export async function startKubernetes(servers: KubernetesServers, etcd: string, kubectl: string): Promise<TestCluster> {
  const folder = privateFolder('k8s');
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const key = file('service-account.key', privateKey);
  const publicFile = file('service-account.pub', publicKey);
  const tokens = file('tokens.csv', `${TOKEN},admin,1,"system:masters"\n${LIMITED},limited,2\n`);
  const kubeconfig = file('config', kubeconfigOf(port));
  mkdirSync(join(folder, 'certs'));

  const etcdUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const store = new Daemon(
    [
      etcd,
      ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`, '--unsafe-no-fsync', '--log-level', 'error'],
    ],
    privateSub(folder, 'etcd-log'),
  );
  const apiServer = new Daemon(
    [
      servers.apiServer,
      ...[`--etcd-servers=${etcdUrl}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'],
      ...[`--cert-dir=${join(folder, 'certs')}`, `--token-auth-file=${tokens}`, '--authorization-mode=RBAC'],
      ...[`--service-account-key-file=${publicFile}`, `--service-account-signing-key-file=${key}`],
      ...['--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.96.0.0/24'],
      '--disable-admission-plugins=ServiceAccount',
    ],
    privateSub(folder, 'api-log'),
  );
  const controllers = servers.controllerManager && [
    servers.controllerManager,
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--port=0', '--secure-port=0'],
    '--controllers=*,-bootstrapsigner,-tokencleaner,-csrsigning,-csrapproving',
  ];
  const scheduler = servers.scheduler && [
    servers.scheduler,
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--port=0', '--secure-port=0'],
  ];
  const others = [controllers, scheduler].flatMap((line, index) =>
    line ? [new Daemon(line, privateSub(folder, `other-${index}`))] : [],
  );
  const control = async (...args: string[]): Promise<string> =>
    (await run(kubectl, ['--kubeconfig', kubeconfig, ...args], { timeout: 30_000 })).trimEnd();
  const cluster: TestCluster = {
    context: { name: 'test', files: [kubeconfig], namespace: 'default' },
    limited: { name: 'limited', files: [kubeconfig], namespace: 'open' },
    kubeconfig,
    folder,
    apiServer,
    kubectl: control,
    // Without the first line a manifest that begins with a brace is taken for JSON.
    apply: (manifest) => control('apply', '-f', file('manifest.yaml', `---\n${manifest}`)),
    startApiServer: () => apiServer.start(() => isReady(port), 60),
    dispose: async () => {
      for (const daemon of [...others, apiServer, store]) await daemon.end();
      await removeFolder(folder);
    },
  };
  try {
    await store.start(() => connects(client));
    await cluster.startApiServer();
    await Promise.all(others.map((daemon) => daemon.start(() => Promise.resolve())));
    return cluster;
  } catch (error) {
    await cluster.dispose();
    throw error;
  }
}

function privateSub(folder: string, name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

function kubeconfigOf(port: number): string {
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const context = (user: string, namespace: string): object => ({ cluster: 'test', user, namespace });
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [
      { name: 'admin', user: { token: TOKEN } },
      { name: 'limited', user: { token: LIMITED } },
    ],
    contexts: [
      { name: 'test', context: context('admin', 'default') },
      { name: 'limited', context: context('limited', 'open') },
    ],
    'current-context': 'test',
  });
}

function isReady(port: number): Promise<void> {
  const headers = { Authorization: `Bearer ${TOKEN}` };
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/readyz', headers, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      if (answer.statusCode === 200) resolve();
      else reject(new Error(`readyz answers ${answer.statusCode}`));
    });
    call.on('error', reject);
    call.end();
  });
}

async function connects(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`);
  if (!answer.ok) throw new Error(`etcd answers ${answer.status}`);
}
