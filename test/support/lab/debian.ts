// Debian packages for the lab, in two ways: downloaded and unpacked into the cache, which needs no root and leaves the
// system alone (a private apt configuration, also for an architecture that is not this machine's), and installed into
// the system, which needs root. Both use the package sources that the machine's own apt is set up with.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache';
import { findCommand, run } from './command';
import { Missing } from './missing';

/** A Debian architecture that the lab takes guests from. */
export type Architecture = 'amd64' | 'i386';

/**
 * A package by name; with `dependency`, the first dependency of the metapackage of that name; with `suffix`, the package
 * that is called so and the suffix.
 */
export interface DebianPackage {
  name: string;
  dependency?: boolean;
  suffix?: string;
}

/**
 * The cache folder with one folder per package, by the names given, in which it lies unpacked (usr/, boot/, ...).
 * Throws Missing without apt, the network or one of the packages.
 */
export async function unpackedPackages(
  architecture: Architecture,
  packages: readonly DebianPackage[],
): Promise<string> {
  const names = packages.map(({ name, suffix = '' }) => `${name}${suffix}`);
  requireApt(names);
  return cached(`debian-${architecture}-${names.join('-')}`, async (folder) => {
    const state = join(folder, '.apt');
    const env = { ...process.env, APT_CONFIG: writeConfiguration(state, architecture), LC_ALL: 'C' };
    // A mirror in the midst of its own update serves some lists badly: what did arrive may do, or the download says so.
    await run('apt-get', ['update'], { env }).catch(() => undefined);
    for (const one of packages) await unpack(one, join(folder, `${one.name}${one.suffix ?? ''}`), env);
    rmSync(state, { recursive: true });
  }).catch((error: Error) => {
    throw new Missing(`the Debian packages ${names.join(' ')} (${architecture}) could not be had: ${error.message}`);
  });
}

/** Installs packages into the system. Throws Missing where that needs root, apt or the network. */
export function installPackages(...names: string[]): Promise<void> {
  const result = installations.then(() => install(names));
  installations = result.catch(() => undefined);
  return result;
}

// One installation at a time: dpkg has one lock.
let installations: Promise<void> = Promise.resolve();

async function install(names: readonly string[]): Promise<void> {
  requireApt(names);
  if (process.getuid?.() !== 0) throw new Missing(`apt needs root to install ${names.join(' ')}.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const args = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', ...names];
  try {
    await run('apt-get', args, { env }).catch(async () => {
      await run('apt-get', ['update'], { env });
      await run('apt-get', args, { env });
    });
  } catch (error) {
    throw new Missing((error as Error).message);
  }
}

function requireApt(names: readonly string[]): void {
  if (findCommand('apt-get') && findCommand('dpkg-deb')) return;
  throw new Missing(`${names.join(' ')}: not on this machine, which has no apt to get it with.`);
}

async function unpack(
  { name, dependency = false, suffix = '' }: DebianPackage,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  mkdirSync(folder);
  const real = (dependency ? firstDependency(await run('apt-cache', ['depends', name], { env }), name) : name) + suffix;
  await run('apt-get', ['download', real], { cwd: folder, env });
  const [archive] = readdirSync(folder);
  if (!archive) throw new Error(`apt downloaded nothing for ${real}.`);
  await run('dpkg-deb', ['-x', join(folder, archive), folder]);
  rmSync(join(folder, archive));
}

function firstDependency(text: string, name: string): string {
  const match = /^\s*Depends: (\S+)/m.exec(text);
  if (!match?.[1]) throw new Error(`apt knows no dependency of ${name}.`);
  return match[1];
}

/** Writes an apt configuration whose lists and state lie in `folder`; returns its path. */
function writeConfiguration(folder: string, architecture: Architecture): string {
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const config = join(folder, 'apt.conf');
  const settings = [
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Sandbox::User "";',
    `Dir::State "${folder}";`,
    `Dir::State::Lists "${folder}/lists";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}";`,
  ];
  writeFileSync(config, `${settings.join('\n')}\n`);
  return config;
}
