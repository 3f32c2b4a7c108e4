/**
 * Which engines with a Docker API this user has: DOCKER_HOST, the contexts of Docker's own program, the sockets that
 * Docker and Podman open by default, Podman's connections, and the user's settings. Reads small files; connects to none.
 * Source: Docker CLI's context store (contexts/meta/<SHA-256 of the name>/meta.json, contexts/tls/...), Podman's
 * podman-connections.json.
 * NOT IMPLEMENTED: connections in containers.conf, identity files of Podman's connections (ssh's own configuration and
 * agent are used).
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { endpointText, parseEndpoint, type Endpoint, type TlsMaterial } from './endpoint';

/** An engine that may be there. */
export interface EngineContext {
  /** `docker:default`, `podman:rootless`, `docker:lab`. */
  readonly id: string;
  readonly label: string;
  readonly endpoint: Endpoint;
  /** What names it: a file, an environment variable, a setting. */
  readonly source: string;
}

/** Where discovery looks; the user's own by default. */
export interface DiscoveryOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
  /** Addresses from the settings. */
  readonly addresses?: readonly string[];
  readonly uid?: number | undefined;
  readonly platform?: NodeJS.Platform;
}

/** Every engine found, each endpoint once, the most explicit source first; what cannot be read is left out and told. */
export function discoverEngines(options: DiscoveryOptions = {}): { engines: EngineContext[]; problems: string[] } {
  const { env = process.env, home = homedir(), addresses = [], platform = process.platform } = options;
  const uid = options.uid ?? process.getuid?.();
  const problems: string[] = [];
  const found: EngineContext[] = [];
  const seen = new Set<string>();
  const add = (id: string, label: string, source: string, make: () => Endpoint): void => {
    try {
      const endpoint = make();
      const key = endpointText(endpoint);
      if (seen.has(key)) return;
      seen.add(key);
      found.push({ id, label, endpoint, source });
    } catch (error) {
      problems.push(`${source}: ${(error as Error).message}`);
    }
  };

  for (const address of addresses)
    add(`engine:${address}`, `Engine ${address}`, 'settings', () => parseEndpoint(address));
  const { DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY } = env;
  if (DOCKER_HOST) {
    const tls = (): TlsMaterial | undefined =>
      DOCKER_CERT_PATH ? readTls(DOCKER_CERT_PATH, DOCKER_TLS_VERIFY === undefined) : undefined;
    add('docker:DOCKER_HOST', 'Docker (DOCKER_HOST)', 'DOCKER_HOST', () => parseEndpoint(DOCKER_HOST, tls()));
  }
  const defaults: [string, string, string][] =
    platform === 'win32'
      ? [
          ['docker:default', 'Docker', '//./pipe/docker_engine'],
          ['podman:default', 'Podman', '//./pipe/podman-machine-default'],
        ]
      : [
          ['docker:default', 'Docker', '/var/run/docker.sock'],
          ['docker:desktop', 'Docker Desktop', join(home, '.docker', 'run', 'docker.sock')],
          ['podman:root', 'Podman (root)', '/run/podman/podman.sock'],
        ];
  const runtime = env.XDG_RUNTIME_DIR ?? (uid === undefined ? undefined : `/run/user/${uid}`);
  if (platform !== 'win32' && runtime !== undefined) {
    defaults.push(['docker:rootless', 'Docker (rootless)', join(runtime, 'docker.sock')]);
    defaults.push(['podman:rootless', 'Podman', join(runtime, 'podman', 'podman.sock')]);
  }
  for (const [id, label, path] of defaults) {
    if (existsSync(path)) add(id, label, path, () => ({ kind: 'socket', path }));
  }
  for (const context of dockerContexts(env.DOCKER_CONFIG ?? join(home, '.docker'), problems)) {
    add(`docker:${context.name}`, `Docker: ${context.name}`, context.source, () =>
      parseEndpoint(context.host, context.tls()),
    );
  }
  const connections = join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'containers', 'podman-connections.json');
  for (const [name, uri] of podmanConnections(connections, problems)) {
    add(`podman:${name}`, `Podman: ${name}`, connections, () => parseEndpoint(uri, undefined, 'podman'));
  }
  return { engines: found, problems };
}

interface DockerContext {
  readonly name: string;
  readonly host: string;
  readonly source: string;
  tls(): TlsMaterial | undefined;
}

function dockerContexts(folder: string, problems: string[]): DockerContext[] {
  const metas = join(folder, 'contexts', 'meta');
  if (!existsSync(metas)) return [];
  return readdirSync(metas).flatMap((hash) => {
    const source = join(metas, hash, 'meta.json');
    const meta = readJson(source, problems) as
      { Name?: unknown; Endpoints?: { docker?: { Host?: unknown; SkipTLSVerify?: unknown } } } | undefined;
    const { Host, SkipTLSVerify } = meta?.Endpoints?.docker ?? {};
    if (typeof meta?.Name !== 'string' || typeof Host !== 'string') return [];
    const name = meta.Name;
    const secrets = join(folder, 'contexts', 'tls', createHash('sha256').update(name).digest('hex'), 'docker');
    const tls = (): TlsMaterial | undefined =>
      existsSync(secrets) ? readTls(secrets, SkipTLSVerify === true) : undefined;
    return [{ name, host: Host, source, tls }];
  });
}

function podmanConnections(file: string, problems: string[]): [string, string][] {
  if (!existsSync(file)) return [];
  const content = readJson(file, problems) as
    { Connection?: { Connections?: Record<string, { URI?: unknown } | null> } } | undefined;
  return Object.entries(content?.Connection?.Connections ?? {}).flatMap(([name, connection]): [string, string][] =>
    typeof connection?.URI === 'string' ? [[name, connection.URI]] : [],
  );
}

function readTls(folder: string, skipVerify: boolean): TlsMaterial {
  const read = (name: string): string | undefined =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem'), skipVerify };
}

function readJson(file: string, problems: string[]): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    problems.push(`${file}: ${(error as Error).message}`);
    return undefined;
  }
}
