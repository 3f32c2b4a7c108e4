/**
 * One guest's serial line as a VS Code terminal: what the guest sends is shown, every key goes to the guest as the bytes
 * that a terminal sends (Ctrl-C too, and what is pasted). It outlives its session, so that its text can be read; closed by
 * the user, it can be opened again with its text.
 *
 * NOT IMPLEMENTED: the guest learns no window size, since a serial line has none (`stty rows N cols N` in the guest).
 */
import * as vscode from 'vscode';
import type { SerialInputArguments } from '../../protocol/serial';
import { GuestOutput } from './guest-output';

const SERIAL_INPUT = 'vmxray/serialInput';
/** One request carries at most this many bytes: a long paste is several of them. */
const MOST_INPUT = 2 ** 18;
const OVER = '\r\n\x1b[2mThe session has ended; any key closes this terminal.\x1b[0m\r\n';

export class SerialTerminal {
  private readonly output = new GuestOutput();
  private window: { readonly terminal: vscode.Terminal; readonly written: vscode.EventEmitter<string> } | undefined;
  private isOpen = false;
  private isOver = false;

  constructor(private readonly session: vscode.DebugSession) {
    this.show();
  }

  /** Brings the terminal to the front, without the keyboard; opens it anew if the user has closed it. */
  show(): void {
    this.window ??= this.create();
    this.window.terminal.show(true);
  }

  /** Shows what the guest has sent. */
  take(bytes: Uint8Array): void {
    this.write(this.output.take(bytes));
  }

  /** The guest takes no more keys. */
  end(): void {
    this.isOver = true;
    this.output.keep(OVER);
    this.write(OVER);
  }

  dispose(): void {
    this.window?.terminal.dispose();
    this.closed();
  }

  private create(): NonNullable<typeof this.window> {
    const written = new vscode.EventEmitter<string>();
    const pty: vscode.Pseudoterminal = {
      onDidWrite: written.event,
      open: () => {
        this.isOpen = true;
        if (this.output.kept) written.fire(this.output.kept);
      },
      close: () => this.closed(),
      handleInput: (text) => this.type(text),
    };
    const iconPath = new vscode.ThemeIcon('server-process');
    return {
      written,
      terminal: vscode.window.createTerminal({ name: this.session.name, pty, iconPath, isTransient: true }),
    };
  }

  private closed(): void {
    this.window?.written.dispose();
    this.window = undefined;
    this.isOpen = false;
  }

  private type(text: string): void {
    if (this.isOver) {
      this.dispose();
      return;
    }
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += MOST_INPUT) {
      const input: SerialInputArguments = { data: bytes.subarray(at, at + MOST_INPUT).toString('base64') };
      // A session that is just ending takes no keys.
      this.session.customRequest(SERIAL_INPUT, input).then(undefined, () => {});
    }
  }

  // Before the terminal is on screen nobody listens: what comes then is shown from what is kept.
  private write(text: string): void {
    if (this.isOpen) this.window?.written.fire(text);
  }
}
