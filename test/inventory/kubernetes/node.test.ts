// The provider against a Kubernetes with a kubelet that really runs pods: shells, exit codes, logs, port-forwarding, a
// rollout that is seen converging, and why a container fails.
import assert from 'node:assert/strict';
import { KubernetesProvider } from '../../../src/inventory/kubernetes/kubernetes-provider';
import type { Item } from '../../../src/inventory/provider';
import { ScriptedDesk, eventually, type Script } from '../../support/engines/desk';
import { freePort, startKubernetes, type TestCluster } from '../../support/engines/kubernetes';
import { NODE_IMAGE, startNode } from '../../support/engines/kubernetes-node';
import { LIVES_ON } from '../../support/engines/rootfs';
import { patience, rowsBelow, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

const WORKLOADS = 'category/default/workloads';

describe('inventory: a real Kubernetes with a node', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  let endNode: (() => Promise<void>) | undefined;
  let provider: KubernetesProvider;
  let tree: WatchedTree;
  let port = 0;

  before(async function () {
    this.timeout(300_000);
    const servers = requireLab(this, await lab.kubernetes());
    const { kubelet = '', scheduler, controllerManager } = servers;
    if (kubelet === '' || !scheduler || !controllerManager) {
      requireLab(this, {
        missing: 'the kubelet, the scheduler or the controllers are not in VMXRAY_KUBERNETES nor on PATH.',
      });
    }
    const etcd = requireLab(this, await lab.etcd());
    const kubectl = requireLab(this, await lab.kubectl());
    const containerd = requireLab(this, await lab.containerd());
    const busybox = requireLab(this, await lab.busybox());
    cluster = await startKubernetes(servers, etcd.command, kubectl.command);
    endNode = await startNode(cluster, kubelet, containerd.command, busybox);
    port = await freePort();
    await cluster.apply(manifest(port));
    provider = new KubernetesProvider(cluster.context);
    await provider.connect(patience());
    tree = new WatchedTree(provider, [WORKLOADS]);
    await rowsBelow(provider, WORKLOADS);
    await tree.after(
      () => Promise.resolve(),
      (rows) => rows.filter(({ kind, state }) => kind === 'Pod' && state === 'running').length === 2,
      60_000,
    );
  });
  after(async function () {
    this.timeout(60_000);
    tree?.dispose();
    provider?.dispose();
    await endNode?.();
    await cluster?.dispose();
  });

  const pod = (name: string): string => `object/default//pods/${name}`;
  const run = async (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> => {
    const desk = new ScriptedDesk(script);
    await provider.run(action, ids, desk.run());
    return desk;
  };

  it('shows the node, and the pods on it', async () => {
    const [node] = await provider.children('type///nodes', patience());
    assert.equal(node?.label, 'localhost');
    assert.match(node?.description ?? '', /^Ready · v1\./);
    const [container] = await provider.children(pod('web'), patience());
    assert.equal(`${container?.label} ${container?.state}`, 'main running');
  });

  it('opens a shell whose size and exit code are right', async () => {
    const desk = await run('shell', [pod('web')]);
    const { terminal } = desk;
    terminal.type('echo $((6*7))\n');
    await terminal.shows(/\r\n42\r\n/);
    terminal.stream.resize?.(91, 27);
    const isResized = async (): Promise<boolean> => {
      terminal.type('stty size\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return /27 91/.test(terminal.text);
    };
    await eventually(isResized, 'a terminal of 27 lines', 5, () => terminal.text);
    terminal.type('exit 7\n');
    assert.equal(await terminal.ended, 'It ended with exit code 7.');
  });

  it('runs a command without any shell', async () => {
    const desk = await run('exec', ['container/default/web/main'], { ask: [`echo '$HOME;' "x  y"`] });
    assert.equal(await desk.terminal.ended, undefined);
    assert.equal(desk.terminal.text, '$HOME; x  y\r\n');
  });

  it('follows logs, and shows them since a time', async () => {
    const desk = await run('logs', [pod('talker')]);
    await desk.terminal.shows(/line 1\r\n[^]*line 2\r\n/);
    desk.terminal.stream.dispose();
    const shown = await run('logsSince', [pod('talker')], { choose: ['The beginning'] });
    assert.match(shown.documents[0]?.text ?? '', /^\S+Z line 1\n/);
    assert.equal(
      (shown.documents[0]?.text ?? '').split('\n')[0],
      (await cluster.kubectl('logs', 'talker', '--timestamps')).split('\n')[0],
    );
  });

  it('forwards a port, by the pod and by its Service', async () => {
    for (const id of [pod('web'), 'object/default//services/web']) {
      const desk = await run('portForward', [id], { ask: ['0'] });
      await desk.terminal.shows(/^127\.0\.0\.1:\d+ leads to port/);
      const local = /^127\.0\.0\.1:(\d+)/.exec(desk.terminal.text)?.[1];
      const answer = await fetch(`http://127.0.0.1:${local}/page`, { signal: patience() });
      assert.equal(await answer.text(), 'served by the pod\n');
      desk.terminal.stream.dispose();
      await assert.rejects(fetch(`http://127.0.0.1:${local}/page`, { signal: patience() }));
    }
  });

  it('sees a Deployment scale, roll out and fail, with the reason', async () => {
    const id = 'object/default/apps/deployments/crew';
    const crew = (rows: readonly Item[]): Item | undefined =>
      rows.find(({ kind, label }) => kind === 'Deployment' && label === 'crew');
    const isAt = (count: number) => (rows: Item[]) =>
      crew(rows)?.state === 'running' && (crew(rows)?.description ?? '') === `${count} of ${count} ready`;
    await tree.after(() => run('scale', [id], { ask: ['2'] }), isAt(2), 30_000);
    assert.equal(await cluster.kubectl('get', 'deployment', 'crew', '-o', 'jsonpath={.status.readyReplicas}'), '2');
    const hasFailed = (rows: Item[]): boolean =>
      rows.some(
        ({ kind, state, description = '' }) =>
          kind === 'Pod' &&
          state === 'failed' &&
          /RunContainerError|CrashLoopBackOff|CreateContainerError|no-such-program/.test(description),
      );
    const patch = JSON.stringify({
      spec: { template: { spec: { containers: [{ name: 'main', command: ['/no-such-program'] }] } } },
    });
    const rows = await tree.after(() => cluster.kubectl('patch', 'deployment', 'crew', '-p', patch), hasFailed, 30_000);
    const failed = rows.find(({ kind, state }) => kind === 'Pod' && state === 'failed');
    assert.ok(failed?.facts?.some(({ name, value }) => name === 'Why' && value !== ''));
    await tree.after(() => run('rolloutUndo', [id], { choose: ['Revision 1'] }), isAt(2), 30_000);
  });
});

function manifest(port: number): string {
  const container = (command: readonly string[]): string =>
    `{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ${JSON.stringify(command)}, ports: [{ containerPort: ${port}, name: http }] }`;
  const quiet = `{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ${JSON.stringify(LIVES_ON)} }`;
  const spec = (one: string): string => `{ hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [${one}] }`;
  const serve = `mkdir -p /www && echo "served by the pod" > /www/page && exec httpd -f -p 127.0.0.1:${port} -h /www`;
  return `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: ${spec(container(['/bin/sh', '-c', serve]))}
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }
---
apiVersion: v1
kind: Pod
metadata: { name: talker }
spec: ${spec(`{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ["/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 1; done"] }`)}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: crew }
spec:
  replicas: 0
  selector: { matchLabels: { app: crew } }
  template: { metadata: { labels: { app: crew } }, spec: ${spec(quiet)} }
`;
}
