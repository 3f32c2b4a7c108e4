/**
 * How each debug session of ours stands, read from what its adapter says, before VS Code hears it: pages and the status
 * bar follow it. The adapter is asked to tell of its counters, at most ten times a second.
 */
import * as vscode from 'vscode';
import type { CountersEvent } from '../../../protocol/events';
import type { PageSession } from '../../../protocol/pages';
import type { AdapterLines } from '../../adapter/adapter-lines';

/** A message of an adapter, as far as it matters here. */
interface Message {
  readonly type: string;
  readonly event?: string;
  readonly command?: string;
  readonly arguments?: unknown;
  readonly success?: boolean;
  readonly body?: unknown;
}

/** Requests whose answer says that the guest runs. */
const RESUMING: readonly string[] = ['continue', 'next', 'stepIn', 'stepOut', 'goto', 'vmxray/stepExit'];

/** One session. */
export class WatchedSession {
  running = false;
  moment = 0;
  stops = 0;
  threadId = 1;
  counters: CountersEvent | undefined;
  /** What VS Code asked for last with `setDataBreakpoints`. */
  dataBreakpoints: readonly object[] = [];

  constructor(readonly session: vscode.DebugSession) {}

  /** For a page. */
  get forPage(): Omit<PageSession, 'breaks'> {
    const item = vscode.debug.activeStackItem;
    const isHere = item instanceof vscode.DebugStackFrame && item.session === this.session && !this.running;
    return {
      name: this.session.name,
      state: this.running || this.stops === 0 ? 'running' : 'stopped',
      moment: this.moment,
      stop: this.stops,
      threadId: this.threadId,
      ...(isHere && { frameId: item.frameId }),
    };
  }
}

/** What has happened in a session: `state` after a stop, an edit, a resume or its end, `counters` when it has come further. */
export interface SessionChange {
  readonly session: WatchedSession;
  readonly what: 'state' | 'counters' | 'dataBreakpoints';
}

export class SessionWatch implements vscode.Disposable {
  private readonly sessions = new Map<string, WatchedSession>();
  private readonly changed = new vscode.EventEmitter<SessionChange>();
  readonly onChange = this.changed.event;
  private readonly subscriptions = [
    vscode.debug.onDidTerminateDebugSession((session) => {
      const watched = this.sessions.get(session.id);
      if (!watched) return;
      this.sessions.delete(session.id);
      watched.running = false;
      this.changed.fire({ session: watched, what: 'state' });
    }),
    vscode.debug.onDidChangeActiveDebugSession(() => this.tellActive()),
    vscode.debug.onDidChangeActiveStackItem(() => this.tellActive()),
  ];

  constructor(private readonly lines: AdapterLines) {
    lines.listener = {
      said: (session, message) => this.sent(this.of(session), message as Message),
      told: (session, message) => this.received(this.of(session), message as Message),
    };
  }

  /** Asks a session's adapter, without a turn through VS Code's window. Rejects with its sentence. */
  ask(session: vscode.DebugSession, command: string, args: object): Promise<unknown> {
    return this.lines.ask(session, command, args);
  }

  /** The session that the user looks at: the active one, else the newest; undefined if none of ours is there. */
  get active(): WatchedSession | undefined {
    const { activeDebugSession } = vscode.debug;
    return (activeDebugSession && this.sessions.get(activeDebugSession.id)) ?? [...this.sessions.values()].at(-1);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }

  private of(session: vscode.DebugSession): WatchedSession {
    let watched = this.sessions.get(session.id);
    if (!watched) this.sessions.set(session.id, (watched = new WatchedSession(session)));
    return watched;
  }

  private received(session: WatchedSession, message: Message): void {
    if (message.command !== 'setDataBreakpoints') return;
    const { breakpoints } = message.arguments as { breakpoints?: readonly object[] };
    session.dataBreakpoints = breakpoints ?? [];
    this.changed.fire({ session, what: 'dataBreakpoints' });
  }

  private sent(session: WatchedSession, { type, event, command, success, body }: Message): void {
    if (type === 'response' && command === 'configurationDone' && success) {
      session.running = session.stops === 0;
      const events = { events: ['counters'] };
      this.ask(session.session, 'vmxray/subscribe', events).catch(() => {});
      this.changed.fire({ session, what: 'state' });
    }
    if (type === 'response' && success && RESUMING.includes(command ?? '')) {
      session.running = true;
      this.changed.fire({ session, what: 'state' });
    }
    if (type !== 'event') return;
    switch (event) {
      case 'stopped':
        session.running = false;
        session.stops++;
        session.moment++;
        session.threadId = (body as { threadId?: number }).threadId ?? 1;
        break;
      case 'continued':
        session.running = true;
        break;
      case 'memory':
      case 'invalidated':
        session.moment++;
        break;
      case 'vmxray/counters':
        session.counters = body as CountersEvent;
        this.changed.fire({ session, what: 'counters' });
        return;
      default:
        return;
    }
    this.changed.fire({ session, what: 'state' });
  }

  private tellActive(): void {
    const { active } = this;
    if (active) this.changed.fire({ session: active, what: 'state' });
  }
}
