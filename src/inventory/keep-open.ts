/** A feed that is kept open: tried again after it breaks, with pauses that grow from 0.25 s to 10 s. */
import type { Disposable } from './disposable';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Opens the feed, calls `opened` once it is, and resolves or rejects when it has ended. */
export type Feed = (signal: AbortSignal, opened: () => void) => Promise<void>;

/** What is told of a feed. */
export interface FeedListener {
  /** It is open; `again` after it was lost. */
  opened(again: boolean): void;
  /** It broke, or could not be opened; told once until it is open again. */
  lost(why: Error): void;
}

/** Runs the feed until it is disposed of. */
export function keepOpen(feed: Feed, listener: FeedListener): Disposable {
  const ending = new AbortController();
  let isLost = false;
  let pause = FIRST_PAUSE_MS;
  const opened = (): void => {
    if (ending.signal.aborted) return;
    pause = FIRST_PAUSE_MS;
    listener.opened(isLost);
    isLost = false;
  };
  const lost = (why: Error): void => {
    if (ending.signal.aborted || isLost) return;
    isLost = true;
    listener.lost(why);
  };
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await feed(ending.signal, opened).then(
        () => lost(new Error('The engine ended the connection.')),
        (error: unknown) => lost(error instanceof Error ? error : new Error(String(error))),
      );
      await sleep(pause, ending.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  };
  void loop();
  return { dispose: () => ending.abort() };
}

/** Resolves after that many milliseconds, or as soon as the signal is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
