// A debug adapter protocol client that knows the wire and nothing of the server: it speaks over any pair of streams, or
// to a `vmxray dap` process that it starts.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';

/** A response that says success: false. */
export class Refused extends Error {
  constructor(readonly response: DebugProtocol.Response) {
    super(response.message ?? 'refused without a message');
  }
}

type Message = DebugProtocol.Response | DebugProtocol.Event;

interface Waiter {
  readonly wanted: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
}

/** One connection. Messages are kept in the order in which they came. */
export class DapClient {
  /** Everything received so far. */
  readonly messages: Message[] = [];
  private readonly waiters: Waiter[] = [];
  private seen = 0;
  private sequence = 0;
  private pending = Buffer.alloc(0);

  constructor(
    from: Readable,
    private readonly to: Writable,
    private readonly timeoutMs = 20_000,
  ) {
    from.on('data', (data: Buffer) => this.receive(data));
  }

  /** The number of the request sent last. */
  get lastSequence(): number {
    return this.sequence;
  }

  /** Sends a request; resolves to the response's body, rejects with Refused. */
  async request<T = Record<string, unknown>>(command: string, args?: object): Promise<T> {
    const response = await this.response(command, args);
    if (!response.success) throw new Refused(response);
    return response.body as T;
  }

  /** Sends a request; resolves to the response, whatever it says. */
  async response(command: string, args?: object): Promise<DebugProtocol.Response> {
    const seq = ++this.sequence;
    const isAnswer = (message: Message): boolean =>
      message.type === 'response' && (message as DebugProtocol.Response).request_seq === seq;
    const answer = this.wait(`the response to ${command}`, isAnswer);
    this.sendRaw(JSON.stringify({ seq, type: 'request', command, arguments: args }));
    return (await answer) as DebugProtocol.Response;
  }

  /** Begins a session that launches a guest, as clients do; `configure` sets its breakpoints. */
  async launch(attributes: object, configure: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.request('initialize', { adapterID: 'vmxray' });
    await this.event('initialized');
    await this.request('launch', attributes);
    await configure();
    await this.request('configurationDone');
  }

  /** The next event of this name that has not been waited for; events before it are passed over. */
  async event<T = Record<string, unknown>>(name: string): Promise<T> {
    for (; this.seen < this.messages.length;) {
      const message = this.messages[this.seen++]!;
      if (message.type === 'event' && (message as DebugProtocol.Event).event === name)
        return (message as DebugProtocol.Event).body as T;
    }
    const isEvent = (message: Message): boolean =>
      message.type === 'event' && (message as DebugProtocol.Event).event === name;
    const event = (await this.wait(`the event ${name}`, isEvent)) as DebugProtocol.Event;
    this.seen = this.messages.indexOf(event) + 1;
    return event.body as T;
  }

  /** Sends a body as it is, JSON or not. */
  sendRaw(body: string): void {
    this.sendBytes(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  /** Sends what is no message, perhaps. */
  sendBytes(bytes: string): void {
    this.to.write(bytes);
  }

  /** Ends what goes to the server. */
  close(): void {
    this.to.end();
  }

  /** The bodies of all events of this name, so far. */
  events<T>(name: string): readonly T[] {
    return this.messages
      .filter((message) => message.type === 'event' && (message as DebugProtocol.Event).event === name)
      .map((message) => (message as DebugProtocol.Event).body as T);
  }

  /** All text of output events of a category, so far. */
  output(category: string): string {
    return this.messages
      .filter((message) => message.type === 'event' && (message as DebugProtocol.Event).event === 'output')
      .map((message) => (message as DebugProtocol.OutputEvent).body)
      .filter((body) => body.category === category)
      .map((body) => body.output)
      .join('');
  }

  private wait(what: string, wanted: Waiter['wanted']): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} did not come; the last messages: ${this.lastMessages()}`)),
        this.timeoutMs,
      );
      this.waiters.push({
        wanted,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  private lastMessages(): string {
    return this.messages
      .slice(-5)
      .map((message) => JSON.stringify(message).slice(0, 300))
      .join('\n');
  }

  private receive(data: Buffer): void {
    this.pending = Buffer.concat([this.pending, data]);
    for (;;) {
      const head = this.pending.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.pending.toString('latin1', 0, head))?.[1]);
      if (this.pending.length < head + 4 + length) return;
      const message = JSON.parse(this.pending.toString('utf8', head + 4, head + 4 + length)) as Message;
      this.pending = this.pending.subarray(head + 4 + length);
      this.messages.push(message);
      const index = this.waiters.findIndex(({ wanted }) => wanted(message));
      if (index >= 0) this.waiters.splice(index, 1)[0]!.resolve(message);
    }
  }
}

/** A `vmxray dap` process and the client that talks to it. */
export class DapProcess {
  readonly client: DapClient;
  private readonly child: ChildProcessWithoutNullStreams;
  private errors = '';

  constructor(timeoutMs?: number, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [join('dist', 'src', 'cli', 'main.js'), 'dap'], {
      env: { ...process.env, ...env },
    });
    this.child.stderr.on('data', (data) => (this.errors += String(data)));
    this.client = new DapClient(this.child.stdout, this.child.stdin, timeoutMs);
  }

  /** Resolves to the exit code and what was written to standard error, once the process has ended. */
  async ended(): Promise<{ code: number | null; errors: string }> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return { code: this.child.exitCode, errors: this.errors };
  }

  /** Ends the process if it is still there. */
  stop(): void {
    this.child.kill('SIGKILL');
  }
}
