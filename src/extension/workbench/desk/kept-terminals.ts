/** Terminals of machines that come back when the window was reloaded: which actions on which items had opened them. */
import * as vscode from 'vscode';

const KEY = 'vmxray.terminals';

/** What opens a terminal. */
export interface TerminalMaker {
  readonly provider: string;
  readonly action: string;
  readonly item: string;
}

export class KeptTerminals implements vscode.Disposable {
  private readonly makers = new Map<vscode.Terminal, TerminalMaker>();
  private readonly subscription: vscode.Disposable;

  constructor(private readonly memory: vscode.Memento) {
    this.subscription = vscode.window.onDidCloseTerminal((terminal) => {
      // With the window it is not gone for good.
      if (terminal.exitStatus?.reason === vscode.TerminalExitReason.Shutdown) return;
      if (this.makers.delete(terminal)) this.save();
    });
  }

  /** The terminals that were open when this window was there last. */
  takeBefore(): readonly TerminalMaker[] {
    const before = this.memory.get<readonly TerminalMaker[]>(KEY, []);
    this.save();
    return before;
  }

  /** Whether one is open for an item. */
  has(provider: string, item: string | undefined): boolean {
    return [...this.makers.values()].some((maker) => maker.provider === provider && maker.item === item);
  }

  /** A terminal is open. */
  keep(terminal: vscode.Terminal, maker: TerminalMaker): void {
    this.makers.set(terminal, maker);
    this.save();
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private save(): void {
    void this.memory.update(KEY, [...this.makers.values()]);
  }
}
