// The provider against a Kubernetes with a kubelet that really runs pods: shells, exit codes, logs, port-forwarding, a
// rollout that is seen converging, and why a container fails.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { KubernetesProvider } from '../../../src/inventory/kubernetes/kubernetes-provider';
import type { Item, Metric } from '../../../src/inventory/provider';
import { Daemon } from '../../support/engines/daemon';
import { ScriptedDesk, eventually, type Script } from '../../support/engines/desk';
import { freePort, startKubernetes, type TestCluster } from '../../support/engines/kubernetes';
import { NODE_IMAGE, startNode } from '../../support/engines/kubernetes-node';
import { startKubeVirt, type KubeVirtFront } from '../../support/engines/kubevirt';
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

  it('searches logs', async () => {
    const all = (await cluster.kubectl('logs', 'talker')).split('\n').length;
    const desk = await run('logsSearch', [pod('talker')], { ask: ['LINE 1'] });
    const lines = (desk.documents[0]?.text ?? '').trim().split('\n');
    assert.ok(lines.length < all + 2 && lines.every((line) => /Z line \d*1\d*$/.test(line)), lines.join('\n'));
    assert.match((await run('logsSearch', [pod('talker')], { ask: ['no such'] })).documents[0]?.text ?? '', /^No line/);
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

  it("measures pods, containers and nodes by the kubelet's own figures", async () => {
    const named = async (id: string): Promise<Map<string, Metric>> =>
      new Map((await provider.metrics(id, patience()))?.map((metric) => [metric.name, metric]));
    const isMeasured = async (): Promise<boolean> => ((await named(pod('web'))).get('Memory')?.value ?? 0) > 0;
    await eventually(isMeasured, 'the kubelet has measured the pod', 30);
    const ofPod = await named(pod('web'));
    const ofContainer = await named('container/default/web/main');
    const ofNode = await named('object///nodes/localhost');
    assert.equal(ofPod.get('Memory')?.limit, 32 << 20);
    assert.equal(ofPod.get('CPU')?.limit, 0.5);
    for (const one of [ofPod, ofContainer]) {
      const memory = one.get('Memory')?.value ?? 0;
      assert.ok(memory > 10_000 && memory < 32 << 20, String(memory));
    }
    const memory = ofNode.get('Memory');
    assert.ok(memory && memory.value > 1 << 26 && memory.value < (memory.limit ?? 0), JSON.stringify(memory));
    for (const name of ['CPU', 'Network received', 'Network sent', 'Disk used']) assert.ok(ofNode.get(name), name);
    assert.equal(await provider.metrics(pod('none'), patience()), undefined);
  });

  describe('with machines of KubeVirt (whose part is played)', () => {
    const MACHINES = 'category/default/machines';
    const TUB = 'object/default/kubevirt.io/virtualmachines/tub';
    const domain = { cpu: { cores: 2 }, memory: { guest: '64Mi' } };
    let front: KubeVirtFront;
    let machines: KubernetesProvider;
    let watched: WatchedTree;

    /** The hypervisor's part: the state that a verb leads to. */
    const play = (kubevirt: KubeVirtFront, verb: string, name: string): void => {
      const isOn = verb !== 'stop';
      const word = { start: 'Running', restart: 'Running', unpause: 'Running', pause: 'Paused' }[verb] ?? 'Stopped';
      const conditions = word === 'Paused' ? [{ type: 'Paused', status: 'True' }] : [];
      const spec = { template: { spec: { domain } } };
      kubevirt.put('virtualmachines', { metadata: { name }, spec, status: { printableStatus: word, conditions } });
      const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: `virtualmachines-${name}` };
      const metadata = { name, ownerReferences: [{ ...owner, controller: true }] };
      const status = { phase: 'Running', nodeName: 'localhost', conditions };
      if (isOn) kubevirt.put('virtualmachineinstances', { metadata, spec: { domain }, status });
      else kubevirt.remove('virtualmachineinstances', name);
    };

    before(async () => {
      const { clusters } = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as {
        clusters: [{ cluster: { server: string } }];
      };
      const { server } = clusters[0].cluster;
      front = await startKubeVirt(Number(new URL(server).port), 'default', play);
      play(front, 'stop', 'tub');
      const config = join(cluster.folder, 'front-config');
      writeFileSync(config, readFileSync(cluster.kubeconfig, 'utf8').replace(server, front.url));
      machines = new KubernetesProvider({ ...cluster.context, files: [config] });
      await machines.connect(patience());
      watched = new WatchedTree(machines, [MACHINES]);
    });
    after(() => {
      watched?.dispose();
      machines?.dispose();
      front?.dispose();
    });

    const act = async (action: string, id: string, script: Script = {}): Promise<ScriptedDesk> => {
      const desk = new ScriptedDesk(script);
      await machines.run(action, [id], desk.run());
      return desk;
    };

    it('shows them as machines, where the cluster has their kind', async () => {
      const categories = async (one: KubernetesProvider): Promise<string[]> =>
        (await one.children('namespace/default', patience())).map(({ label }) => label);
      assert.ok((await categories(machines)).includes('Virtual Machines'));
      assert.ok(!(await categories(provider)).includes('Virtual Machines'));
      const [tub] = await machines.children(MACHINES, patience());
      assert.equal(`${tub?.label} ${tub?.state} ${tub?.description}`, 'tub stopped Stopped · 2 CPUs · 64Mi');
      assert.deepEqual(
        tub?.actions.filter((action) => ['start', 'stop', 'pause', 'migrate', 'debug', 'console'].includes(action)),
        ['start'],
      );
      const custom = await machines.children('category/default/custom', patience());
      assert.ok(!custom.some(({ label }) => label === 'VirtualMachines'));
    });

    it('starts, pauses, restarts and stops them, and hears of it within a second', async () => {
      const steps: [string, Item['state']][] = [
        ['start', 'running'],
        ['pause', 'paused'],
        ['unpause', 'running'],
        ['restart', 'running'],
        ['stop', 'stopped'],
        ['start', 'running'],
      ];
      const isSo = (state: Item['state']) => (rows: Item[]) =>
        rows.some((row) => row.kind === 'VirtualMachine' && row.state === state);
      for (const [action, state] of steps) await watched.after(() => act(action, TUB), isSo(state));
      assert.deepEqual(front.asked, [
        'PUT virtualmachines/tub/start',
        'PUT virtualmachineinstances/tub/pause',
        'PUT virtualmachineinstances/tub/unpause',
        'PUT virtualmachines/tub/restart',
        'PUT virtualmachines/tub/stop',
        'PUT virtualmachines/tub/start',
      ]);
      const [instance] = await machines.children(TUB, patience());
      assert.equal(
        `${instance?.kind} ${instance?.description}`,
        'VirtualMachineInstance Running · 2 CPUs · 64Mi · on localhost',
      );
    });

    it('opens the serial console', async () => {
      const { terminal } = await act('console', TUB);
      // The answer to the server's question whether somebody is there comes back between brackets.
      await terminal.shows(/^login: \[are you there\]/);
      terminal.type('root\n');
      await terminal.shows(/ROOT/);
      terminal.stream.dispose();
    });

    it('migrates them once that is confirmed', async () => {
      await act('migrate', TUB, { confirm: false });
      assert.equal(front.objects('virtualmachineinstancemigrations').length, 0);
      const desk = await act('migrate', TUB, { confirm: true });
      const [migration] = front.objects('virtualmachineinstancemigrations');
      assert.deepEqual([migration?.spec, migration?.kind], [{ vmiName: 'tub' }, 'VirtualMachineInstanceMigration']);
      assert.deepEqual(desk.told, ['Migration tub-x1 has begun.']);
    });

    it("leads a debugger to the gdb stub of a real QEMU, opened through its monitor in the machine's pod", async function () {
      const { command } = requireLab(this, await lab.qemu());
      await assert.rejects(act('debug', TUB), /No pod runs tub at present/);
      const monitor = join(cluster.folder, 'monitor');
      mkdirSync(join(cluster.folder, 'qemu'));
      const qemu = new Daemon(
        [
          ...[command, '-machine', 'q35', '-m', '16', '-display', 'none', '-nodefaults', '-S'],
          ...['-monitor', `unix:${monitor},server=on,wait=off`],
        ],
        join(cluster.folder, 'qemu'),
      );
      try {
        await qemu.start(() => access(monitor));
        await cluster.apply(launcher('virtualmachineinstances-tub', monitor));
        const isRunning = async (): Promise<boolean> =>
          (await cluster.kubectl('get', 'pod', 'launcher', '-o', 'jsonpath={.status.containerStatuses[0].ready}')) ===
          'true';
        await eventually(isRunning, 'the pod runs', 30);
        const isMeasured = async (): Promise<boolean> => (await machines.metrics(TUB, patience()))?.[0]?.name === 'CPU';
        await eventually(isMeasured, 'the pod of the machine is measured', 40);
        const desk = await act('debug', TUB);
        const { gdb, request } = desk.debugged[0] as { gdb: string; request: string };
        assert.equal(request, 'attach');
        assert.match(await firstAnswer(Number(gdb.split(':')[1]), '$qSupported#37'), /PacketSize=/);
        desk.terminal.stream.dispose();
        await assert.rejects(firstAnswer(Number(gdb.split(':')[1]), '$?#3f'));
        const orders = (): Promise<string> => cluster.kubectl('exec', 'launcher', '--', 'cat', '/tmp/orders');
        await eventually(async () => (await orders()).endsWith('gdbserver none'), 'the stub is closed', 10);
        assert.match(await orders(), /^qemu-monitor-command --hmp default_tub gdbserver tcp:127\.0\.0\.1:\d+\n/);
      } finally {
        await qemu.end('SIGKILL');
      }
    });
  });
});

/** What a gdb stub says first after a packet; rejects where nobody listens. */
const firstAnswer = (port: number, packet: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(packet));
    let said = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`only ${said}`)));
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (!/#[0-9a-f]{2}$/.test(said)) return;
      socket.destroy();
      resolve(said);
    });
    socket.on('error', reject);
  });

/** A pod as KubeVirt makes one for a machine. Its virsh hands an order to QEMU's monitor, as libvirt would. */
function launcher(owner: string, monitor: string): string {
  const send = `const s=require("net").connect(${JSON.stringify(monitor)});s.on("data",d=>process.stdout.write(d));s.write(process.argv[1]+"\\n");setTimeout(()=>s.destroy(),300)`;
  const virsh = ['#!/bin/sh', 'echo "$@" >> /tmp/orders', `exec chroot /host ${process.execPath} -e '${send}' "$4"`];
  const command = ['/bin/sh', '-c', `echo "$VIRSH" > /bin/virsh; chmod +x /bin/virsh; exec sh -c "$LIVES_ON"`];
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'launcher',
      labels: { 'kubevirt.io': 'virt-launcher' },
      ownerReferences: [
        { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'tub', uid: owner, controller: true },
      ],
    },
    spec: {
      hostNetwork: true,
      terminationGracePeriodSeconds: 1,
      volumes: [{ name: 'host', hostPath: { path: '/' } }],
      containers: [
        {
          name: 'compute',
          image: NODE_IMAGE,
          imagePullPolicy: 'Never',
          command,
          env: [
            { name: 'VIRSH', value: virsh.join('\n') },
            { name: 'LIVES_ON', value: LIVES_ON[2] },
          ],
          volumeMounts: [{ name: 'host', mountPath: '/host' }],
        },
      ],
    },
  });
}

function manifest(port: number): string {
  const container = (command: readonly string[]): string =>
    `{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ${JSON.stringify(command)}, ports: [{ containerPort: ${port}, name: http }], resources: { limits: { cpu: 500m, memory: 32Mi } } }`;
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
