/** Giving up: a promise that is no longer waited for once its signal is aborted. */
import { setMaxListeners } from 'node:events';

/** Settles as `work` does, or rejects with the signal's reason as soon as that is aborted. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  // Many calls share one signal: that is no leak.
  setMaxListeners(0, signal);
  return new Promise<T>((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    const done = (): void => signal.removeEventListener('abort', giveUp);
    void work.then(resolve, reject).finally(done);
  });
}
