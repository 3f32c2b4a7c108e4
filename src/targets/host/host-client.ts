/** A client's end of one connection to a machine's process: says hello, sends calls, hands over events in order. */
import { connect, type Socket } from 'node:net';
import { setImmediate as otherWork } from 'node:timers/promises';
import { UserError } from '../../common/errors';
import type { HostHello, HostMessage, HostRequest, HostWelcome } from '../../protocol/host';
import type { Counters, TargetEvent } from '../target';
import { badCall, gone, noAnswer } from './errors';
import { CLONE_VERSION, cloneFrame, FrameReader, jsonFrame, MAX_FRAME_BYTES, readClone, readJson } from './frames';
import { anything, integer, kinds, object, text, type Check } from './shapes';

const WELCOME_MS = 10_000;

type Message = HostMessage<TargetEvent, Counters>;

const isCounters = object<Counters>({ instructions: integer, ticks: integer, exits: integer });
const isWelcome = kinds<HostWelcome<Counters>>({
  welcome: { pid: integer, counters: isCounters },
  refused: { code: text, sentence: text },
});
// Both ends are the same version, and the host is the user's own process: what kind of event it is will do.
const isEvent = object<{ readonly kind: string }>({ kind: text }) as Check<unknown> as Check<TargetEvent>;
const isMessage = kinds<Message>({
  answer: { id: integer, value: anything },
  refusal: { id: integer, code: text, sentence: text },
  failure: { id: integer, message: text, stack: text },
  event: { event: isEvent },
  counters: { counters: isCounters },
  closing: { reason: text, counters: isCounters },
});

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class HostClient {
  /** How far the machine had come when it was last heard of. */
  last: Counters;
  /** Gets the machine's events. */
  onEvent: (event: TargetEvent) => void = () => {};
  /** Resolves when the connection is over, to the reason that the host gave, if it gave one. */
  readonly over: Promise<string | undefined>;
  private readonly pending = new Map<number, Pending>();
  private readonly arrived: Message[] = [];
  private delivering = false;
  private lastId = 0;
  private reason: string | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly reader: FrameReader,
    /** The host's process. */
    readonly pid: number,
    counters: Counters,
  ) {
    this.last = counters;
    this.over = new Promise((resolve) => {
      socket.on('close', () => {
        this.deliver().then(
          () => resolve(this.reason),
          () => resolve(this.reason),
        );
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    this.read(Buffer.alloc(0));
  }

  /** Connects and says hello. Rejects with UserErrors (`host/...`). */
  static async connect(path: string, version: string, who = `process ${process.pid}`): Promise<HostClient> {
    const socket = connect(path);
    socket.setNoDelay(true);
    const reader = new FrameReader(MAX_FRAME_BYTES);
    const hello: HostHello = { product: 'vmxray', version, clone: CLONE_VERSION, who };
    socket.write(jsonFrame(hello));
    try {
      const welcome = await firstFrame(socket, reader);
      if (!isWelcome(welcome)) throw noAnswer(path, 'it says something else');
      if (welcome.kind === 'refused') throw new UserError(welcome.code, welcome.sentence);
      return new HostClient(socket, reader, welcome.pid, welcome.counters);
    } catch (error) {
      socket.destroy();
      throw error instanceof UserError ? error : noAnswer(path, (error as Error).message);
    }
  }

  /** Calls a method. Rejects with the UserError or the bug of the other side, and once the machine is gone. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.socket.writable) throw gone(this.reason ?? 'its process has ended.');
      const request: HostRequest = { id: ++this.lastId, method, args };
      const bytes = requestFrame(request);
      this.pending.set(request.id, { resolve, reject });
      this.socket.write(bytes);
    });
  }

  /** Rejects all calls that have no answer yet. */
  abandon(reason: string): void {
    this.reason = reason;
    for (const { reject } of this.pending.values()) reject(gone(reason));
    this.pending.clear();
  }

  /** Hangs up once everything said has been sent. */
  close(): void {
    this.socket.destroySoon();
  }

  private read(chunk: Buffer): void {
    this.reader.push(chunk);
    try {
      for (let frame = this.reader.next(); frame; frame = this.reader.next()) {
        const message = readClone(frame);
        if (!isMessage(message)) throw new TypeError('not a message');
        this.arrived.push(message);
      }
    } catch {
      this.reason = 'Its messages could not be read.';
      this.socket.destroy();
    }
    void this.deliver();
  }

  /** In order; whoever waits for an answer goes on before an event that came after it is handed over. */
  private async deliver(): Promise<void> {
    if (this.delivering) return;
    this.delivering = true;
    let answered = false;
    try {
      for (let message = this.arrived.shift(); message; message = this.arrived.shift()) {
        const isEvent = message.kind === 'event';
        if (isEvent && answered) await otherWork();
        answered = !isEvent;
        this.handle(message);
      }
    } finally {
      this.delivering = false;
    }
  }

  private handle(message: Message): void {
    switch (message.kind) {
      case 'event':
        this.onEvent(message.event);
        return;
      case 'counters':
        this.last = message.counters;
        return;
      case 'closing':
        this.last = message.counters;
        this.reason = message.reason;
        return;
      case 'answer':
        this.settle(message.id)?.resolve(message.value);
        return;
      case 'refusal':
        this.settle(message.id)?.reject(new UserError(message.code, message.sentence));
        return;
      case 'failure': {
        const error = new Error(message.message);
        error.stack = `${message.stack}\n    in the machine's process`;
        this.settle(message.id)?.reject(error);
      }
    }
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }
}

/** Arguments that cannot be cloned are no call. */
function requestFrame(request: HostRequest): Buffer {
  try {
    return cloneFrame(request);
  } catch (error) {
    throw error instanceof UserError ? error : badCall(request.method);
  }
}

function firstFrame(socket: Socket, reader: FrameReader): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      reader.push(chunk);
      try {
        const frame = reader.next();
        if (frame) finish(() => resolve(readJson(frame)));
      } catch (error) {
        finish(() => reject(error as Error));
      }
    };
    const onError = (error: Error): void => finish(() => reject(error));
    const onClose = (): void => finish(() => reject(new Error('it hung up')));
    const impatience = setTimeout(() => finish(() => reject(new Error('nothing was said'))), WELCOME_MS);
    const finish = (settle: () => void): void => {
      clearTimeout(impatience);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      settle();
    };
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}
