/** The serial terminals of all sessions that ask for one (`console: "terminal"`). */
import * as vscode from 'vscode';
import type { SerialOutput } from '../../protocol/serial';
import { lacksOf } from '../../targets/foreign-guest/lacks';
import { TYPE } from '../active-session';
import { SerialTerminal } from './serial-terminal';

const SERIAL_EVENT = 'vmxray/serial';

/** Opens a terminal with its session, and closes it when a session of the same name starts anew. */
export class SerialTerminals implements vscode.Disposable {
  private readonly running = new Map<string, SerialTerminal>();
  private readonly ended = new Map<string, SerialTerminal>();
  private readonly subscriptions = [
    vscode.debug.onDidStartDebugSession((session) => {
      if (session.type !== TYPE || session.configuration.console !== 'terminal') return;
      if (!lacksOf(session.configuration).includes('serial')) this.of(session);
    }),
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (session.type !== TYPE || event !== SERIAL_EVENT) return;
      this.of(session).take(Buffer.from((body as SerialOutput).data, 'base64'));
    }),
    vscode.debug.onDidTerminateDebugSession((session) => this.end(session)),
  ];

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const terminal of [...this.running.values(), ...this.ended.values()]) terminal.dispose();
  }

  /** Shows the terminal of this session, or of the one that ended last. */
  show(session: vscode.DebugSession | undefined): void {
    const terminal = (session && this.running.get(session.id)) ?? [...this.ended.values()].at(-1);
    if (terminal) terminal.show();
    else
      void vscode.window.showErrorMessage('No serial terminal: it comes with a session whose "console" is "terminal".');
  }

  // The guest may speak before VS Code says that the session has started.
  private of(session: vscode.DebugSession): SerialTerminal {
    let terminal = this.running.get(session.id);
    if (!terminal) {
      this.ended.get(session.name)?.dispose();
      this.ended.delete(session.name);
      terminal = new SerialTerminal(session);
      this.running.set(session.id, terminal);
    }
    return terminal;
  }

  private end(session: vscode.DebugSession): void {
    const terminal = this.running.get(session.id);
    if (!terminal) return;
    this.running.delete(session.id);
    this.ended.set(session.name, terminal);
    terminal.end();
  }
}
