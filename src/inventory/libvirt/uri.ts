/**
 * libvirt's connection URIs: `driver[+transport]://[user@][host][:port]/path?socket=...`, and where their daemons listen.
 * Source: libvirt.org, "Connection URIs" and "Remote support".
 * NOT IMPLEMENTED: transports tls, libssh and ext, uri_aliases of libvirt.conf.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { notAUri } from './errors';

/** How a daemon is reached. */
export type Transport =
  | { readonly kind: 'unix'; readonly paths: readonly string[] }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string | undefined;
      readonly port?: number | undefined;
    };

/** A URI that was read. */
export interface LibvirtUri {
  readonly text: string;
  readonly driver: string;
  /** What the daemon is asked to open: the URI without host and transport. */
  readonly name: string;
  readonly transport: Transport;
}

const TCP_PORT = 16509;
/** The far end's shell sees the name, so that it holds nothing that a shell takes for more than a letter. */
const PLAIN_PATH = /^\/[\w./-]*$/;

/** Whether a text looks like a libvirt URI rather than another engine's address. */
export const isLibvirtUri = (text: string): boolean =>
  /^(qemu|lxc|test|xen|ch|bhyve|vz|vbox|vmwarews)(\+\w+)?:/.test(text);

/** Reads a URI. Throws a UserError for what is none. */
export function parseUri(text: string, environment: NodeJS.ProcessEnv = process.env): LibvirtUri {
  if (!URL.canParse(text)) throw notAUri(text, 'it does not read as one');
  const url = new URL(text);
  const [, driver = '', given] = /^([a-z][a-z0-9]*)(?:\+([a-z]+))?:$/.exec(url.protocol) ?? [];
  if (driver === '') throw notAUri(text, 'it names no driver');
  const { pathname } = url;
  if (!PLAIN_PATH.test(pathname)) throw notAUri(text, `its path is none that a daemon knows`);
  const name = `${driver}://${pathname}`;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const transport = given ?? (host === '' ? 'unix' : 'tls');
  const port = url.port === '' ? undefined : Number(url.port);
  switch (transport) {
    case 'unix': {
      const socket = url.searchParams.get('socket');
      const paths = socket === null ? socketPaths(driver, pathname, environment) : [socket];
      return { text, driver, name, transport: { kind: 'unix', paths } };
    }
    case 'tcp':
      if (host === '') throw notAUri(text, 'it names no host');
      return { text, driver, name, transport: { kind: 'tcp', host, port: port ?? TCP_PORT } };
    case 'ssh': {
      const user = decodeURIComponent(url.username) || undefined;
      if (host === '' || host.startsWith('-')) throw notAUri(text, 'it names no host');
      if (user?.startsWith('-')) throw notAUri(text, 'its user begins with "-"');
      return { text, driver, name, transport: { kind: 'ssh', host, user, port } };
    }
    default:
      throw notAUri(text, `the transport "${transport}" is not supported; ssh, tcp and unix are`);
  }
}

/** Where the daemon of a driver listens: the driver's own daemon, or libvirtd, which serves all. */
function socketPaths(driver: string, path: string, environment: NodeJS.ProcessEnv): readonly string[] {
  const names = ['libvirt-sock', `virt${driver}d-sock`];
  if (path === '/session') {
    const runtime = environment['XDG_RUNTIME_DIR'] ?? join(homedir(), '.cache');
    return names.map((name) => join(runtime, 'libvirt', name));
  }
  return ['/run/libvirt', '/var/run/libvirt'].flatMap((folder) => names.map((name) => join(folder, name)));
}
