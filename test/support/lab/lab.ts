// The lab: the real guests and programs that tests compare the machine with, fetched once into a cache outside the
// checkout. On Linux with root and apt everything can be had; elsewhere a thing is used if the machine has it, else
// the answer says why not, and `requireLab` skips the test with that reason.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Context } from 'mocha';
import { cached } from './cache';
import { findCommand, run } from './command';
import { installPackages, unpackedPackages, type Architecture } from './debian';
import { BOOT_INIT, buildInitrd } from './initrd';
import { isAbsent, Missing, type Provided } from './missing';
import { npmPackages } from './npm';

export { BOOT_INIT } from './initrd';
export type { Provided } from './missing';

/** A stock kernel: absolute paths of the bzImage, its configuration and its modules (lib/modules/VERSION). */
export interface Kernel {
  image: string;
  config: string;
  modules: string;
  version: string;
}

/** The same kernel with its vmlinux: symbols and DWARF 5, 590 MB. */
export interface DebugKernel {
  image: string;
  vmlinux: string;
}

/** A program on this machine, with the line of its `--version` that tells the version. */
export interface Program {
  command: string;
  version: string;
}

/** Node 24: the binary and the folder that has its headers (include/node). */
export interface Node24 {
  command: string;
  folder: string;
}

/** Kubernetes' programs; a test that wants more than the API server looks whether the others are there. */
export interface KubernetesServers {
  apiServer: string;
  controllerManager: string | undefined;
  scheduler: string | undefined;
  kubelet: string | undefined;
}

/** A VS Code server (server-main.js) and the Node that runs it. */
export interface VsCodeServer {
  server: string;
  node: string;
}

/** A VS Code server and a browser to show it in. */
export interface BrowsedVsCode extends VsCodeServer {
  chromium: string;
}

/** v86 with what it boots a PC with: paths of its module, its WebAssembly, the BIOS and the VGA BIOS. */
export interface V86Emulator {
  module: string;
  wasm: string;
  bios: string;
  vgaBios: string;
}

const CODE_SERVER = 'code-server@4.139.1';
const V86 = 'v86@0.5.462';

// What a guest is made of: Debian's stock cloud kernel or the 686 one (32-bit, without PAE), and busybox.
const KERNELS: Readonly<Record<Architecture, string>> = { amd64: 'linux-image-cloud-amd64', i386: 'linux-image-686' };
const guestPackages = (architecture: Architecture): Promise<string> =>
  unpackedPackages(architecture, [{ name: KERNELS[architecture], dependency: true }, { name: 'busybox-static' }]);

/** The path of a gzip-compressed initrd: busybox, this init script (default BOOT_INIT) and more files by guest path. */
async function initrd(
  init: string = BOOT_INIT,
  architecture: Architecture = 'amd64',
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<string> {
  const busybox = readFileSync(join(await guestPackages(architecture), 'busybox-static', 'bin', 'busybox'));
  const content = buildInitrd({ busybox, init, files });
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const folder = await cached(`initrd-${architecture}-${hash}`, async (partial) => {
    writeFileSync(join(partial, 'initrd.gz'), content);
  });
  return join(folder, 'initrd.gz');
}

async function node24(): Promise<Node24> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(await npmPackages([`${name}@24`]), name);
  return { command: join(folder, 'bin', 'node'), folder };
}

async function v86(): Promise<V86Emulator> {
  const folder = join(await npmPackages([V86]), 'v86', 'build');
  const bios = join(await unpackedPackages('amd64', [{ name: 'seabios' }]), 'seabios', 'usr', 'share', 'seabios');
  return {
    module: join(folder, 'libv86.mjs'),
    wasm: join(folder, 'v86.wasm'),
    bios: join(bios, 'bios.bin'),
    vgaBios: join(bios, 'vgabios-stdvga.bin'),
  };
}

const qemu = () => program('qemu-system-x86', 'qemu-system-x86_64');
const qemuImg = () => program('qemu-utils', 'qemu-img');
const libvirtd = () =>
  daemon('libvirt-daemon-system libvirt-daemon-driver-lxc libvirt-clients qemu-system-x86 qemu-utils', 'libvirtd');
const virsh = () => program('libvirt-clients', 'virsh');
const bochs = () => program('bochs bochs-term', 'bochs', '--help');
const iasl = () => program('acpica-tools', 'iasl', '-v');
const gdb = () => program('gdb', 'gdb');
const gcc = () => program('gcc libc6-dev', 'gcc');
const podman = () => daemon('podman netavark runc', 'podman');
const dockerd = () => daemon('docker.io', 'dockerd');
const docker = () => program('docker.io', 'docker');
const etcd = () => program('etcd-server', 'etcd');
const kubectl = () => program('kubernetes-client', 'kubectl', 'version');
const containerd = () => daemon('docker.io containernetworking-plugins', 'containerd');
// A private container engine makes namespaces, mounts and control groups.
async function daemon(packages: string, name: string): Promise<Program> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Missing(`a private ${name} needs Linux and root.`);
  return program(packages, name);
}

const chromium = () => program('chromium fonts-dejavu-core', ['chromium', 'chromium-browser', 'google-chrome']);

/** A statically linked busybox, for small root file systems. */
const busybox = async (): Promise<string> => join(await guestPackages('amd64'), 'busybox-static', 'bin', 'busybox');

// Kubernetes' servers are in no Debian package, and building them takes far longer than the tests: they are in the folder
// or the archive that the environment names, in an archive of a folder `shared/lab` beside the checkout, or on PATH.
async function kubernetes(): Promise<KubernetesServers> {
  const named = process.env.VMXRAY_KUBERNETES ?? besideCheckout(/^kubernetes-.*-linux-amd64\.tar\.xz$/);
  const folder = named?.endsWith('.tar.xz') ? await unpackedArchive(named) : named;
  const find = (name: string): string | undefined =>
    folder && existsSync(join(folder, name)) ? join(folder, name) : findCommand(name);
  const apiServer = find('kube-apiserver');
  if (!apiServer) throw new Missing('kube-apiserver is neither on PATH nor in what VMXRAY_KUBERNETES names.');
  return {
    apiServer,
    controllerManager: find('kube-controller-manager'),
    scheduler: find('kube-scheduler'),
    kubelet: find('kubelet'),
  };
}

function besideCheckout(name: RegExp): string | undefined {
  const folder = join(process.cwd(), '..', 'shared', 'lab');
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((entry) => name.test(entry));
  return file && join(folder, file);
}

/** The folder of an archive's programs, unpacked once. */
async function unpackedArchive(file: string): Promise<string> {
  const folder = await cached(basename(file, '.tar.xz'), async (partial) => {
    await run('tar', ['-xJf', file, '-C', partial]);
  }).catch((error: Error) => {
    throw new Missing(`${basename(file)} could not be unpacked: ${error.message}`);
  });
  const [only, ...others] = readdirSync(folder);
  return only !== undefined && others.length === 0 ? join(folder, only) : folder;
}

async function codeServer(): Promise<BrowsedVsCode> {
  const browser = await chromium();
  return { ...(await vsCodeServer()), chromium: browser.command };
}

async function vsCodeServer(): Promise<VsCodeServer> {
  const node = await node24();
  const modules = await npmPackages([CODE_SERVER], {
    scripts: ['code-server', 'argon2'],
    prepare: installCodeServerNeeds,
    env: { PATH: `${join(node.folder, 'bin')}:${process.env.PATH}`, npm_config_nodedir: node.folder },
  });
  const server = join(modules, 'code-server', 'lib', 'vscode', 'out', 'server-main.js');
  if (!existsSync(server)) throw new Missing(`${CODE_SERVER} was installed without its VS Code server.`);
  return { server, node: node.command };
}

// What its native modules are built with. Without root and apt the machine may have them by another way.
async function installCodeServerNeeds(): Promise<void> {
  if (process.getuid?.() === 0 && findCommand('apt-get')) {
    await installPackages('libkrb5-dev', 'g++', 'make', 'python3');
  }
}

/**
 * Everything that the lab provides. Each function resolves to the thing or to `{ missing: reason }`; it downloads or
 * installs at most once and may take minutes then.
 */
export const lab = {
  kernel: provider('kernel', () => kernelOf('amd64')),
  debugKernel: provider('debugKernel', debugKernel),
  kernel686: provider('kernel686', () => kernelOf('i386')),
  initrd: (...args: Parameters<typeof initrd>) =>
    provider(args[1] === 'i386' ? 'kernel686' : 'kernel', () => initrd(...args))(),
  node24: provider('node24', node24),
  v86: provider('v86', v86),
  qemu: provider('qemu', qemu),
  qemuImg: provider('qemuImg', qemuImg),
  libvirtd: provider('libvirtd', libvirtd),
  virsh: provider('virsh', virsh),
  bochs: provider('bochs', bochs),
  iasl: provider('iasl', iasl),
  gdb: provider('gdb', gdb),
  gcc: provider('gcc', gcc),
  podman: provider('podman', podman),
  dockerd: provider('dockerd', dockerd),
  docker: provider('docker', docker),
  etcd: provider('etcd', etcd),
  kubectl: provider('kubectl', kubectl),
  containerd: provider('containerd', containerd),
  busybox: provider('kernel', busybox),
  kubernetes: provider('kubernetes', kubernetes),
  chromium: provider('chromium', chromium),
  codeServer: provider('codeServer', codeServer),
  vsCodeServer: provider('vsCodeServer', vsCodeServer),
};

/** The thing, or the test (or the suite, in a `before` hook) is skipped and the reason printed. */
export function requireLab<T>(context: Pick<Context, 'skip'>, thing: Provided<T>): T {
  if (!isAbsent(thing)) return thing;
  console.log(`      skipped: ${thing.missing}`);
  return context.skip();
}

// What `npm test` found absent before the tests: not tried again by each test file, as that may take minutes offline.
const knownAbsent = JSON.parse(process.env.VMXRAY_LAB_ABSENT ?? '{}') as Readonly<Record<string, string>>;

function provider<T>(name: string, provide: () => Promise<T>): () => Promise<Provided<T>> {
  let answer: Promise<Provided<T>> | undefined;
  return () => {
    const missing = knownAbsent[name];
    if (missing) return Promise.resolve({ missing });
    return (answer ??= provide().catch((error: Error) => {
      if (error instanceof Missing) return { missing: error.message };
      throw error;
    }));
  };
}

async function kernelOf(architecture: Architecture): Promise<Kernel> {
  const folder = join(await guestPackages(architecture), KERNELS[architecture]);
  const image = readdirSync(join(folder, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (!image) throw new Missing(`the kernel package ${KERNELS[architecture]} holds no boot/vmlinuz.`);
  const version = image.slice('vmlinuz-'.length);
  return {
    image: join(folder, 'boot', image),
    config: join(folder, 'boot', `config-${version}`),
    modules: join(folder, 'lib', 'modules', version),
    version,
  };
}

// Both from one download: a vmlinux belongs to just one build of its kernel.
async function debugKernel(): Promise<DebugKernel> {
  const name = KERNELS.amd64;
  const packages = [
    { name, dependency: true },
    { name, dependency: true, suffix: '-dbg' },
  ];
  const folder = await unpackedPackages('amd64', packages);
  const find = (...path: string[]): string => {
    const within = join(folder, ...path);
    const file = readdirSync(within).find((entry) => /^vmlinu[xz]-/.test(entry));
    if (!file) throw new Missing(`the package ${path[0]} holds no kernel.`);
    return join(within, file);
  };
  return { image: find(name, 'boot'), vmlinux: find(`${name}-dbg`, 'usr', 'lib', 'debug', 'boot') };
}

async function program(packages: string, names: string | string[], versionFlag = '--version'): Promise<Program> {
  const candidates = [names].flat();
  if (!findCommand(...candidates)) await installPackages(...packages.split(' '));
  const command = findCommand(...candidates);
  if (!command) throw new Missing(`${candidates[0]} is not on PATH.`);
  const said = await run(command, [versionFlag]).catch((error: Error) => error.message);
  return {
    command,
    version:
      said
        .split('\n')
        .find((line) => /\d\.\d/.test(line))
        ?.trim() ?? '',
  };
}
