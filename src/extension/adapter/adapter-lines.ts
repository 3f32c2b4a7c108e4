/**
 * A second line to each session's adapter, beside VS Code's own: what is said there is heard at once, and requests of the
 * pages go there without a turn through VS Code's window.
 */
import type * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Between the numbers that VS Code counts up from 1 and those of the stop filter. */
const FIRST_REQUEST = 2 ** 29;
/** Requests that change the guest. */
const EDITS: readonly string[] = ['writeMemory', 'vmxray/writeDevice'];
const GONE = 'The debug session has ended.';

type Message = DebugProtocol.ProtocolMessage;

interface Pending {
  resolve(body: unknown): void;
  reject(error: Error): void;
}

/** Hears what an adapter (`said`) and VS Code (`told`) say to each other. */
export interface LineListener {
  said(session: vscode.DebugSession, message: Message): void;
  told(session: vscode.DebugSession, message: Message): void;
}

/** The line to one adapter. */
export class AdapterLine {
  /** Hears every message that is not an answer on this line. */
  onSaid: (message: Message) => void = () => {};
  onTold: (message: Message) => void = () => {};
  onClose: () => void = () => {};
  private readonly pending = new Map<number, Pending>();
  private lastRequest = FIRST_REQUEST;
  private isClosed = false;
  /** Edits of our pages that are under way. */
  private edits = 0;

  constructor(private readonly write: (request: DebugProtocol.Request) => void) {}

  /** Sends a request. Rejects with the adapter's sentence, and once the adapter is gone. */
  ask(command: string, args: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw new Error(GONE);
      const seq = ++this.lastRequest;
      const isEdit = EDITS.includes(command);
      if (isEdit) this.edits++;
      const over = (): void => {
        if (isEdit) this.edits--;
      };
      this.pending.set(seq, {
        resolve: (body) => {
          over();
          resolve(body);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      });
      this.write({ seq, type: 'request', command, arguments: args });
    });
  }

  /** Takes the adapter's next message; gives what VS Code shall hear of it: nothing of an answer on this line. */
  take(message: Message): Message | undefined {
    const { type, request_seq, success, body, message: why } = message as DebugProtocol.ErrorResponse;
    const pending = type === 'response' ? this.pending.get(request_seq) : undefined;
    if (!pending) {
      this.onSaid(message);
      return this.edits > 0 ? quieter(message) : message;
    }
    this.pending.delete(request_seq);
    if (success) pending.resolve(body);
    else pending.reject(new Error(body?.error?.format ?? why ?? GONE));
    return undefined;
  }

  /** VS Code has sent the adapter this. */
  told(message: Message): void {
    this.onTold(message);
  }

  /** The adapter is gone. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const { reject } of this.pending.values()) reject(new Error(GONE));
    this.pending.clear();
    this.onClose();
  }
}

/**
 * After an edit VS Code shows the selected frame anew, in front of the page that the user edits in: it is told to read the
 * variables alone.
 */
function quieter(message: Message): Message {
  const { event, body } = message as DebugProtocol.InvalidatedEvent;
  return event === 'invalidated' ? ({ ...message, body: { ...body, areas: ['variables'] } } as Message) : message;
}

/** The lines of all sessions. */
export class AdapterLines {
  /** Hears all of them. */
  listener: LineListener = { said: () => {}, told: () => {} };
  private readonly lines = new Map<string, AdapterLine>();

  /** A session's adapter is there. */
  open(session: vscode.DebugSession, line: AdapterLine): AdapterLine {
    this.lines.set(session.id, line);
    line.onSaid = (message) => this.listener.said(session, message);
    line.onTold = (message) => this.listener.told(session, message);
    line.onClose = () => this.lines.delete(session.id);
    return line;
  }

  /** Asks a session's adapter. Rejects with its sentence. */
  async ask(session: vscode.DebugSession, command: string, args: object): Promise<unknown> {
    const line = this.lines.get(session.id);
    if (!line) throw new Error(GONE);
    return line.ask(command, args);
  }
}
