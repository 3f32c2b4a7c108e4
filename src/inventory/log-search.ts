/** Lines of a log that hold all of some words, read as they come, so that a log of any length can be searched. */
import type { Readable } from 'node:stream';

const LONGEST_LINE = 1 << 16;
const MOST_LINES = 10_000;

/** What was found. */
export interface FoundLines {
  readonly lines: readonly string[];
  /** Whether the log was left before its end, as there were too many. */
  readonly isCut: boolean;
}

/**
 * The lines with every word of `words`, upper and lower case alike. Each line begins with its time, which is not searched.
 * Rejects with the signal's reason.
 */
export async function matchingLines(log: Readable, words: string, signal: AbortSignal): Promise<FoundLines> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const lines: string[] = [];
  const take = (line: string): void => {
    const text = line.slice(line.indexOf(' ') + 1).toLowerCase();
    if (wanted.every((word) => text.includes(word))) lines.push(line.trimEnd());
  };
  const giveUp = (): void => void log.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    log.setEncoding('utf8');
    let rest = '';
    for await (const chunk of log as AsyncIterable<string>) {
      const parts = (rest + chunk).split('\n');
      rest = (parts.pop() ?? '').slice(0, LONGEST_LINE);
      for (const line of parts) take(line);
      if (lines.length > MOST_LINES) return { lines: lines.slice(0, MOST_LINES), isCut: true };
    }
    if (rest !== '') take(rest);
    return { lines, isCut: false };
  } finally {
    signal.removeEventListener('abort', giveUp);
    log.destroy();
  }
}

/** What was found, as a document. */
export function foundText({ lines, isCut }: FoundLines, words: string): string {
  if (lines.length === 0) return `No line has all of: ${words}\n`;
  return `${lines.join('\n')}\n${isCut ? `[Only the first ${lines.length} lines: add a word.]\n` : ''}`;
}
