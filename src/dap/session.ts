/**
 * One debug session on one connection: reads requests, answers each in order, sends events. What a request does is in
 * `requests.ts` and `custom-requests.ts`; a request that is malformed, unknown or comes at the wrong time gets an error
 * response, and the session goes on.
 */
import { ProtocolServer } from '@vscode/debugadapter/lib/protocol';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../common/errors';
import { Arguments } from './arguments';
import { customRequests } from './custom-requests';
import { Debuggee, type StartTarget } from './debuggee';
import { ERROR_ID, unknownRequest } from './errors';
import { CAPABILITIES, type Handler, type Reply, standardRequests } from './requests';

export class DapSession extends ProtocolServer {
  private readonly debuggee: Debuggee;
  private readonly handlers: ReadonlyMap<string, Handler>;
  // Requests are answered one after the other, in the order they came.
  private queue: Promise<void> = Promise.resolve();

  constructor(startTarget: StartTarget) {
    super();
    this.debuggee = new Debuggee(startTarget, (event, body) => this.emitEvent(event, body));
    const initialize: Handler = () => ({ body: CAPABILITIES, after: () => this.emitEvent('initialized') });
    this.handlers = new Map(
      Object.entries({ initialize, ...standardRequests(this.debuggee), ...customRequests(this.debuggee) }),
    );
    // What is no message at all has no sender to answer: it is said, and reading goes on.
    this.on('error', (error: { body?: unknown }) =>
      this.emitEvent('output', {
        category: 'stderr',
        output: `A message could not be read (${String(error.body)}).\n`,
      }),
    );
    this.on('close', () => void this.end());
  }

  /** Ends the machine, without a word to the client; resolves when it is gone. */
  end(): Promise<void> {
    return this.debuggee.close(false);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    this.queue = this.queue.then(() => this.answer(request));
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    let reply: Reply;
    try {
      const handler = this.handlers.get(request.command);
      if (!handler) throw unknownRequest(String(request.command));
      reply = await handler(new Arguments(request.arguments));
    } catch (error) {
      this.refuse(request, error as Error);
      return;
    }
    this.respond(request, true, reply.body);
    reply.after?.();
    if (request.command === 'disconnect') this.emit('disconnected');
  }

  private refuse(request: DebugProtocol.Request, error: Error): void {
    const isMistake = error instanceof UserError;
    const format = isMistake ? error.message : `VMXray has a bug: ${error.message}`;
    if (!isMistake) this.emitEvent('output', { category: 'stderr', output: `${error.stack ?? format}\n` });
    const showUser = request.command === 'launch' || !isMistake;
    this.respond(request, false, { error: { id: ERROR_ID, format, showUser } }, isMistake ? error.message : format);
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
