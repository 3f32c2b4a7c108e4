/**
 * The client's side of the debug adapter protocol: requests with their answers, and events, over a pair of streams.
 * Knows the wire and nothing of the adapter behind it. Source: the protocol's overview, "base protocol".
 */
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import { framed, MessageReader } from '../../dap/wire';

/** Takes the adapter's events, in the order in which they come. */
export interface EventSink {
  onEvent(event: string, body: unknown): void;
  /** The connection is gone; no event follows. */
  onClosed(reason: string): void;
}

/** A request that the adapter refused; the message is the adapter's sentence. */
export class Refused extends UserError {
  constructor(
    readonly command: string,
    message: string,
  ) {
    super('debug/refused', message);
  }
}

interface Pending {
  readonly command: string;
  settle(answer: DebugProtocol.Response | Error): void;
}

/** Most milliseconds that an answer may take: building a large kernel's line table is the longest. */
const ANSWER_MS = 120_000;

/** One connection to an adapter. */
export class DapClient {
  private readonly pending = new Map<number, Pending>();
  private sequence = 0;
  private closed: string | undefined;

  constructor(
    from: Readable,
    private readonly to: Writable,
    private readonly sink: EventSink,
  ) {
    const reader = new MessageReader((message) => this.receive(message));
    from.on('data', (data: Buffer) => {
      try {
        reader.push(data);
      } catch (error) {
        this.close((error as Error).message);
      }
    });
    from.on('close', () => this.close('The debug adapter has closed the connection.'));
    from.on('error', ({ message }) => this.close(message));
    to.on('error', ({ message }) => this.close(message));
  }

  /**
   * Sends a request; resolves to the answer's body, which is what the protocol says for `command`. Rejects with Refused,
   * and with a UserError (`debug/...`) when no answer comes.
   */
  async request<Body = unknown>(command: string, args?: object, answerMs = ANSWER_MS): Promise<Body> {
    if (this.closed !== undefined) throw new UserError('debug/closed', this.closed);
    const seq = ++this.sequence;
    const answer = await new Promise<DebugProtocol.Response>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(seq);
        reject(new UserError('debug/timeout', `No answer to "${command}" came within ${answerMs / 1000} s.`));
      }, answerMs);
      this.pending.set(seq, {
        command,
        settle: (outcome) => {
          clearTimeout(timer);
          this.pending.delete(seq);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      });
      this.send({ seq, type: 'request', command, ...(args && { arguments: args }) });
    });
    if (!answer.success) throw new Refused(command, sentence(answer));
    return answer.body as Body;
  }

  /** Asks the adapter to give up what it has not answered yet. */
  cancelAll(): void {
    for (const requestId of this.pending.keys()) this.request('cancel', { requestId }).catch(() => {});
  }

  private send(message: DebugProtocol.Request): void {
    this.to.write(framed(message));
  }

  private receive(message: DebugProtocol.ProtocolMessage): void {
    if (this.closed !== undefined) return;
    if (message.type === 'event') {
      const { event, body } = message as DebugProtocol.Event;
      this.sink.onEvent(event, body ?? {});
    } else if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.pending.get(response.request_seq)?.settle(response);
    }
  }

  /** Ends the connection: what is not answered yet is refused with `reason`. */
  close(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    for (const { settle } of [...this.pending.values()]) settle(new UserError('debug/closed', reason));
    this.to.end();
    this.sink.onClosed(reason);
  }
}

/** What an error response says, its variables filled in. */
function sentence({ command, message, body }: DebugProtocol.Response): string {
  const error = (body as { error?: DebugProtocol.Message } | undefined)?.error;
  const text = error?.format.replace(/\{(\w+)\}/g, (whole, name: string) => error.variables?.[name] ?? whole);
  return text ?? message ?? `The request "${command}" failed.`;
}
