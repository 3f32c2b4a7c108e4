/**
 * The host's end of one connection: reads the hello, then calls, and answers each when it is ready. Whatever a peer
 * sends, nothing but its own connection suffers.
 */
import type { Socket } from 'node:net';
import { UserError } from '../../common/errors';
import type { ClientEntry, HostHello, HostMessage, HostRequest, HostWelcome } from '../../protocol/host';
import type { Counters, TargetEvent } from '../target';
import { otherEngine, otherVersion } from './errors';
import {
  CLONE_VERSION,
  cloneFrame,
  FrameReader,
  jsonFrame,
  MAX_FRAME_BYTES,
  MAX_HELLO_BYTES,
  readClone,
  readJson,
} from './frames';
import type { Call } from './methods';
import { anything, integer, list, object, oneOf, optional, text } from './shapes';

type Message = HostMessage<TargetEvent, Counters>;

const HELLO_MS = 5000;
/** A client that reads nothing is let go when so many bytes wait for it. */
const MAX_WAITING_BYTES = 2 * MAX_FRAME_BYTES;

const isHello = object<HostHello>({ product: oneOf('vmxray'), version: text, clone: integer, who: optional(text) });
const MAX_WHO = 100;
const isRequest = object<HostRequest>({
  id: integer,
  method: text,
  args: list(anything),
});

/** What a connection needs of the host. */
export interface HostDoor {
  readonly version: string;
  /** How far the machine was when last looked at. */
  readonly counters: Counters;
  /** A client has said a good hello: gives what it calls with; the listener gets the machine's events. */
  enter(connection: HostConnection): Call;
  /** The client is gone, with a word or without. */
  leave(connection: HostConnection): void;
}

export class HostConnection {
  /** Who the client is and since when, once it has said hello. */
  client: ClientEntry = { who: '', since: '' };
  private readonly reader = new FrameReader(MAX_HELLO_BYTES);
  private call: Call | undefined;
  private resumes = 0;
  // What a resume leads to is said after its answer.
  private held: Message[] = [];

  constructor(
    private readonly socket: Socket,
    private readonly door: HostDoor,
  ) {
    socket.setNoDelay(true);
    const impatience = setTimeout(() => this.call === undefined && socket.destroy(), HELLO_MS);
    socket.on('data', (chunk: Buffer) => {
      if (!this.read(chunk)) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(impatience);
      if (!this.call) return;
      this.call = undefined;
      door.leave(this);
    });
  }

  /** Sends one of the machine's events. */
  onEvent(event: TargetEvent): void {
    this.say({ kind: 'event', event });
  }

  /** Says how far the machine is. */
  onCounters(counters: Counters): void {
    this.say({ kind: 'counters', counters });
  }

  /** Says why the machine ends, and hangs up. */
  close(reason: string): void {
    if (this.call) this.send({ kind: 'closing', reason, counters: this.door.counters });
    this.socket.destroySoon();
  }

  /** False: this is no client of ours. */
  private read(chunk: Buffer): boolean {
    this.reader.push(chunk);
    try {
      for (let frame = this.reader.next(); frame && !this.socket.writableEnded; frame = this.reader.next()) {
        if (!this.call) this.welcome(readJson(frame));
        else this.onRequest(readClone(frame));
      }
      return true;
    } catch {
      return false;
    }
  }

  private welcome(hello: unknown): void {
    if (!isHello(hello)) throw new TypeError('not a hello');
    const { version, counters } = this.door;
    const refusal =
      hello.version !== version
        ? otherVersion(version, hello.version)
        : hello.clone !== CLONE_VERSION
          ? otherEngine()
          : undefined;
    const answer: HostWelcome<Counters> = refusal
      ? { kind: 'refused', code: refusal.code, sentence: refusal.message }
      : { kind: 'welcome', pid: process.pid, counters };
    this.socket.write(jsonFrame(answer));
    if (refusal) this.socket.end();
    else {
      this.reader.limit = MAX_FRAME_BYTES;
      this.client = { who: (hello.who ?? '').slice(0, MAX_WHO), since: new Date().toISOString() };
      this.call = this.door.enter(this);
    }
  }

  private onRequest(request: unknown): void {
    if (!isRequest(request)) throw new TypeError('not a request');
    const isResume = request.method === 'resume';
    if (isResume) this.resumes++;
    void this.answer(request).then((answer) => {
      this.send(answer);
      // Who ends the machine is told so, and needs the connection no more.
      if (request.method === 'dispose') this.socket.destroySoon();
      if (isResume && --this.resumes === 0) for (const message of this.held.splice(0)) this.send(message);
    });
  }

  private async answer({ id, method, args }: HostRequest): Promise<Message> {
    try {
      return { kind: 'answer', id, value: await this.call?.(method, args) };
    } catch (error) {
      return failed(id, error as Error);
    }
  }

  private say(message: Message): void {
    if (this.resumes > 0) this.held.push(message);
    else this.send(message);
  }

  private send(message: Message): void {
    if (!this.socket.writable) return;
    if (this.socket.writableLength > MAX_WAITING_BYTES) {
      this.socket.destroy();
      return;
    }
    this.socket.write(message.kind === 'answer' ? answerFrame(message) : cloneFrame(message));
  }
}

const failed = (id: number, error: Error): Message =>
  error instanceof UserError
    ? { kind: 'refusal', id, code: error.code, sentence: error.message }
    : { kind: 'failure', id, message: String(error.message), stack: String(error.stack) };

/** An answer may be too large, or hold what cannot be cloned: that is this call's trouble alone. */
function answerFrame(answer: Extract<Message, { kind: 'answer' }>): Buffer {
  try {
    return cloneFrame(answer);
  } catch (error) {
    return cloneFrame(failed(answer.id, error as Error));
  }
}
