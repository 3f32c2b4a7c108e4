/**
 * One stream for several terminals: a serial line serves one client at a time, so who opens it again shares it, and is
 * shown first what it has brought lately.
 */
import type { ByteStream } from './provider';
import { StreamListeners } from './stream-listeners';

/** How much is kept for those who come later: bytes. */
const MOST_KEPT = 1 << 16;

interface Shared {
  readonly stream: ByteStream;
  readonly users: Set<StreamListeners>;
  kept: Uint8Array[];
  bytes: number;
}

/** Streams by what they belong to. */
export class SharedStreams {
  private readonly open = new Map<string, Shared>();

  /** A stream over the one of `key`, which `make` makes if none is open. */
  stream(key: string, make: () => ByteStream): ByteStream {
    const user = new StreamListeners();
    let shared: Shared | undefined;
    return {
      onData: (listener) => {
        const heard = user.onData(listener);
        shared ??= this.join(key, make, user);
        return heard;
      },
      onEnd: (listener) => user.onEnd(listener),
      write: (bytes) => shared?.stream.write(bytes),
      dispose: () => shared && this.leave(key, shared, user),
    };
  }

  private join(key: string, make: () => ByteStream, user: StreamListeners): Shared {
    const known = this.open.get(key);
    if (known) {
      known.users.add(user);
      for (const bytes of known.kept) user.data(bytes);
      return known;
    }
    const shared: Shared = { stream: make(), users: new Set([user]), kept: [], bytes: 0 };
    this.open.set(key, shared);
    shared.stream.onEnd((why) => {
      if (this.open.get(key) === shared) this.open.delete(key);
      for (const one of [...shared.users]) one.end(why);
    });
    shared.stream.onData((bytes) => {
      keep(shared, bytes);
      for (const one of [...shared.users]) one.data(bytes);
    });
    return shared;
  }

  private leave(key: string, shared: Shared, user: StreamListeners): void {
    shared.users.delete(user);
    if (shared.users.size > 0) return;
    shared.stream.dispose();
    if (this.open.get(key) === shared) this.open.delete(key);
  }
}

function keep(shared: Shared, bytes: Uint8Array): void {
  shared.kept.push(bytes);
  shared.bytes += bytes.length;
  while (shared.bytes > MOST_KEPT && shared.kept.length > 1) shared.bytes -= shared.kept.shift()?.length ?? 0;
}
