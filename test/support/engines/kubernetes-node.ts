// A node for the test cluster: containerd and a kubelet with private folders. Pods use the host's network, so that no
// bridge and no packet filter of this machine is touched; what the kubelet sets in /proc/sys is set back.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { run } from '../lab/command';
import { Daemon, privateFolder, removeControlGroups, removeFolder } from './daemon';
import { freePort, type TestCluster } from './kubernetes';
import { LIVES_ON, rootfs } from './rootfs';

/** The image that the node has. */
export const NODE_IMAGE = 'localhost/bb:2';

const SYSCTLS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/** Starts a node; the result ends it and takes back what it changed. */
export async function startNode(
  cluster: TestCluster,
  kubelet: string,
  containerd: string,
  busybox: string,
): Promise<() => Promise<void>> {
  const folder = privateFolder('node');
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const before = SYSCTLS.filter((name) => existsSync(join('/proc/sys', name))).map(
    (name) => [name, readFileSync(join('/proc/sys', name), 'utf8')] as const,
  );
  const socket = join(folder, 'containerd.sock');
  for (const name of ['cni', 'run', 'kubelet', 'containerd-log', 'kubelet-log']) mkdirSync(join(folder, name));
  // The node counts as ready only with a network; pods on the host's network never ask it for anything.
  file('cni/10-loopback.conf', JSON.stringify({ cniVersion: '0.3.1', name: 'lo', type: 'loopback' }));
  const containers = new Daemon(
    [containerd, '--config', file('containerd.toml', containerdConfig(folder, socket))],
    join(folder, 'containerd-log'),
  );
  const settings = kubeletSettings(await freePort());
  const node = new Daemon(
    [
      kubelet,
      ...[`--kubeconfig=${cluster.kubeconfig}`, `--config=${file('kubelet.json', JSON.stringify(settings))}`],
      ...[`--root-dir=${join(folder, 'kubelet')}`, `--cert-dir=${join(folder, 'kubelet', 'pki')}`],
      ...[
        '--container-runtime=remote',
        `--container-runtime-endpoint=unix://${socket}`,
        '--hostname-override=localhost',
      ],
    ],
    join(folder, 'kubelet-log'),
  );
  const ctr = (...args: string[]): Promise<string> =>
    run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args]);
  const end = async (): Promise<void> => {
    await node.end();
    // The kubelet's containers outlive it.
    const tasks = (await ctr('tasks', 'list', '-q').catch(() => '')).split('\n').filter((id) => id !== '');
    for (const id of tasks) await ctr('tasks', 'delete', '--force', id).catch(() => undefined);
    await containers.end();
    await removeFolder(folder);
    for (const [name, value] of before) writeFileSync(join('/proc/sys', name), value);
    await removeControlGroups('kubepods');
  };
  try {
    await containers.start(() => ctr('version'));
    await ctr('images', 'import', file('image.tar', await dockerArchive(await rootfs(busybox))));
    await node.start(async () => {
      const ready = await cluster.kubectl(
        'get',
        'node',
        'localhost',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      );
      if (ready !== 'True') throw new Error('the node is not ready');
    }, 60);
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}

const containerdConfig = (folder: string, socket: string): string => `version = 2
root = "${folder}/containerd"
state = "${folder}/run"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${NODE_IMAGE}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${folder}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
`;

const kubeletSettings = (port: number): object => ({
  kind: 'KubeletConfiguration',
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  address: '127.0.0.1',
  port,
  healthzPort: 0,
  readOnlyPort: 0,
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  failSwapOn: false,
  makeIPTablesUtilChains: false,
  enforceNodeAllocatable: [],
  oomScoreAdj: 0,
  evictionHard: { 'memory.available': '1Mi' },
  imageGCHighThresholdPercent: 100,
  nodeStatusUpdateFrequency: '2s',
});

/** An image of one layer, as `docker save` writes it. */
async function dockerArchive(layer: Buffer): Promise<Buffer> {
  const digest = createHash('sha256').update(layer).digest('hex');
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin:/sbin'], Cmd: LIVES_ON },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    history: [{ created_by: 'test' }],
  });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  const archive = pack();
  archive.entry({ name: 'layer.tar' }, layer);
  archive.entry({ name }, config);
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: name, RepoTags: [NODE_IMAGE], Layers: ['layer.tar'] }]),
  );
  archive.finalize();
  return buffer(Readable.from(archive));
}
