/**
 * The guest's serial line as a VS Code terminal, one per session that asks for it (`console: "terminal"`): what the
 * guest sends is shown, every key goes to the guest. A terminal outlives its session, so that its text can be read.
 */
import * as vscode from 'vscode';
import type { SerialInputArguments, SerialOutput } from '../protocol/serial';

const SERIAL_EVENT = 'vmxray/serial';
const SERIAL_INPUT = 'vmxray/serialInput';

/** Keeps the terminals of all sessions of one debug type. */
export class SerialTerminals implements vscode.Disposable {
  private readonly lines = new Map<string, SerialTerminal>();
  private readonly ended = new Map<string, SerialTerminal>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(type: string) {
    this.subscriptions = [
      vscode.debug.onDidStartDebugSession((session) => {
        if (session.type === type && session.configuration.console === 'terminal') this.open(session);
      }),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        if (session.type === type && event === SERIAL_EVENT) this.open(session).show(body as SerialOutput);
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.end(session)),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const line of [...this.lines.values(), ...this.ended.values()]) line.dispose();
  }

  // The guest may speak before VS Code says that the session has started.
  private open(session: vscode.DebugSession): SerialTerminal {
    let line = this.lines.get(session.id);
    if (!line) {
      this.ended.get(session.name)?.dispose();
      this.ended.delete(session.name);
      line = new SerialTerminal(session);
      this.lines.set(session.id, line);
    }
    return line;
  }

  private end(session: vscode.DebugSession): void {
    const line = this.lines.get(session.id);
    if (!line) return;
    this.lines.delete(session.id);
    this.ended.set(session.name, line);
    line.end();
  }
}

class SerialTerminal implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.written.event;
  private readonly terminal: vscode.Terminal;
  private readonly text = new TextDecoder();
  // What comes before the terminal is on screen is kept for it.
  private early: string | undefined = '';
  private isOver = false;

  constructor(private readonly session: vscode.DebugSession) {
    this.terminal = vscode.window.createTerminal({
      name: session.name,
      pty: this,
      iconPath: new vscode.ThemeIcon('server-process'),
    });
    this.terminal.show(true);
  }

  open(): void {
    const text = this.early ?? '';
    this.early = undefined;
    if (text) this.written.fire(text);
  }

  close(): void {}

  handleInput(text: string): void {
    if (this.isOver) return;
    const input: SerialInputArguments = { data: Buffer.from(text).toString('base64') };
    // A session that is just ending takes no keys.
    this.session.customRequest(SERIAL_INPUT, input).then(undefined, () => {});
  }

  show({ data }: SerialOutput): void {
    // As a terminal's line discipline does on output: a bare line feed returns the carriage too.
    this.write(this.text.decode(Buffer.from(data, 'base64'), { stream: true }).replaceAll('\n', '\r\n'));
  }

  end(): void {
    this.isOver = true;
    this.write('\r\n\x1b[2mThe session has ended.\x1b[0m\r\n');
  }

  dispose(): void {
    this.terminal.dispose();
    this.written.dispose();
  }

  private write(text: string): void {
    if (this.early === undefined) this.written.fire(text);
    else this.early += text;
  }
}
