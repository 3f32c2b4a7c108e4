/**
 * The way to one API server. The only file that loads Kubernetes' client, whose part is the credentials of the
 * kubeconfig (certificates, tokens, exec plugins, OIDC) and the web sockets of exec and port-forward; everything else
 * is plain HTTP, so that any kind of object can be listed, watched and given up on.
 */
import type { Agent as HttpAgent } from 'node:http';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { Writable, type Duplex, type Readable } from 'node:stream';
import type * as Client from '@kubernetes/client-node';
import type { KubeConfig, V1Status } from '@kubernetes/client-node';
import { ApiFailure, badContext } from './errors';
import type { ClusterContext } from './contexts';
import { openWebSocket } from './web-socket';

/** One request. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
  /** Of a PATCH: which kind. */
  readonly contentType?: string | undefined;
}

/** The two ends of a command that runs in a container. */
export interface ExecStreams {
  readonly output: Writable;
  readonly input: Readable;
}

/** Something that is open until it is closed. */
export interface OpenSocket {
  close(): void;
}

/** Speaks to one API server with the rights of one context. */
export class Transport {
  private agent: { readonly key: string; readonly agent: HttpAgent } | undefined;

  private constructor(
    private readonly client: typeof Client,
    private readonly config: KubeConfig,
  ) {}

  /** Loads the client and the kubeconfig. Rejects with a UserError where the context is not usable. */
  static async load(context: ClusterContext): Promise<Transport> {
    const client = await import('@kubernetes/client-node');
    const config = new client.KubeConfig();
    try {
      for (const file of context.files) {
        const one = new client.KubeConfig();
        one.loadFromFile(file);
        config.mergeConfig(one, true);
      }
      config.setCurrentContext(context.name);
    } catch (error) {
      throw badContext(context.name, (error as Error).message);
    }
    const server = config.getCurrentCluster()?.server;
    if (server === undefined || !URL.canParse(server)) throw badContext(context.name, 'it names no server');
    // The client refuses plain HTTP, as `kubectl proxy` serves it, unless told that no certificate is checked.
    const isPlain = server.startsWith('http:');
    config.clusters = config.clusters.map((one) =>
      isPlain && one.server === server ? { ...one, skipTLSVerify: true } : one,
    );
    return new Transport(client, config);
  }

  /** The server's address. */
  get server(): string {
    return this.config.getCurrentCluster()?.server ?? '';
  }

  /** The answer's JSON, unchecked; undefined where it is empty. Rejects with ApiFailure where the server refuses. */
  async request<T>(call: ApiCall, signal?: AbortSignal): Promise<T> {
    const answer = await this.text(call, signal);
    return (answer === '' ? undefined : JSON.parse(answer)) as T;
  }

  /** The answer as text. */
  async text(call: ApiCall, signal?: AbortSignal): Promise<string> {
    return text(await this.open(call, signal));
  }

  /** The answer as it comes. The signal counts as long as the answer does. */
  async open(call: ApiCall, signal?: AbortSignal): Promise<IncomingMessage> {
    const { method, body, contentType = 'application/json' } = call;
    const { isPlain, options } = await this.requestOptions(call);
    const payload =
      body === undefined || Buffer.isBuffer(body) ? (body as Buffer | undefined) : Buffer.from(JSON.stringify(body));
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (isPlain ? httpRequest : httpsRequest)(
        {
          ...options,
          method,
          headers: {
            ...options.headers,
            Accept: 'application/json',
            ...(payload !== undefined && { 'Content-Type': contentType, 'Content-Length': payload.length }),
          },
          ...(signal && { signal }),
        },
        resolve,
      );
      request.on('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : error));
      request.end(payload);
    });
    if ((answer.statusCode ?? 500) >= 400) throw await refused(answer);
    return answer;
  }

  /** A two-way connection of plain bytes, by a WebSocket of this subprotocol. The signal counts until it stands. */
  async duplex(path: string, protocol: string, signal: AbortSignal): Promise<Duplex> {
    return openWebSocket({ ...(await this.requestOptions({ path })), protocol, signal }, refused);
  }

  /** Runs a command on a terminal in a container; `ended` is called with what the server says of its end. */
  async exec(
    namespace: string,
    pod: string,
    container: string,
    command: readonly string[],
    { output, input }: ExecStreams,
    ended: (status: V1Status) => void,
  ): Promise<OpenSocket> {
    const exec = new this.client.Exec(this.config);
    const socket = await exec.exec(namespace, pod, container, [...command], output, null, input, true, ended);
    socket.on('close', () => output.end());
    socket.on('error', () => output.end());
    return socket;
  }

  /** Runs a command in a container without a terminal; resolves to what it printed. Rejects where it fails. */
  capture(namespace: string, pod: string, container: string, command: readonly string[]): Promise<string> {
    const printed: Buffer[] = [];
    const sink = new Writable({
      write(bytes: Buffer, _encoding, done) {
        printed.push(bytes);
        done();
      },
    });
    const said = (): string => Buffer.concat(printed).toString('utf8').trim();
    return new Promise((resolve, reject) => {
      const ended = ({ status, message }: V1Status): void =>
        status === 'Success' ? resolve(said()) : reject(new Error(said() || (message ?? 'The command failed.')));
      new this.client.Exec(this.config)
        .exec(namespace, pod, container, [...command], sink, sink, null, false, ended)
        .then((socket) => socket.on('close', () => reject(new Error('The connection broke off.'))), reject);
    });
  }

  /** Connects two streams with a port of a pod. */
  async forward(namespace: string, pod: string, port: number, output: Writable, input: Readable): Promise<OpenSocket> {
    const socket = await new this.client.PortForward(this.config).portForward(
      namespace,
      pod,
      [port],
      output,
      null,
      input,
    );
    if (typeof socket === 'function') throw new Error('The connection was not made.');
    socket.on('close', () => output.end());
    socket.on('error', () => output.end());
    return socket;
  }

  /** Where a request goes, and with which credentials. */
  private async requestOptions({
    path,
    query,
  }: Pick<ApiCall, 'path' | 'query'>): Promise<{ isPlain: boolean; options: RequestOptions }> {
    const options: RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    const base = new URL(this.server);
    const words = new URLSearchParams(query).toString();
    return {
      isPlain: base.protocol === 'http:',
      options: {
        ...options,
        agent: this.sharedAgent(base, options),
        host: base.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: base.port,
        path: `${base.pathname.replace(/\/$/, '')}${path}${words === '' ? '' : `?${words}`}`,
      },
    };
  }

  // The client makes an agent for each request, and so a TLS handshake: the same credentials share one here.
  private sharedAgent(base: URL, options: RequestOptions): RequestOptions['agent'] {
    if (base.protocol === 'http:') return undefined;
    const { proxyUrl } = this.config.getCurrentCluster() as { proxyUrl?: string };
    if (proxyUrl !== undefined) return options.agent;
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const identity = JSON.stringify([ca, cert, key, pfx, passphrase, rejectUnauthorized, servername].map(String));
    if (this.agent?.key !== identity) {
      const settings = { ca, cert, key, pfx, passphrase, servername, keepAlive: true };
      const agent = new Agent(rejectUnauthorized === undefined ? settings : { ...settings, rejectUnauthorized });
      this.agent = { key: identity, agent };
    }
    return this.agent.agent;
  }

  /** Closes idle connections. */
  dispose(): void {
    this.agent?.agent.destroy();
    this.agent = undefined;
  }
}

async function refused(answer: IncomingMessage): Promise<ApiFailure> {
  const body = await text(answer).catch(() => '');
  const status = answer.statusCode ?? 0;
  try {
    const { reason, message } = JSON.parse(body) as { reason?: unknown; message?: unknown };
    return new ApiFailure(
      status,
      typeof reason === 'string' ? reason : '',
      typeof message === 'string' ? message : body,
    );
  } catch {
    return new ApiFailure(status, '', body.trim() === '' ? `HTTP status ${status}` : body.trim().slice(0, 500));
  }
}
