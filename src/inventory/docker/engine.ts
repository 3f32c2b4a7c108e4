/**
 * One connected engine with a Docker API: dockerd, or Podman, which is told by its version and has an API of its own
 * (libpod) beside it. Calls go through here, so that every failure becomes a sentence and no call outlives its signal.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { UserError } from '../../common/errors';
import { unlessAborted } from '../cancel';
import { createClient, upgradeTarget } from './client';
import type { EngineContext } from './discovery';
import { endpointText } from './endpoint';
import { engineError, strangeEngine } from './errors';
import type { RegistryCredentials } from './registry-credentials';
import { openUpgraded, type UpgradeTarget } from './upgrade';

/** A call that dockerode has no method for, such as libpod's. */
export interface PlainCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'HEAD';
  /** Without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  /** For a registry that the engine is to ask. */
  readonly credentials?: RegistryCredentials | undefined;
}

/** An engine's version as it tells it. */
export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
  readonly isPodman: boolean;
}

/** The way to one engine. */
export class DockerEngine {
  private docker: Docker | undefined;
  private target: UpgradeTarget | undefined;
  private known: EngineVersion | undefined;

  constructor(readonly context: EngineContext) {}

  /** How errors name it: `Docker at /var/run/docker.sock`. */
  get name(): string {
    return `${this.context.label} at ${endpointText(this.context.endpoint)}`;
  }

  /** What it said when it was connected. */
  get version(): EngineVersion {
    return this.known ?? { version: '', apiVersion: '', isPodman: this.context.id.startsWith('podman:') };
  }

  get isPodman(): boolean {
    return this.version.isPodman;
  }

  /** Whether its processes may be this machine's: its socket is a local file. /proc has the last word. */
  get isLocal(): boolean {
    return this.context.endpoint.kind === 'socket' && process.platform === 'linux';
  }

  /** Loads the client and asks for the version. */
  async connect(signal: AbortSignal): Promise<EngineVersion> {
    try {
      this.docker ??= await createClient(this.context.endpoint);
      this.target ??= upgradeTarget(this.context.endpoint);
    } catch (error) {
      throw new UserError('engine/settings', `${this.name} cannot be used: ${(error as Error).message}`);
    }
    const answer = await this.call(signal, (docker) => docker.version());
    if (typeof (answer as { ApiVersion?: unknown }).ApiVersion !== 'string') throw strangeEngine(this.name);
    const podman = answer.Components?.find(({ Name }) => Name === 'Podman Engine');
    this.known = {
      version: podman?.Version ?? answer.Version,
      apiVersion: answer.ApiVersion,
      isPodman: podman !== undefined,
    };
    return this.known;
  }

  /** Does a call; rejects with a sentence, at the latest when the signal is aborted. */
  async call<T>(signal: AbortSignal | undefined, work: (docker: Docker) => Promise<T>): Promise<T> {
    const docker = this.docker;
    if (!docker) throw this.unconnected();
    try {
      return await unlessAborted(work(docker), signal);
    } catch (error) {
      throw engineError(error, this.name);
    }
  }

  /** Does a plain call; the answer's JSON, unchecked. */
  request<T>(call: PlainCall, signal?: AbortSignal): Promise<T> {
    return this.call(signal, (docker) => dial<T>(docker, call, signal, false));
  }

  /** The answer as a stream that is read as it comes. The signal counts until the stream is there. */
  stream(call: PlainCall, signal?: AbortSignal): Promise<IncomingMessage> {
    return this.open(signal, (docker, opening) => dial<IncomingMessage>(docker, call, opening, true));
  }

  /** A two-way stream: the connection itself, after its upgrade. The signal counts until the stream is there. */
  hijack({ path, query, body }: PlainCall, signal?: AbortSignal): Promise<Duplex> {
    const words = new URLSearchParams(query).toString();
    const { target } = this;
    if (!target) throw this.unconnected();
    return this.open(signal, (_, opening) => openUpgraded(target, `${path}?${words}`, body, opening));
  }

  private async open<T>(
    signal: AbortSignal | undefined,
    work: (docker: Docker, opening: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const opening = new AbortController();
    const giveUp = (): void => opening.abort();
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await this.call(signal, (docker) => work(docker, opening.signal));
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  private unconnected(): UserError {
    return new UserError('engine/unconnected', `${this.name} is not connected: refresh it.`);
  }
}

const SUCCESS = { 101: true, 200: true, 201: true, 202: true, 204: true, 304: true };

function dial<T>(
  docker: Docker,
  { method, path, query, body, credentials }: PlainCall,
  abortSignal: AbortSignal | undefined,
  isStream: boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { _query: query ?? {}, _body: body ?? {} };
    // The client adds the query where the path ends in a question mark.
    const call = {
      path: `${path}?`,
      method,
      options,
      statusCodes: SUCCESS,
      isStream,
      ...(abortSignal && { abortSignal }),
      ...(credentials && { authconfig: credentials }),
    };
    docker.modem.dial(call, (error, result) => (error ? reject(error) : resolve(withoutNull(result) as T)));
  });
}

/** The client hands on the bytes of `null` and of an empty answer, as it takes them for none. */
const withoutNull = (result: unknown): unknown =>
  Buffer.isBuffer(result) && ['', 'null'].includes(result.toString('latin1').trim()) ? null : result;
