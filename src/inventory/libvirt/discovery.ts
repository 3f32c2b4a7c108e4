/**
 * Which libvirt daemons this user has: LIBVIRT_DEFAULT_URI, the sockets of the system's and the user's own daemons, and
 * the user's settings. Connects to none.
 */
import { existsSync } from 'node:fs';
import { LibvirtProvider } from './provider';
import { parseUri } from './uri';

/** What the sockets of this machine may serve: libvirtd's serves QEMU for sure, others have daemons of their own. */
const LOCAL = ['qemu:///system', 'qemu:///session'];
const OWN_DAEMONS = ['lxc', 'xen'];

/** Every daemon found, each URI once. `settings` are URIs. */
export function discoverLibvirt(
  settings: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): { readonly providers: readonly LibvirtProvider[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const uris = new Map<string, LibvirtProvider>();
  const add = (text: string, isWanted: boolean): void => {
    try {
      const uri = parseUri(text, environment);
      const { transport } = uri;
      const isThere = transport.kind !== 'unix' || transport.paths.some((path) => existsSync(path));
      if (!uris.has(text) && (isWanted || isThere)) uris.set(text, new LibvirtProvider(uri));
    } catch (error) {
      problems.push((error as Error).message);
    }
  };
  for (const text of settings) add(text, true);
  const { LIBVIRT_DEFAULT_URI } = environment;
  if (LIBVIRT_DEFAULT_URI) add(LIBVIRT_DEFAULT_URI, true);
  for (const text of LOCAL) add(text, false);
  for (const driver of OWN_DAEMONS)
    if (existsSync(`/run/libvirt/virt${driver}d-sock`)) add(`${driver}:///system`, false);
  return { providers: [...uris.values()], problems };
}
