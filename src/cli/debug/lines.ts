/** Where command lines come from when nobody types them at a prompt. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Gives one line after the other. */
export interface LineSource {
  /** The next line, undefined when there is none any more. */
  next(): Promise<string | undefined>;
  close(): void;
}

/** Lines that are there already. */
export function givenLines(lines: readonly string[]): LineSource {
  let index = 0;
  return { next: () => Promise.resolve(lines[index++]), close: () => {} };
}

/** Lines that have come and are not taken yet, and who waits for the next one. */
export class LineQueue {
  private readonly lines: string[] = [];
  private waiting: ((line: string | undefined) => void) | undefined;
  private isOver = false;

  /** True if a line is there, or none will ever be. */
  get isReady(): boolean {
    return this.lines.length > 0 || this.isOver;
  }

  push(line: string): void {
    if (this.waiting) this.release(line);
    else this.lines.push(line);
  }

  /** No line follows those that are there. */
  end(): void {
    this.isOver = true;
    this.release(undefined);
  }

  next(): Promise<string | undefined> {
    if (this.isReady) return Promise.resolve(this.lines.shift());
    return new Promise((resolve) => (this.waiting = resolve));
  }

  private release(line: string | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.(line);
  }
}

/** The lines of a stream, as they come. */
export function streamLines(input: Readable): LineSource {
  const queue = new LineQueue();
  const reader = createInterface({ input, crlfDelay: Infinity });
  reader.on('line', (line) => queue.push(line));
  reader.on('close', () => queue.end());
  input.on('error', () => queue.end());
  return { next: () => queue.next(), close: () => reader.close() };
}
