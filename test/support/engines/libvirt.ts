// libvirtd for tests: in a mount namespace where its configuration, state and sockets are private folders. Its QEMUs run
// as root, without a security driver. Its network is this machine's, so that a debugger reaches its domains: the tests
// start no network but the test driver's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { run } from '../lab/command';
import { Daemon, privateFolder, removeControlGroups, removeFolder } from './daemon';

/** Folders of libvirt's that are private to a daemon here, by their names in its folder. */
const PRIVATE = { etc: '/etc/libvirt', lib: '/var/lib/libvirt', run: '/run/libvirt', cache: '/var/cache/libvirt' };

/** A running daemon and libvirt's own program. */
export interface TestLibvirt {
  readonly folder: string;
  readonly socket: string;
  readonly daemon: Daemon;
  /** A URI of this daemon's, such as of `qemu:///system`. */
  uri(name?: string): string;
  /** Runs virsh on `qemu:///system`; gives its output without the last line ends. */
  virsh(...args: string[]): Promise<string>;
  /** The same on another URI. */
  virshOn(name: string, ...args: string[]): Promise<string>;
  /** Starts the daemon (again). */
  start(): Promise<void>;
  /** Ends the daemon and all its machines, and removes everything. */
  dispose(): Promise<void>;
}

/** Starts libvirtd. */
export async function startLibvirtd(command: string, virshCommand: string): Promise<TestLibvirt> {
  const folder = privateFolder('virt');
  for (const name of [...Object.keys(PRIVATE), 'log', 'images']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'etc', 'libvirtd.conf'),
    `auth_unix_rw = "none"\nauth_unix_ro = "none"\nhost_uuid = "${randomUUID()}"\nlog_outputs = "3:stderr"\n`,
  );
  writeFileSync(
    join(folder, 'etc', 'qemu.conf'),
    [
      'user = "root"',
      'group = "root"',
      'security_driver = "none"',
      'dynamic_ownership = 0',
      'remember_owner = 0',
      'cgroup_controllers = []',
      'namespaces = []',
      'stdio_handler = "file"',
      '',
    ].join('\n'),
  );
  const mounts = Object.entries(PRIVATE).flatMap(([name, path]) => [join(folder, name), path]);
  // The script's words come as arguments: nothing of them is read as shell.
  const script = [
    'while [ "$1" != -- ]; do mkdir -p "$2" && mount --bind "$1" "$2" || exit 1; shift 2; done; shift',
    // The LXC driver knows only the old control groups where both are mounted.
    '[ ! -d /sys/fs/cgroup/memory ] || umount /sys/fs/cgroup/unified 2>/dev/null',
    'exec "$@"',
  ].join('; ');
  const daemon = new Daemon(
    [
      'unshare',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      ...mounts,
      '--',
      command,
      '--pid-file',
      join(folder, 'pid'),
      '--config',
      join(folder, 'etc', 'libvirtd.conf'),
    ],
    folder,
  );
  const socket = join(folder, 'run', 'libvirt-sock');
  const uri = (name = 'qemu:///system'): string => {
    const [driver = '', path = ''] = name.split('://');
    return `${driver}+unix://${path}?socket=${socket}`;
  };
  const virshOn = async (name: string, ...args: string[]): Promise<string> =>
    (
      await run(virshCommand, ['-q', '-c', uri(name), ...args], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    ).trimEnd();
  const virsh = (...args: string[]): Promise<string> => virshOn('qemu:///system', ...args);
  const start = (): Promise<void> => daemon.start(() => virsh('version'));
  const dispose = async (): Promise<void> => {
    // Their processes' command lines do not name the folder.
    const containers = await virshOn('lxc:///system', 'list', '--name').catch(() => '');
    for (const name of containers.split('\n').filter(Boolean))
      await virshOn('lxc:///system', 'destroy', name).catch(() => '');
    await daemon.end('SIGKILL');
    await removeFolder(folder);
    await removeControlGroups('machine');
  };
  const engine: TestLibvirt = { folder, socket, daemon, uri, virsh, virshOn, start, dispose };
  try {
    await start();
    return engine;
  } catch (error) {
    await dispose();
    throw error;
  }
}
