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
  private sending = false;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly watch: SessionWatch) {
    this.subscription = watch.onChange(({ session, what }) => {
      if (what === 'dataBreakpoints' && !this.sending && this.own.has(session.session.id))
        this.send(session.session).catch(() => {});
    });
  }

  /** Stops at a write to `length` bytes at a linear address. Rejects as the adapter does. */
  async add(session: vscode.DebugSession, linear: string, length: number): Promise<void> {
    const before = this.own.get(session.id) ?? [];
    const dataId = `${linear},${length}`;
    if (before.some((one) => one.dataId === dataId)) return;
    this.own.set(session.id, [...before, { dataId, accessType: 'write' }]);
    await this.send(session);
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
    this.sending = true;
    try {
      const breakpoints = [...theirs.filter((one) => !isOwn(one)), ...own];
      await session.customRequest('setDataBreakpoints', { breakpoints });
    } finally {
      this.sending = false;
    }
  }
}
