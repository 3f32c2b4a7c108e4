/**
 * What an engine needs to pull from a registry that asks who one is: out of the files in which Docker's and Podman's own
 * programs keep it, or from the helper program that such a file names. Nothing is kept here, and nothing of it is logged.
 * Source: Docker CLI's config.json (auths, credHelpers, credsStore) and the protocol of docker-credential-helpers;
 * containers-auth.json(5).
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What the engine's API takes. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** Where files are looked for; the user's own by default. */
export interface CredentialPlaces {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
}

interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: unknown; readonly identitytoken?: unknown } | null>>;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
}

const DOCKER_HUB = 'docker.io';
// The name that Docker's own program files its hub under.
const HUB_ADDRESS = 'https://index.docker.io/v1/';
const HELPER_MS = 10_000;

/** The registry that an image reference names; `docker.io` where it names none. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : DOCKER_HUB;
}

/** The credentials for the registry of an image; undefined where there are none, or none that can be read. */
export async function credentialsFor(
  reference: string,
  isPodman: boolean,
  { env = process.env, home = homedir() }: CredentialPlaces = {},
): Promise<RegistryCredentials | undefined> {
  const registry = registryOf(reference);
  const names = registry === DOCKER_HUB ? [HUB_ADDRESS, DOCKER_HUB, 'index.docker.io'] : [registry];
  for (const file of authFiles(isPodman, env, home)) {
    const { auths = {}, credHelpers = {}, credsStore } = readAuthFile(file);
    for (const name of names) {
      const helper = credHelpers[name] ?? (name in auths || registry === DOCKER_HUB ? credsStore : undefined);
      const found =
        (typeof helper === 'string' ? await fromHelper(helper, name, env) : undefined) ??
        fromEntry(auths[name] ?? auths[`https://${name}`], name);
      if (found) return found;
    }
  }
  return undefined;
}

function authFiles(isPodman: boolean, env: NodeJS.ProcessEnv, home: string): string[] {
  const docker = join(env.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json');
  if (!isPodman) return [docker];
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = env;
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE];
  return [
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
    ...(process.getuid?.() === 0 ? ['/run/containers/0/auth.json'] : []),
    join(XDG_CONFIG_HOME ?? join(home, '.config'), 'containers', 'auth.json'),
    docker,
  ];
}

function readAuthFile(file: string): AuthFile {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof content === 'object' && content !== null ? content : {};
  } catch {
    // Not there, or not readable: the engine then says that it is not known to the registry.
    return {};
  }
}

/** `auth` is base64 of `user:password`; the password may hold colons. */
function fromEntry(
  entry: { readonly auth?: unknown; readonly identitytoken?: unknown } | null | undefined,
  serveraddress: string,
): RegistryCredentials | undefined {
  const { auth, identitytoken } = entry ?? {};
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identitytoken, serveraddress };
  if (typeof auth !== 'string') return undefined;
  const plain = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = plain.indexOf(':');
  if (colon < 1) return undefined;
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1), serveraddress };
}

/** Asks `docker-credential-NAME get`: the registry goes in, JSON comes out. No shell, and no path of the file's. */
async function fromHelper(
  helper: string,
  serveraddress: string,
  env: NodeJS.ProcessEnv,
): Promise<RegistryCredentials | undefined> {
  if (!/^[A-Za-z0-9_.-]+$/.test(helper)) return undefined;
  const child = spawn(`docker-credential-${helper}`, ['get'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: HELPER_MS,
    windowsHide: true,
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${serveraddress}\n`);
  try {
    const { Username, Secret } = JSON.parse(await Promise.race([text(child.stdout), failed])) as {
      Username?: unknown;
      Secret?: unknown;
    };
    if (typeof Username !== 'string' || typeof Secret !== 'string') return undefined;
    if (Username === '<token>') return { identitytoken: Secret, serveraddress };
    return { username: Username, password: Secret, serveraddress };
  } catch {
    return undefined;
  }
}
