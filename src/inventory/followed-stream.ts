/**
 * A byte stream over connections that come one after the other, such as a serial line whose engine starts again. The first
 * one is made once somebody listens.
 */
import type { Disposable } from './disposable';
import type { ByteStream } from './provider';
import { StreamListeners } from './stream-listeners';

/** Takes what is written, until another one does. */
export interface StreamConnection extends Disposable {
  write(bytes: Uint8Array): void;
}

/** The stream as its connections see it. */
export interface FollowedStream {
  /** Nobody wants it any more. */
  readonly isOver: boolean;
  /** Hands over what has come. */
  data(bytes: Uint8Array): void;
  /** This connection takes what is written, and goes with the stream; undefined between two. */
  use(connection: StreamConnection | undefined): void;
}

/** The stream of the connections that `follow` makes; it ends with the sentence that `follow` resolves to or rejects with. */
export function followedStream(follow: (stream: FollowedStream) => Promise<string>): ByteStream {
  const listeners = new StreamListeners();
  let connection: StreamConnection | undefined;
  let isBegun = false;
  let isOver = false;
  const close = (): void => {
    isOver = true;
    connection?.dispose();
    connection = undefined;
  };
  const end = (why: string): void => {
    if (isOver) return;
    close();
    listeners.end(why);
  };
  const stream: FollowedStream = {
    get isOver() {
      return isOver;
    },
    data: (bytes) => listeners.data(bytes),
    use: (next) => {
      if (isOver) next?.dispose();
      else connection = next;
    },
  };
  return {
    onData(listener) {
      const heard = listeners.onData(listener);
      if (!isBegun) {
        isBegun = true;
        follow(stream).then(end, (error: Error) => end(error.message));
      }
      return heard;
    },
    onEnd: (listener) => listeners.onEnd(listener),
    write: (bytes) => connection?.write(bytes),
    dispose: close,
  };
}
