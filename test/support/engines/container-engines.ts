// dockerd and podman for tests: private roots, a private socket, one small image. What they change of this machine
// (a bridge, control groups, mounts) is taken back.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { basename, delimiter, join } from 'node:path';
import type { EngineContext } from '../../../src/inventory/docker/discovery';
import { run } from '../lab/command';
import { Daemon, PrivateNetwork, privateFolder, removeControlGroups, removeFolder } from './daemon';
import { REGISTRY } from './registry';
import { rootfs } from './rootfs';

/** The image of the tests, by the name that both engines know. */
export const IMAGE = 'localhost/bb:2';

/** A running engine and its own program. */
export interface TestEngine {
  readonly name: 'docker' | 'podman';
  readonly context: EngineContext;
  readonly daemon: Daemon;
  /** What is put before a command line to run it in the engine's network namespace. */
  readonly enter: readonly string[];
  /** Runs the engine's own program; gives its output without the last line end. */
  cli(...args: string[]): Promise<string>;
  /** Starts the daemon (again). */
  start(): Promise<void>;
  /** Removes everything. */
  dispose(): Promise<void>;
}

const context = (name: 'docker' | 'podman', socket: string): EngineContext => ({
  id: `${name}:test`,
  label: name === 'docker' ? 'Docker' : 'Podman',
  endpoint: { kind: 'socket', path: socket },
  source: 'test',
});

async function importImage(engine: Pick<TestEngine, 'cli'>, folder: string, busybox: string): Promise<void> {
  const tar = join(folder, 'rootfs.tar');
  writeFileSync(tar, await rootfs(busybox));
  await engine.cli('import', '-c', 'ENV PATH=/bin:/sbin', '-c', 'CMD ["/bin/sh"]', tar, IMAGE);
}

/** Starts dockerd with the test image. */
export async function startDockerd(command: string, client: string, busybox: string): Promise<TestEngine> {
  const folder = privateFolder('dockerd');
  const socket = join(folder, 'docker.sock');
  const network = new PrivateNetwork(folder);
  const args = ['--data-root', join(folder, 'root'), '--exec-root', join(folder, 'exec')];
  args.push('--pidfile', join(folder, 'pid'), '-H', `unix://${socket}`, '--storage-driver', 'overlay2');
  args.push('--exec-opt', 'native.cgroupdriver=cgroupfs', '--config-file', join(folder, 'daemon.json'));
  args.push(
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
    '--shutdown-timeout',
    '3',
  );
  writeFileSync(join(folder, 'daemon.json'), '{}');
  const daemon = new Daemon([...network.enter, command, ...args], folder);
  const cli = async (...words: string[]): Promise<string> =>
    (await run(client, ['-H', `unix://${socket}`, ...words])).trimEnd();
  const start = (): Promise<void> => {
    // A containerd that ended with a killed dockerd counts as alive for it until this machine's init has taken note.
    rmSync(join(folder, 'exec', 'containerd', 'containerd.pid'), { force: true });
    return daemon.start(() => cli('version'));
  };
  const dispose = async (): Promise<void> => {
    const all = await cli('ps', '-aq').catch(() => '');
    if (all !== '') await cli('rm', '-f', ...all.split('\n')).catch(() => undefined);
    await daemon.end();
    await removeFolder(folder);
    network.dispose();
    await removeControlGroups('docker');
  };
  const { enter } = network;
  const engine: TestEngine = { name: 'docker', context: context('docker', socket), daemon, enter, cli, start, dispose };
  return prepared(engine, folder, busybox);
}

/** Starts podman's service with the test image. */
export async function startPodman(command: string, busybox: string): Promise<TestEngine> {
  const folder = privateFolder('podman');
  const socket = join(folder, 'podman.sock');
  mkdirSync(join(folder, 'networks'));
  writeFileSync(
    join(folder, 'storage.conf'),
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/root"\nrunroot = "${folder}/run"\n`,
  );
  writeFileSync(
    join(folder, 'containers.conf'),
    [
      '[containers]',
      // A container may not be given more than this process may have.
      'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
      '[engine]',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      'runtime = "runc"',
      `tmp_dir = "${folder}/tmp"`,
      `volume_path = "${folder}/volumes"`,
      '[network]',
      'network_backend = "netavark"',
      `network_config_dir = "${folder}/networks"`,
      '',
    ].join('\n'),
  );
  writeFileSync(join(folder, 'registries.conf'), `[[registry]]\nlocation = "${REGISTRY}"\ninsecure = true\n`);
  const env = {
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_CONF: join(folder, 'containers.conf'),
  };
  const network = new PrivateNetwork(folder);
  const service = [command, 'system', 'service', '--time=0', `unix://${socket}`];
  const daemon = new Daemon([...network.enter, ...service], folder, env);
  const cli = async (...words: string[]): Promise<string> =>
    (
      await run('nsenter', [...network.enter.slice(1), command, ...words], { env: { ...process.env, ...env } })
    ).trimEnd();
  const start = (): Promise<void> => daemon.start(() => ping(socket));
  const dispose = async (): Promise<void> => {
    await cli('pod', 'rm', '-fa').catch(() => undefined);
    const ids = (await cli('ps', '-aq').catch(() => '')).split('\n').filter((id) => id !== '');
    const inspected = await cli('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', ...ids).catch(() => '');
    await cli('rm', '-fa', '-t', '0').catch(() => undefined);
    // Of a container that a killed podman left behind, the network namespace stays.
    for (const path of inspected.split('\n').filter((one) => existsSync(one))) {
      spawnSync('ip', ['netns', 'delete', basename(path)]);
    }
    await daemon.end();
    await removeFolder(folder);
    network.dispose();
    await removeControlGroups('libpod_parent');
  };
  const { enter } = network;
  const engine: TestEngine = { name: 'podman', context: context('podman', socket), daemon, enter, cli, start, dispose };
  return prepared(engine, folder, busybox);
}

const ping = (socketPath: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = get({ socketPath, path: '/_ping' }, (answer) => {
      answer.resume();
      resolve();
    });
    request.on('error', reject);
  });

async function prepared(engine: TestEngine, folder: string, busybox: string): Promise<TestEngine> {
  try {
    await engine.start();
    await importImage(engine, folder, busybox);
    return engine;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/**
 * Builds an image of the name with BuildKit, whose cache stays, by the first docker program on the PATH that can: a newer
 * one needs a plugin for it. False where none can.
 */
export async function buildWithCache(
  { context: { endpoint } }: TestEngine,
  folder: string,
  image: string,
): Promise<boolean> {
  if (endpoint.kind !== 'socket') return false;
  const programs = new Set((process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'docker')));
  const args = ['-H', `unix://${endpoint.path}`, 'build', '-q', '-t', image, folder];
  const env = { ...process.env, DOCKER_BUILDKIT: '1' };
  for (const program of [...programs].filter((path) => existsSync(path))) {
    const isBuilt = await run(program, args, { env }).then(
      () => true,
      () => false,
    );
    if (isBuilt) return true;
  }
  return false;
}
