/**
 * The socket to a gdb stub: requests out, replies in, in the order of the requests; stops come by themselves while the
 * guest runs. A stub that stops answering, or that sends what is not the protocol, ends the connection with a sentence.
 * On connecting, some stubs (QEMU's) stop the guest and say so unasked: such replies are dropped.
 * Source: "Debugging with GDB", E.1 to E.3, E.9, E.11.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { UserError } from '../../common/errors';
import { bytesOf } from '../gdb-wire/hex';
import { packet } from '../gdb-wire/packets';
import { cannotConnect, lost, noAnswer, notTheProtocol } from './errors';
import { type Received, ReplyReader } from './reply-reader';

/** A reply, and what the stub has printed meanwhile. */
export interface Answer {
  /** One character a byte. */
  readonly reply: string;
  readonly text: string;
}

/** What happens without being asked for. */
export interface ConnectionListener {
  /** A stop reply: `T05...`, `S05`, `W00`, `X09`. */
  stopped(reply: string): void;
  /** Nothing more will come; not called after `close`. */
  closed(reason: UserError): void;
}

interface Pending {
  readonly request: string;
  readonly wantsStop: boolean;
  text: string;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MOST_DAMAGED = 3;
const MOST_TEXT = 2 ** 22;
const INTERRUPT = '\x03';
const STOP = /^[TSWX][0-9a-f]{2}/i;
const TEXT = /^O(?!K$)[0-9a-f]/i;

/** The place in words. */
export const placeOf = (options: NetConnectOpts): string =>
  'path' in options && options.path !== undefined
    ? options.path
    : `${(options as { host?: string }).host}:${(options as { port: number }).port}`;

/** Opens a socket. Rejects with a UserError where nothing listens. */
function openSocket(options: NetConnectOpts, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const fail = (why: string): void => {
      socket.destroy();
      reject(cannotConnect(placeOf(options), why));
    };
    const timer = setTimeout(() => fail('no answer'), timeoutMs);
    const onError = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      fail(error.code ?? error.message);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

export class StubConnection {
  private readonly reader = new ReplyReader();
  private readonly pending: Pending[] = [];
  private acknowledges = true;
  private lastSent = '';
  private damaged = 0;
  private timer: NodeJS.Timeout | undefined;
  private end: Error | undefined;
  private listener: ConnectionListener = { stopped: () => {}, closed: () => {} };

  private constructor(
    private readonly socket: Socket,
    readonly place: string,
    private readonly timeoutMs: number,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.fail(lost(place)));
  }

  /** Connects. Rejects with a UserError. */
  static async open(options: NetConnectOpts, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<StubConnection> {
    const socket = await openSocket(options, timeoutMs);
    return new StubConnection(socket, placeOf(options), timeoutMs);
  }

  /** Who hears of stops and of the end. */
  listen(listener: ConnectionListener): void {
    this.listener = listener;
  }

  /** Sends a request; resolves to its reply. Rejects with a UserError when the connection is lost or the time is over. */
  async ask(request: string): Promise<string> {
    return (await this.converse(request)).reply;
  }

  /** The same for a request that prints, or that a stop reply answers. */
  converse(request: string, wantsStop = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.end) return reject(this.end);
      this.pending.push({ request, wantsStop, text: '', resolve, reject });
      if (this.pending.length === 1) this.watch();
      this.send(request);
    });
  }

  /** Sends a request whose reply is the next stop. */
  go(request: string): void {
    if (!this.end) this.send(request);
  }

  /** Asks a running guest to stop. */
  interrupt(): void {
    if (!this.end) this.socket.write(INTERRUPT, 'latin1');
  }

  /** From now on neither end acknowledges. */
  stopAcknowledging(): void {
    this.acknowledges = false;
  }

  /** Ends the connection without a word. */
  close(): void {
    this.listener = { stopped: () => {}, closed: () => {} };
    this.fail(lost(this.place));
  }

  private send(request: string): void {
    this.lastSent = packet(request);
    this.socket.write(this.lastSent, 'latin1');
  }

  private receive(bytes: Uint8Array): void {
    for (const received of this.reader.push(bytes)) {
      if (this.end) return;
      this.take(received);
    }
  }

  private take(received: Received): void {
    switch (received.kind) {
      case 'nak':
        if (this.acknowledges && this.lastSent !== '') this.socket.write(this.lastSent, 'latin1');
        return;
      case 'too long':
        return this.fail(notTheProtocol(this.place, 'a packet has no end'));
      case 'damaged':
        if (!this.acknowledges || ++this.damaged > MOST_DAMAGED)
          return this.fail(notTheProtocol(this.place, 'its checksums are wrong'));
        this.socket.write('-', 'latin1');
        return;
      case 'reply':
        this.damaged = 0;
        if (this.acknowledges) this.socket.write('+', 'latin1');
        return this.reply(received.payload);
    }
  }

  private reply(reply: string): void {
    const [first] = this.pending;
    if (TEXT.test(reply)) {
      if (first && first.text.length < MOST_TEXT) first.text += Buffer.from(bytesIn(reply.slice(1))).toString('utf8');
      return;
    }
    const isStop = STOP.test(reply);
    if (first && (first.wantsStop || !isStop)) {
      this.pending.shift();
      this.watch();
      first.resolve({ reply, text: first.text });
    } else if (isStop) this.listener.stopped(reply);
  }

  /** The reply that is due next has its time. */
  private watch(): void {
    clearTimeout(this.timer);
    const [next] = this.pending;
    if (!next) return;
    const late = (): void => this.fail(noAnswer(this.place, next.request, this.timeoutMs / 1000));
    this.timer = setTimeout(late, this.timeoutMs);
  }

  private fail(reason: UserError): void {
    if (this.end) return;
    this.end = reason;
    clearTimeout(this.timer);
    this.socket.destroy();
    for (const { reject } of this.pending.splice(0)) reject(reason);
    this.listener.closed(reason);
  }
}

/** Bytes of pairs of digits; what is none is left out. */
function bytesIn(digits: string): Uint8Array {
  return /^(?:[0-9a-f]{2})*$/i.test(digits) ? bytesOf(digits) : new Uint8Array(0);
}
