/**
 * The near end of the guest's serial line: this process's standard streams, a file, or nothing.
 *
 * On a terminal the line is raw: every key goes to the guest, and Ctrl-A begins a command of ours (X quits, Ctrl-A sends
 * Ctrl-A itself). The end of standard input only means that nothing more is typed.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { UserError } from '../common/errors';
import type { SerialChoice } from './run-options';

/** Takes the guest's bytes, gives what is typed. */
export interface SerialLine {
  /** Queues one byte that the guest sent. */
  put(byte: number): void;
  /** Passes the queued bytes on; resolves when the receiver takes more. Rejects with SerialClosed when it is gone. */
  flush(): Promise<void>;
  /** Gives everything back (the terminal's mode, the file). */
  close(): void;
}

/** The reader of our standard output has gone away. */
export class SerialClosed extends Error {}

/** What is typed. */
export interface SerialKeys {
  onBytes(bytes: Uint8Array): void;
  onQuit(): void;
  /** Nothing more will be typed. */
  onEnd(): void;
}

/** Opens the line that the user chose. UserErrors when its file cannot be written. */
export function openSerialLine(choice: SerialChoice, keys: SerialKeys): SerialLine {
  switch (choice.kind) {
    case 'none':
      return { put: () => {}, flush: () => Promise.resolve(), close: () => {} };
    case 'file':
      return openFile(choice.path);
    case 'stdio':
      return openStdio(keys);
  }
}

/** Collects bytes and hands them over as one piece. */
class Outbox {
  private bytes = new Uint8Array(4096);
  private length = 0;

  put(byte: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
  }

  /** What was collected since the last call; a copy. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Opens `path` for writing from its start. UserError when that fails; `what` names the file's role. */
export function createFile(what: string, path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`file/${code}`, `The ${what} file ${path} cannot be written (${code}): name another place.`);
  }
}

function openFile(path: string): SerialLine {
  const file = createFile('serial', path);
  const outbox = new Outbox();
  const flush = (): void => {
    const bytes = outbox.take();
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
  };
  return {
    put: (byte) => outbox.put(byte),
    flush: () => {
      flush();
      return Promise.resolve();
    },
    close: () => {
      flush();
      closeSync(file);
    },
  };
}

const CTRL_A = 0x01;

/** Takes Ctrl-A commands out of typed bytes. */
export class EscapeFilter {
  private escaped = false;

  /** What goes to the guest of `typed`, or `quit`. */
  take(typed: Uint8Array): Uint8Array | 'quit' {
    const passed: number[] = [];
    for (const byte of typed) {
      const escaped = this.escaped;
      this.escaped = false;
      if (!escaped) {
        if (byte === CTRL_A) this.escaped = true;
        else passed.push(byte);
      } else if (byte === 0x78 || byte === 0x58) return 'quit';
      else if (byte === CTRL_A || byte === 0x61) passed.push(CTRL_A);
    }
    return Uint8Array.from(passed);
  }
}

function openStdio(keys: SerialKeys): SerialLine {
  const { stdin, stdout } = process;
  const outbox = new Outbox();
  const filter = new EscapeFilter();
  let gone = false;
  stdout.on('error', () => {
    gone = true;
  });
  const typed = (data: Buffer): void => {
    const passed = filter.take(data);
    if (passed === 'quit') keys.onQuit();
    else if (passed.length > 0) keys.onBytes(passed);
  };
  const raw = stdin.isTTY === true;
  if (raw) stdin.setRawMode(true);
  stdin.on('data', typed);
  stdin.on('end', () => keys.onEnd());
  stdin.on('error', () => keys.onEnd()); // a terminal that went away
  return {
    put: (byte) => outbox.put(byte),
    flush: () => {
      if (gone) return Promise.reject(new SerialClosed());
      const bytes = outbox.take();
      if (bytes.length === 0 || stdout.write(bytes)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const done = (): void => {
          stdout.off('drain', done);
          stdout.off('close', done);
          stdout.off('error', done);
          if (gone) reject(new SerialClosed());
          else resolve();
        };
        stdout.on('drain', done).on('close', done).on('error', done);
      });
    },
    close: () => {
      stdin.off('data', typed);
      stdin.pause();
      if (raw) stdin.setRawMode(false);
    },
  };
}
