/** A page's side of the window: the debug session that it shows, and requests to it. */
import type { FromPage, PageCommand, PageName, PageSession, ToPage } from '../src/protocol/pages';

/** The door to the window. */
export interface VsCodeApi {
  postMessage(message: FromPage): void;
}

/** What a page hears. */
export interface PageListener {
  /** The session has stopped, goes on, was edited, or is another one. */
  onSession(session: PageSession): void;
  /** The guest runs and has come further; at most twice a second. */
  onTick(): void;
  /** Show this address or expression. */
  onShow(text: string): void;
}

interface Pending {
  resolve(body: unknown): void;
  reject(error: Error): void;
}

const TICK_MS = 500;

export class Session {
  now: PageSession = { name: '', state: 'none', moment: 0, stop: 0, threadId: 1, breaks: [] };
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private lastTick = 0;

  constructor(private readonly api: VsCodeApi) {}

  /** Begins to listen, and says that the page is there. */
  start(listener: PageListener): void {
    window.addEventListener('message', ({ data }: MessageEvent<ToPage>) => this.take(data, listener));
    this.api.postMessage({ kind: 'ready' });
  }

  /** Asks the debug session. Rejects with its sentence. */
  ask<Answer>(command: PageCommand, args: object = {}): Promise<Answer> {
    return this.send<Answer>((id) => ({ kind: 'call', id, command, args }));
  }

  /** Stops the guest when the bytes at `0x…` (linear) or `physical:0x…` are written, or no longer. */
  breakOnWrite(place: string, length: number, on: boolean): Promise<void> {
    return this.send((id) => ({ kind: 'breakOnWrite', id, place, length, on }));
  }

  /** Shows another page. */
  open(page: PageName, text: string): void {
    this.api.postMessage({ kind: 'open', page, text });
  }

  /** The value of an expression as an address; a bare `0x…` is one without asking. Rejects with the session's sentence. */
  async address(text: string): Promise<bigint> {
    const bare = /^\s*(0x[0-9a-f]{1,16})\s*$/i.exec(text)?.[1];
    if (bare !== undefined) return BigInt(bare);
    const { frameId } = this.now;
    const ask = (expression: string): Promise<{ result: string }> =>
      this.ask('evaluate', { expression, context: 'watch', ...(frameId !== undefined && { frameId }) });
    const { result } = await ask(`(u64)(${text})`).catch(() => ask(text));
    const value = /0x[0-9a-f]+/i.exec(result)?.[0] ?? /^-?[0-9]+/.exec(result)?.[0];
    if (value === undefined) throw new Error(`${text} is no address.`);
    return BigInt.asUintN(64, BigInt(value));
  }

  private send<Answer>(message: (id: number) => FromPage): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.pending.set(id, { resolve: (body) => resolve(body as Answer), reject });
      this.api.postMessage(message(id));
    });
  }

  private take(message: ToPage, listener: PageListener): void {
    switch (message.kind) {
      case 'session':
        this.now = message.session;
        listener.onSession(message.session);
        return;
      case 'tick': {
        const now = performance.now();
        if (now - this.lastTick < TICK_MS) return;
        this.lastTick = now;
        listener.onTick();
        return;
      }
      case 'show':
        listener.onShow(message.text);
        return;
      case 'answer':
        this.settle(message.id)?.resolve(message.body);
        return;
      case 'refusal':
        this.settle(message.id)?.reject(new Error(message.message));
    }
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }
}
