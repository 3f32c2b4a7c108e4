/**
 * One debug session on one connection: reads requests, answers each in order, sends events. What a request does is in
 * `requests/`; a request that is malformed, unknown or comes at the wrong time gets an error response, and the session
 * goes on.
 */
import { ProtocolServer } from '@vscode/debugadapter/lib/protocol';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../common/errors';
import { Arguments } from './arguments';
import { CAPABILITIES } from './capabilities';
import { Debuggee } from './debuggee';
import { badArgument, cancelled, ERROR_ID, tooManyRequests, unknownRequest } from './errors';
import type { Handler, Reply } from './handler';
import { BoundedInput } from './bounded-input';
import { breakpointRequests } from './requests/breakpoints';
import { customRequests } from './requests/custom';
import { evaluationRequests } from './requests/evaluation';
import { executionRequests } from './requests/execution';
import { inspectionRequests } from './requests/inspection';
import { lifecycleRequests } from './requests/lifecycle';
import { memoryRequests } from './requests/memory';
import { sourceRequests } from './requests/sources';
import { Subscriptions } from './subscriptions';
import type { TargetMaker } from './target-maker';

/** Requests that may wait for an answer; what comes on top is refused. */
const MOST_WAITING = 10_000;
/** Requests of which clients show the error themselves, since the user asked for just that. */
const SHOWN: ReadonlySet<string> = new Set(['launch', 'attach', 'restart']);

export class DapSession extends ProtocolServer {
  private readonly debuggee: Debuggee;
  private readonly subscriptions: Subscriptions;
  private readonly handlers: ReadonlyMap<string, Handler>;
  // Requests are answered one after the other, in the order they came.
  private queue: Promise<void> = Promise.resolve();
  /** Numbers of the requests that wait for their turn; false: cancelled. */
  private readonly waiting = new Map<number, boolean>();

  constructor(maker: TargetMaker) {
    super();
    const emit = (event: string, body?: object): void => this.emitEvent(event, body);
    const debuggee = new Debuggee(maker, emit);
    this.debuggee = debuggee;
    this.subscriptions = new Subscriptions(debuggee, emit);
    const initialize: Handler = (args) => {
      requireUsualNumbers(args);
      debuggee.showsProgress = args.flag('supportsProgressReporting');
      return { body: CAPABILITIES, after: () => this.emitEvent('initialized') };
    };
    this.handlers = new Map(
      Object.entries({
        initialize,
        ...lifecycleRequests(debuggee),
        ...breakpointRequests(debuggee),
        ...executionRequests(debuggee),
        ...inspectionRequests(debuggee),
        ...evaluationRequests(debuggee),
        ...memoryRequests(debuggee),
        ...sourceRequests(debuggee),
        ...customRequests(debuggee, this.subscriptions),
      }),
    );
    // What is no message at all has no sender to answer: it is said, and reading goes on.
    this.on('error', (error: { body?: unknown }) => this.complain(String(error.body)));
    this.on('close', () => void this.end());
  }

  override start(from: NodeJS.ReadableStream, to: NodeJS.WritableStream): void {
    const bounded = new BoundedInput((why) => this.complain(why));
    from.pipe(bounded);
    from.on('close', () => bounded.end());
    super.start(bounded, to);
  }

  /** Ends the session: a launched machine ends, an attached one stays; without a word to the client. */
  async end(): Promise<void> {
    this.subscriptions.replace([]);
    await this.debuggee.close({ keep: this.debuggee.isAttached });
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    if (request.command === 'cancel') {
      this.cancel(request);
      return;
    }
    if (this.waiting.size >= MOST_WAITING) {
      this.refuse(request, tooManyRequests());
      return;
    }
    this.waiting.set(request.seq, true);
    this.queue = this.queue.then(() => this.answer(request));
  }

  /** Takes a request out of the queue; one that is being answered is let be. */
  private cancel(request: DebugProtocol.Request): void {
    const id = (request.arguments as DebugProtocol.CancelArguments | undefined)?.requestId;
    if (id !== undefined && this.waiting.has(id)) this.waiting.set(id, false);
    this.respond(request, true);
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const wanted = this.waiting.get(request.seq);
    this.waiting.delete(request.seq);
    let reply: Reply;
    try {
      if (wanted === false) throw cancelled();
      const handler = this.handlers.get(request.command);
      if (!handler) throw unknownRequest(String(request.command));
      reply = await handler(new Arguments(request.arguments));
    } catch (error) {
      this.refuse(request, error as Error);
      return;
    }
    this.respond(request, true, reply.body);
    reply.after?.();
    this.debuggee.sayDamage();
    if (request.command === 'disconnect') this.emit('disconnected');
  }

  private refuse(request: DebugProtocol.Request, error: Error): void {
    const isMistake = error instanceof UserError;
    const format = isMistake ? error.message : `VMXray has a bug: ${error.message}`;
    if (!isMistake) this.emitEvent('output', { category: 'stderr', output: `${error.stack ?? format}\n` });
    const showUser = SHOWN.has(request.command) || !isMistake;
    this.respond(request, false, { error: { id: ERROR_ID, format, showUser } }, format);
  }

  private complain(what: string): void {
    this.emitEvent('output', { category: 'stderr', output: `A message could not be read (${what}).\n` });
  }

  private respond(request: DebugProtocol.Request, success: boolean, body?: object, message?: string): void {
    const response: DebugProtocol.Response = {
      seq: 0,
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success,
      ...(message !== undefined && { message }),
      ...(body && { body }),
    };
    this.sendResponse(response);
  }

  private emitEvent(event: string, body?: object): void {
    const message: DebugProtocol.Event = { seq: 0, type: 'event', event, ...(body && { body }) };
    this.sendEvent(message);
  }
}

/** Lines and columns count from 1 and paths are paths here, as every known client has it. Throws a UserError otherwise. */
function requireUsualNumbers(args: Arguments): void {
  for (const name of ['linesStartAt1', 'columnsStartAt1'])
    if (args.has(name) && !args.flag(name)) throw badArgument(name, 'true');
  args.choice('pathFormat', ['path']);
}
