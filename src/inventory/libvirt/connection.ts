/**
 * A connection to a libvirt daemon: packets with a length and six numbers before their body; calls whose answers find
 * them by serial number, events in between, streams beside them.
 * Source: libvirt 9.0, src/rpc/virnetprotocol.x and docs/kbase/internals/rpc.rst.
 * NOT IMPLEMENTED: file descriptors, sparse streams, SASL, TLS.
 */
import type { Duplex } from 'node:stream';
import type { UserError } from '../../common/errors';
import type { Disposable } from '../disposable';
import { connectionError, connectionLost, LibvirtError, slowAnswer, strangeAnswer } from './errors';
import { KEEPALIVE, KEEPALIVE_PROGRAM, MESSAGE, PROTOCOL_VERSION, REMOTE_PROGRAM, STATUS } from './procedures';
import { XdrReader } from './xdr';
import type { XdrWriter } from './xdr';

const HEADER = 28;
/** VIR_NET_MESSAGE_MAX: bytes. */
const MAX_PACKET = 1 << 25;
/** What a daemon takes in one packet of a stream: bytes. */
const MAX_STREAM_DATA = 1 << 16;
const ANSWER_MS = 30_000;
/** A daemon does five calls of a client at once by default, and leaves the client unread while there are more. */
const MOST_AT_ONCE = 4;

/** How a call is waited for. */
export interface CallOptions {
  readonly program?: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, 30 s by default; Infinity waits as long as the connection lives. */
  readonly limitMs?: number;
}

/** What a daemon tells by itself. */
export interface DaemonEvent {
  readonly procedure: number;
  readonly body: Buffer;
}

/** A stream that a call has opened. */
export interface RpcStream extends Disposable {
  write(bytes: Uint8Array): void;
}

/** Who hears a stream. */
export interface StreamListener {
  data(bytes: Uint8Array): void;
  /** It has ended; with an error where it broke. */
  end(why: Error | undefined): void;
}

interface Pending {
  readonly procedure: number;
  resolve(body: Buffer): void;
  reject(error: Error): void;
}

export class RpcConnection implements Disposable {
  private readonly pending = new Map<number, Pending>();
  private readonly streams = new Map<number, StreamListener>();
  private readonly eventListeners = new Set<(event: DaemonEvent) => void>();
  private readonly closeListeners = new Set<(why: Error) => void>();
  private chunks: Buffer[] = [];
  private buffered = 0;
  private wanted = 4;
  private serial = 0;
  private running = 0;
  private readonly queue: (() => void)[] = [];
  private ended: Error | undefined;

  /** `name` names the engine in what is said about it. */
  constructor(
    private readonly socket: Duplex,
    private readonly name: string,
  ) {
    socket.on('data', (bytes: Buffer) => this.onBytes(bytes));
    socket.on('error', (error) => this.over(connectionError(error, name)));
    socket.on('end', () => this.over(connectionLost(name)));
    socket.on('close', () => this.over(connectionLost(name)));
  }

  get isOpen(): boolean {
    return this.ended === undefined;
  }

  /** Calls a procedure; gives a reader over its answer. Rejects with UserErrors that carry the daemon's own sentence. */
  async call(procedure: number, body?: XdrWriter, options: CallOptions = {}): Promise<XdrReader> {
    const isLong = options.limitMs === Infinity;
    if (!isLong) await this.turn();
    try {
      const { bytes } = await this.send(procedure, body, options);
      return new XdrReader(bytes);
    } finally {
      if (!isLong) this.next();
    }
  }

  /** Calls a procedure that opens a stream. */
  async openStream(
    procedure: number,
    body: XdrWriter,
    listener: StreamListener,
    options: CallOptions = {},
  ): Promise<RpcStream> {
    const { serial } = await this.send(procedure, body, options, (at) => this.streams.set(at, listener));
    const send = (status: number, bytes?: Uint8Array): void =>
      this.write({ program: REMOTE_PROGRAM, procedure, type: MESSAGE.stream, serial, status }, bytes);
    return {
      write: (bytes) => {
        if (!this.streams.has(serial)) return;
        for (let at = 0; at < bytes.length; at += MAX_STREAM_DATA)
          send(STATUS.continue, bytes.subarray(at, at + MAX_STREAM_DATA));
      },
      dispose: () => {
        if (this.streams.delete(serial) && this.isOpen) send(STATUS.error);
      },
    };
  }

  onEvent(listener: (event: DaemonEvent) => void): Disposable {
    this.eventListeners.add(listener);
    return { dispose: () => this.eventListeners.delete(listener) };
  }

  /** Called once, when the connection has ended by itself. */
  onClose(listener: (why: Error) => void): Disposable {
    this.closeListeners.add(listener);
    return { dispose: () => this.closeListeners.delete(listener) };
  }

  dispose(): void {
    this.closeListeners.clear();
    this.over(connectionLost(this.name));
  }

  /** Waits until another call may be sent. Those that take long do not count: there are few of them. */
  private turn(): Promise<void> | undefined {
    if (this.running < MOST_AT_ONCE) {
      this.running += 1;
      return undefined;
    }
    return new Promise((resolve) => this.queue.push(resolve));
  }

  private next(): void {
    const first = this.queue.shift();
    if (first) first();
    else this.running -= 1;
  }

  private send(
    procedure: number,
    body: XdrWriter | undefined,
    { program = REMOTE_PROGRAM, signal, limitMs = ANSWER_MS }: CallOptions,
    sent: (serial: number) => void = () => undefined,
  ): Promise<{ readonly bytes: Buffer; readonly serial: number }> {
    if (this.ended) return Promise.reject(this.ended);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const serial = (this.serial = (this.serial + 1) % 0x7fffffff);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.pending.delete(serial);
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const fail = (error: Error): void => {
        settle();
        this.streams.delete(serial);
        reject(error);
      };
      const giveUp = (): void => fail(signal?.reason as Error);
      const timer = Number.isFinite(limitMs)
        ? setTimeout(() => fail(slowAnswer(this.name, limitMs / 1000)), limitMs)
        : undefined;
      signal?.addEventListener('abort', giveUp, { once: true });
      const done = (bytes: Buffer): void => {
        settle();
        resolve({ bytes, serial });
      };
      this.pending.set(serial, { procedure, resolve: done, reject: fail });
      sent(serial);
      this.write({ program, procedure, type: MESSAGE.call, serial, status: STATUS.ok }, body?.bytes);
    });
  }

  private write(header: Header, body: Uint8Array = Buffer.alloc(0)): void {
    const head = Buffer.alloc(HEADER);
    const { program, procedure, type, serial, status } = header;
    [HEADER + body.length, program, PROTOCOL_VERSION, procedure, type, serial, status].forEach((value, index) =>
      head.writeUInt32BE(value >>> 0, 4 * index),
    );
    this.socket.write(Buffer.concat([head, body]));
  }

  private over(why: Error): void {
    if (this.ended) return;
    this.ended = why;
    this.socket.destroy();
    this.chunks = [];
    for (const { reject } of [...this.pending.values()]) reject(why);
    for (const stream of [...this.streams.values()]) stream.end(why);
    this.streams.clear();
    for (const listener of [...this.closeListeners]) listener(why);
    this.closeListeners.clear();
    this.eventListeners.clear();
  }

  private onBytes(bytes: Buffer): void {
    this.chunks.push(bytes);
    this.buffered += bytes.length;
    while (!this.ended && this.buffered >= this.wanted) {
      const [first = bytes, ...more] = this.chunks;
      const all = more.length === 0 ? first : Buffer.concat(this.chunks);
      const length = all.readUInt32BE();
      if (length < HEADER || length > MAX_PACKET) return this.over(strangeAnswer(`a packet of ${length} bytes`));
      this.wanted = length;
      this.chunks = [all];
      if (this.buffered < length) return;
      this.chunks = [all.subarray(length)];
      this.buffered -= length;
      this.wanted = 4;
      this.onPacket(all.subarray(0, length));
    }
  }

  private onPacket(packet: Buffer): void {
    const [program = 0, version, procedure = 0, type, serial = 0, status = 0] = Array.from({ length: 6 }, (_, index) =>
      packet.readUInt32BE(4 + 4 * index),
    );
    const body = packet.subarray(HEADER);
    if (program === KEEPALIVE_PROGRAM) {
      if (procedure === KEEPALIVE.ping)
        this.write({ program, procedure: KEEPALIVE.pong, type: MESSAGE.event, serial: 0, status: STATUS.ok });
      return;
    }
    if (version !== PROTOCOL_VERSION) return this.over(strangeAnswer(`version ${version}`));
    switch (type) {
      case MESSAGE.reply: {
        const pending = this.pending.get(serial);
        if (!pending || pending.procedure !== procedure) return;
        if (status === STATUS.ok) pending.resolve(body);
        else pending.reject(readError(body));
        return;
      }
      case MESSAGE.event:
        for (const listener of [...this.eventListeners]) listener({ procedure, body });
        return;
      case MESSAGE.stream:
        return this.onStream(serial, status, body);
      default:
        return this.over(strangeAnswer(`message type ${type}`));
    }
  }

  private onStream(serial: number, status: number, body: Buffer): void {
    const listener = this.streams.get(serial);
    if (!listener) return;
    // Data without bytes is how a daemon says that there is no more.
    if (status === STATUS.continue && body.length > 0) return listener.data(body);
    this.streams.delete(serial);
    listener.end(status === STATUS.error ? readError(body) : undefined);
  }
}

interface Header {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

function readError(body: Buffer): UserError {
  try {
    const reader = new XdrReader(body);
    const number = reader.int();
    reader.int();
    return new LibvirtError(number, reader.optionalString() ?? '');
  } catch (error) {
    return error as UserError;
  }
}
