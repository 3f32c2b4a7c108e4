/** One connected libvirt daemon: the way to it, its version, and what it tells by itself. */
import { unlessAborted } from '../cancel';
import type { Disposable } from '../disposable';
import { keepOpen } from '../keep-open';
import { type CallOptions, type DaemonEvent, RpcConnection, type RpcStream, type StreamListener } from './connection';
import { dial, placeOf } from './dial';
import { connectionLost, LibvirtError, wantsPassword } from './errors';
import { PROC } from './procedures';
import type { LibvirtUri } from './uri';
import { type XdrReader, XdrWriter } from './xdr';

const OPEN_MS = 10_000;
const AUTH = { none: 0, sasl: 1, polkit: 2 } as const;
/** IDs of the daemon's events that tell something of the tree (virDomainEventID). */
const DOMAIN_EVENTS = [0, 1, 3, 4, 9, 10, 13, 15, 16, 18, 19, 21];
/** virNetworkEventID and virStoragePoolEventID: lifecycle. */
const LIFECYCLE = 0;

/** What a daemon says of itself. */
export interface DaemonVersion {
  /** libvirt's. */
  readonly library: string;
  /** The hypervisor's own, such as QEMU's; empty where there is none. */
  readonly hypervisor: string;
  readonly type: string;
}

/** Who hears a daemon. */
export interface EngineListener {
  event?(event: DaemonEvent): void;
  opened?(again: boolean): void;
  lost?(why: Error): void;
}

export class LibvirtEngine implements Disposable {
  private connection: RpcConnection | undefined;
  private opening: Promise<RpcConnection> | undefined;
  private known: DaemonVersion | undefined;
  private readonly listeners = new Set<EngineListener>();
  private feed: Disposable | undefined;

  constructor(
    readonly uri: LibvirtUri,
    private readonly ssh = 'ssh',
  ) {}

  /** How errors name it. */
  get name(): string {
    return `libvirt (${this.uri.name}) at ${placeOf(this.uri.transport)}`;
  }

  /** What it said when it was connected. */
  get version(): DaemonVersion {
    return this.known ?? { library: '', hypervisor: '', type: '' };
  }

  /** Connects, or finds that it still is. */
  async connect(signal: AbortSignal): Promise<DaemonVersion> {
    await unlessAborted(this.open(), signal);
    return this.version;
  }

  /** Calls a procedure; connects first. */
  async call(procedure: number, body?: XdrWriter, options: CallOptions = {}): Promise<XdrReader> {
    const { signal } = options;
    const connection = await unlessAborted(this.open(), signal);
    // A call may still wait for its turn.
    return unlessAborted(connection.call(procedure, body, options), signal);
  }

  /** Opens a stream; connects first. */
  async openStream(procedure: number, body: XdrWriter, listener: StreamListener): Promise<RpcStream> {
    return (await this.open()).openStream(procedure, body, listener);
  }

  /** Hears the daemon's events, for as long as it listens; the connection is opened again when it breaks. */
  listen(listener: EngineListener): Disposable {
    this.listeners.add(listener);
    if (this.feed && this.connection?.isOpen) listener.opened?.(false);
    this.feed ??= keepOpen((signal, opened) => this.follow(signal, opened), {
      opened: (again) => this.listeners.forEach((one) => one.opened?.(again)),
      lost: (why) => this.listeners.forEach((one) => one.lost?.(why)),
    });
    return {
      dispose: () => {
        this.listeners.delete(listener);
        if (this.listeners.size > 0) return;
        this.feed?.dispose();
        this.feed = undefined;
      },
    };
  }

  dispose(): void {
    this.listeners.clear();
    this.feed?.dispose();
    this.feed = undefined;
    this.connection?.dispose();
    this.connection = undefined;
  }

  private open(): Promise<RpcConnection> {
    if (this.connection?.isOpen) return Promise.resolve(this.connection);
    return (this.opening ??= this.openOnce().finally(() => (this.opening = undefined)));
  }

  private async openOnce(): Promise<RpcConnection> {
    const connection = new RpcConnection(dial(this.uri, this.ssh), this.name);
    try {
      await authenticate(connection, this.name);
      const options = { limitMs: OPEN_MS };
      const write = (to: XdrWriter, name: string): unknown => to.string(name);
      await connection.call(PROC.connectOpen, new XdrWriter().optional(this.uri.name, write).int(0), options);
      this.known = await versionOf(connection);
      connection.onEvent((event) => this.listeners.forEach((listener) => listener.event?.(event)));
      await register(connection);
      this.connection = connection;
      return connection;
    } catch (error) {
      connection.dispose();
      throw error;
    }
  }

  /** Resolves when the connection ends. */
  private async follow(signal: AbortSignal, opened: () => void): Promise<void> {
    const connection = await this.open();
    if (signal.aborted) return;
    opened();
    await new Promise<void>((resolve, reject) => {
      const closing = connection.onClose(reject);
      if (!connection.isOpen) reject(connectionLost(this.name));
      const end = (): void => {
        closing.dispose();
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

async function authenticate(connection: RpcConnection, name: string): Promise<void> {
  const types = (await connection.call(PROC.authList, undefined, { limitMs: OPEN_MS })).list((one) => one.int());
  if (types.length === 0 || types.includes(AUTH.none)) return;
  if (!types.includes(AUTH.polkit)) throw wantsPassword(name);
  // An agent may ask the user for a password.
  await connection.call(PROC.authPolkit, undefined, { limitMs: 60_000 });
}

async function versionOf(connection: RpcConnection): Promise<DaemonVersion> {
  const type = (await connection.call(PROC.connectGetType)).string();
  const library = versionText((await connection.call(PROC.connectGetLibVersion)).uhyper());
  const hypervisor = await connection.call(PROC.connectGetVersion).then(
    (reader) => versionText(reader.uhyper()),
    () => '',
  );
  return { library, hypervisor, type };
}

/** 1,000,000 x major + 1,000 x minor + release. */
const versionText = (version: bigint): string =>
  version === 0n ? '' : [version / 1_000_000n, (version / 1000n) % 1000n, version % 1000n].join('.');

/** Asks for the events; a driver need not have all of them. */
async function register(connection: RpcConnection): Promise<void> {
  const any = (procedure: number, event: number): Promise<unknown> =>
    connection.call(procedure, new XdrWriter().int(event).int(0), { limitMs: OPEN_MS }).catch((error: unknown) => {
      if (!(error instanceof LibvirtError)) throw error;
    });
  await Promise.all([
    ...DOMAIN_EVENTS.map((event) => any(PROC.connectDomainEventCallbackRegisterAny, event)),
    any(PROC.connectNetworkEventRegisterAny, LIFECYCLE),
    any(PROC.connectStoragePoolEventRegisterAny, LIFECYCLE),
  ]);
}
