/** Who listens to a byte stream: to what comes, and for its end. */
import type { Disposable } from './disposable';
import type { ByteStream } from './provider';

export class StreamListeners implements Pick<ByteStream, 'onData' | 'onEnd'> {
  private readonly hearers = new Set<(bytes: Uint8Array) => void>();
  private readonly enders = new Set<(why: string | undefined) => void>();

  onData(listener: (bytes: Uint8Array) => void): Disposable {
    return kept(this.hearers, listener);
  }

  onEnd(listener: (why: string | undefined) => void): Disposable {
    return kept(this.enders, listener);
  }

  /** Hands over what has come. */
  data(bytes: Uint8Array): void {
    for (const hear of [...this.hearers]) hear(bytes);
  }

  /** Tells that nothing comes any more, with a sentence where there is more to say. */
  end(why: string | undefined): void {
    for (const ender of [...this.enders]) ender(why);
  }
}

function kept<T>(set: Set<T>, item: T): Disposable {
  set.add(item);
  return { dispose: () => set.delete(item) };
}
