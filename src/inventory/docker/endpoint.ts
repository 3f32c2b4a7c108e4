/**
 * Where a Docker API is served, as DOCKER_HOST and contexts write it: `unix:///run/x.sock`, `npipe:////./pipe/x`,
 * `tcp://host:2375`, `ssh://user@host:22`.
 * NOT IMPLEMENTED: passwords in addresses, socket paths in ssh addresses (the remote program's default is taken).
 */
import { UserError } from '../../common/errors';

/** Files of a TLS endpoint, as PEM texts. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The server's certificate is not checked. */
  readonly skipVerify: boolean;
}

/** One place to connect to. */
export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsMaterial | undefined }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string | undefined;
      readonly port?: number | undefined;
      /** What is run at the far end: `docker` or `podman`, then `system dial-stdio`. */
      readonly program: 'docker' | 'podman';
    };

/** The endpoint in an address. Throws a UserError for what is none. */
export function parseEndpoint(address: string, tls?: TlsMaterial, program: 'docker' | 'podman' = 'docker'): Endpoint {
  const bad = (why: string): UserError =>
    new UserError(
      'engine/address',
      `"${address}" is not an engine's address: ${why}. Write unix:///path, tcp://host:port or ssh://user@host.`,
    );
  const local = /^(?:unix|npipe):\/\/(.+)$/.exec(address)?.[1];
  if (local !== undefined) return { kind: 'socket', path: local };
  if (!URL.canParse(address)) throw bad('it does not read as one');
  const url = new URL(address);
  const port = url.port === '' ? undefined : Number(url.port);
  // Node's URL keeps IPv6 hosts in brackets; sockets take them bare.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '' || host.startsWith('-')) throw bad('it names no host');
  switch (url.protocol) {
    case 'tcp:':
    case 'http:':
      return { kind: 'tcp', host, port: port ?? (tls ? 2376 : 2375), tls };
    case 'https:':
      return { kind: 'tcp', host, port: port ?? 2376, tls: tls ?? { skipVerify: false } };
    case 'ssh:': {
      const user = decodeURIComponent(url.username);
      if (user.startsWith('-')) throw bad('its user begins with "-"');
      return { kind: 'ssh', host, user: user === '' ? undefined : user, port, program };
    }
    default:
      throw bad(`"${url.protocol}" is no way to connect`);
  }
}

/** The endpoint as people write it. */
export function endpointText(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'socket':
      return endpoint.path;
    case 'tcp':
      return `${endpoint.host}:${endpoint.port}`;
    case 'ssh':
      return `ssh://${endpoint.user === undefined ? '' : `${endpoint.user}@`}${endpoint.host}${endpoint.port === undefined ? '' : `:${endpoint.port}`}`;
  }
}
