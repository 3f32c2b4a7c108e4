/**
 * Data breakpoints that our pages set. VS Code has no door for them: they are sent to the adapter beside those that VS
 * Code itself has, again each time when VS Code replaces its own.
 */
import type * as vscode from 'vscode';
import type { SessionWatch } from './session-watch';

/** A data breakpoint for the adapter. */
interface DataBreak {
  readonly dataId: string;
  readonly accessType: 'write';
}

export class DataBreaks implements vscode.Disposable {
  private readonly own = new Map<string, DataBreak[]>();
  private readonly subscription: vscode.Disposable;

  constructor(private readonly watch: SessionWatch) {
    this.subscription = watch.onChange(({ session, what }) => {
      if (what === 'dataBreakpoints' && this.own.has(session.session.id)) this.send(session.session).catch(() => {});
    });
  }

  /**
   * Stops at a write to `length` bytes at `0xN` (linear) or `physical:0xN`, or does so no longer. Rejects as the adapter
   * does.
   */
  async set(session: vscode.DebugSession, place: string, length: number, on: boolean): Promise<void> {
    const dataId = `${place},${length}`;
    const others = (this.own.get(session.id) ?? []).filter((one) => one.dataId !== dataId);
    this.own.set(session.id, on ? [...others, { dataId, accessType: 'write' }] : others);
    await this.send(session);
  }

  /** The places of a session. */
  of(session: vscode.DebugSession): readonly string[] {
    return (this.own.get(session.id) ?? []).map(({ dataId }) => dataId.split(',')[0]!);
  }

  dispose(): void {
    this.subscription.dispose();
    this.own.clear();
  }

  private async send(session: vscode.DebugSession): Promise<void> {
    const active = this.watch.active;
    const theirs = active?.session === session ? active.dataBreakpoints : [];
    const own = this.own.get(session.id) ?? [];
    const isOwn = (one: object): boolean => own.some(({ dataId }) => dataId === (one as DataBreak).dataId);
    const breakpoints = [...theirs.filter((one) => !isOwn(one)), ...own];
    await this.watch.ask(session, 'setDataBreakpoints', { breakpoints });
  }
}
