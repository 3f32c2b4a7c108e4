/**
 * QMP, QEMU's machine protocol: JSON objects, one a line, over a socket that serves one client at a time. Commands carry
 * ids, so that answers find them; events come in between.
 * Source: QEMU, docs/interop/qmp-spec.rst (7.2).
 * NOT IMPLEMENTED: out-of-band commands, passing of file descriptors.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { connectionError, connectionLost, monitorBusy, refused, slowAnswer, strangeMonitor } from './errors';

// The longest answers are HMP tables ("info tlb") and the schema, some 400 KB.
const LONGEST_LINE = 1 << 24;
const GREETING_MS = 3000;
const ANSWER_MS = 15_000;
// QEMU holds no more than a few commands at once; past this many unanswered ones something is wrong.
const MOST_PENDING = 1000;

/** An event as QEMU tells it. */
export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970, by QEMU's clock. */
  readonly time: number;
}

/** How a command is waited for. */
export interface QmpOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, 15 s by default; Infinity waits as long as the connection lives. */
  readonly limitMs?: number;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One connection to a QEMU's monitor, past its greeting. */
export class QmpClient {
  private readonly pending = new Map<number, Pending>();
  private readonly eventListeners = new Set<(event: QmpEvent) => void>();
  private readonly closeListeners = new Set<() => void>();
  private chunks: Buffer[] = [];
  private buffered = 0;
  private nextId = 1;
  private isOver = false;
  private versionText = '';
  private greeted: ((problem?: Error) => void) | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly name: string,
  ) {
    socket.on('data', (bytes) => this.onBytes(bytes));
    socket.on('error', (error) => this.over(connectionError(error, name)));
    socket.on('close', () => this.over(connectionLost(name)));
  }

  /** Connects and negotiates; rejects with UserErrors, after 3 s at the latest. `name` names the QEMU in them. */
  static async open(place: NetConnectOpts, name: string, signal?: AbortSignal): Promise<QmpClient> {
    const socket = connect(place);
    const client = new QmpClient(socket, name);
    const giveUp = (): void => client.over(signal?.reason as Error);
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp, { once: true });
    const timer = setTimeout(() => client.over(monitorBusy(name)), GREETING_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        client.greeted = (problem) => (problem ? reject(problem) : resolve());
        if (client.isOver) reject(connectionLost(name));
      });
      await client.execute('qmp_capabilities', undefined, { limitMs: GREETING_MS });
      return client;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** QEMU's version, such as `7.2.22`. */
  get version(): string {
    return this.versionText;
  }

  get isOpen(): boolean {
    return !this.isOver;
  }

  /** Does a command; gives what it returns, unchecked. Rejects with UserErrors that carry QEMU's own sentence. */
  execute<T = unknown>(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    { signal, limitMs = ANSWER_MS }: QmpOptions = {},
  ): Promise<T> {
    if (this.isOver) return Promise.reject(connectionLost(this.name));
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.pending.size >= MOST_PENDING) return Promise.reject(slowAnswer(this.name, command, limitMs / 1000));
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        this.pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => fail(signal?.reason as Error);
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      const timer = Number.isFinite(limitMs)
        ? setTimeout(() => fail(slowAnswer(this.name, command, limitMs / 1000)), limitMs)
        : undefined;
      signal?.addEventListener('abort', giveUp, { once: true });
      const done = (value: unknown): void => {
        settle();
        resolve(value as T);
      };
      this.pending.set(id, { resolve: done, reject: fail });
      this.socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\r\n`);
    });
  }

  /** Runs a command of the human monitor, asked of vCPU `cpu` (from 0, the default); gives what it prints. */
  async monitor(
    commandLine: string,
    { cpu, ...options }: QmpOptions & { readonly cpu?: number } = {},
  ): Promise<string> {
    const args = { 'command-line': commandLine, ...(cpu !== undefined && { 'cpu-index': cpu }) };
    const said = await this.execute('human-monitor-command', args, options);
    if (typeof said !== 'string') throw strangeMonitor(this.name, 'its human monitor says no text');
    return said;
  }

  /** Hears of events, until the answer is disposed of. */
  onEvent(listener: (event: QmpEvent) => void): { dispose(): void } {
    this.eventListeners.add(listener);
    return { dispose: () => this.eventListeners.delete(listener) };
  }

  /** Called once, when the connection has ended by itself. */
  onClose(listener: () => void): { dispose(): void } {
    this.closeListeners.add(listener);
    return { dispose: () => this.closeListeners.delete(listener) };
  }

  dispose(): void {
    this.closeListeners.clear();
    this.over(connectionLost(this.name));
  }

  private over(why: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.socket.destroy();
    this.chunks = [];
    this.greeted?.(why);
    for (const { reject } of [...this.pending.values()]) reject(why);
    for (const listener of [...this.closeListeners]) listener();
    this.closeListeners.clear();
    this.eventListeners.clear();
  }

  private onBytes(bytes: Buffer): void {
    for (let rest = bytes; !this.isOver;) {
      const end = rest.indexOf(10);
      if (end < 0) {
        if (rest.length > 0) this.chunks.push(rest);
        this.buffered += rest.length;
        if (this.buffered > LONGEST_LINE) this.over(strangeMonitor(this.name, 'a line without an end'));
        return;
      }
      const line = Buffer.concat([...this.chunks, rest.subarray(0, end)]).toString('utf8');
      this.chunks = [];
      this.buffered = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') this.onLine(line);
    }
  }

  private onLine(line: string): void {
    const message = parseObject(line);
    if (!message) return this.over(strangeMonitor(this.name, 'no JSON'));
    if (!this.greeted) return this.over(strangeMonitor(this.name, 'it speaks first'));
    if (this.versionText === '') return this.onGreeting(message);
    const { event, id, error } = message;
    if (typeof event === 'string') return this.onEventMessage(event, message);
    const pending = typeof id === 'number' ? this.pending.get(id) : undefined;
    if (!pending) return;
    if (isRecord(error)) pending.reject(refused(text(error['class']), text(error['desc'])));
    else pending.resolve(message['return']);
  }

  private onGreeting({ QMP }: Record<string, unknown>): void {
    const version = isRecord(QMP) && isRecord(QMP['version']) ? QMP['version'] : undefined;
    const numbers = isRecord(version?.['qemu']) ? version['qemu'] : undefined;
    if (!numbers) return this.over(strangeMonitor(this.name, 'no greeting'));
    this.versionText = ['major', 'minor', 'micro'].map((part) => String(Number(numbers[part]))).join('.');
    this.greeted?.();
  }

  private onEventMessage(name: string, { data, timestamp }: Record<string, unknown>): void {
    const { seconds, microseconds } = isRecord(timestamp) ? timestamp : {};
    const time = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
    const event = {
      name,
      data: isRecord(data) ? data : {},
      // -1 stands for a clock that could not be read.
      time: Number.isFinite(time) && time > 0 && time < 8e15 ? time : Date.now(),
    };
    for (const listener of [...this.eventListeners]) listener(event);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
