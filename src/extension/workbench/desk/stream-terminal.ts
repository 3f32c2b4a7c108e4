/** A terminal over a stream of bytes: a serial line, a shell in a container, a log that is followed. */
import * as vscode from 'vscode';
import type { ByteStream } from '../../../inventory/provider';
import { GuestOutput } from '../../serial/guest-output';

/** Opens the terminal; it closes its stream with itself. */
export function openStreamTerminal(title: string, stream: ByteStream): vscode.Terminal {
  const written = new vscode.EventEmitter<string>();
  const output = new GuestOutput();
  let isOver = false;
  const pty: vscode.Pseudoterminal = {
    onDidWrite: written.event,
    // Before the terminal is on screen nobody listens.
    open: (size) => {
      if (size) stream.resize?.(size.columns, size.rows);
      stream.onEnd((why) => {
        isOver = true;
        const said = why ? `${why.replaceAll('\n', '\r\n')} ` : '';
        written.fire(`\r\n\x1b[2m${said}Any key closes this terminal.\x1b[0m\r\n`);
      });
      stream.onData((bytes) => written.fire(output.take(bytes)));
    },
    setDimensions: ({ columns, rows }) => stream.resize?.(columns, rows),
    handleInput: (text) => {
      if (isOver) terminal.dispose();
      else stream.write(Buffer.from(text));
    },
    close: () => {
      stream.dispose();
      written.dispose();
    },
  };
  const iconPath = new vscode.ThemeIcon('server-process');
  const terminal = vscode.window.createTerminal({ name: title, pty, iconPath, isTransient: true });
  terminal.show();
  return terminal;
}
