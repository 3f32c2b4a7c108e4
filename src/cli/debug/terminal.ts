/**
 * The prompt on a terminal: lines with history and completion. While a command works there is no prompt and keys are not
 * shown; lines that are typed meanwhile wait for their turn.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Completions } from './completion';
import { HISTORY_LINES } from './history';
import { separateTabs } from './keys';
import { LineQueue, type LineSource } from './lines';
import type { Screen } from './screen';

/** Stands before what the user types. */
export const PROMPT = '(vmxray) ';

/** What the prompt asks and tells. */
export interface Keys {
  complete(line: string): Promise<Completions>;
  /** Ctrl-C; `isTyping` says that it struck at the prompt. */
  onInterrupt(isTyping: boolean): void;
  /** Lines of earlier sessions, the newest first. */
  readonly history: string[];
  /** All lines, the newest first, after each new one. */
  onHistory(history: readonly string[]): void;
}

/** The parts of a terminal's output that line editing asks for. */
interface TerminalOutput extends Writable {
  readonly columns?: number;
  readonly rows?: number;
}

export class Terminal implements LineSource {
  private readonly queue = new LineQueue();
  private readonly editor: Interface;
  private isPrompting = false;

  constructor(
    input: Parameters<typeof separateTabs>[0],
    private readonly output: TerminalOutput,
    private readonly screen: Screen,
    keys: Keys,
  ) {
    this.editor = createInterface({
      input: separateTabs(input),
      output: this.echo(),
      terminal: true,
      prompt: PROMPT,
      history: keys.history,
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) =>
        void keys.complete(line).then(([words, part]) => done(null, [words, part])),
    });
    this.editor.on('line', (line) => {
      this.leavePrompt();
      this.queue.push(line);
    });
    this.editor.on('history', (history) => keys.onHistory(history));
    this.editor.on('SIGINT', () => keys.onInterrupt(this.isPrompting));
    this.editor.on('close', () => {
      if (this.isPrompting) this.output.write('\n');
      this.leavePrompt();
      this.queue.end();
    });
  }

  next(): Promise<string | undefined> {
    // Lines that were typed ahead are shown as if they had been typed now.
    if (this.queue.isReady)
      return this.queue.next().then((line) => {
        if (line !== undefined) this.screen.print(`${PROMPT}${line}`);
        return line;
      });
    this.screen.settle();
    this.isPrompting = true;
    this.screen.prompt = { hide: () => this.erase(), show: () => this.editor.prompt(true) };
    this.editor.prompt(true);
    return this.queue.next();
  }

  /** Forgets what has been typed of the line at the prompt, and begins another one. */
  dropLine(): void {
    this.output.write('^C\n');
    // Cursor to the start of the line, then delete to its end.
    this.editor.write(null, { ctrl: true, name: 'e' });
    this.editor.write(null, { ctrl: true, name: 'u' });
    this.editor.prompt();
  }

  close(): void {
    this.editor.close();
  }

  /** Takes the prompt and what stands behind it, which may be several rows, off the screen. */
  private erase(): void {
    const { rows } = this.editor.getCursorPos();
    this.output.write(`\r${rows > 0 ? `\x1b[${rows}A` : ''}\x1b[J`);
  }

  private leavePrompt(): void {
    this.isPrompting = false;
    this.screen.prompt = undefined;
  }

  /** What the line editor writes, while there is a prompt. */
  private echo(): Writable {
    const { output } = this;
    const shown = new Writable({
      decodeStrings: false,
      write: (chunk: string | Buffer, _encoding, done) => {
        if (this.isPrompting) output.write(chunk);
        done();
      },
    });
    return Object.defineProperties(shown, {
      columns: { get: () => output.columns },
      rows: { get: () => output.rows },
    });
  }
}
