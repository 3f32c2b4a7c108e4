/** Node's streams as the byte streams that terminals take. Nothing is read before somebody listens, so nothing is lost. */
import type { Duplex, Readable } from 'node:stream';
import type { ByteStream } from './provider';

/** What a stream's end is told with, and how its far side is resized. */
export interface ByteStreamOptions {
  /** Where keys go; without it what is typed is dropped. */
  readonly input?: Duplex | undefined;
  /** Says more when the stream has ended, such as an exit code. */
  readonly describeEnd?: (() => Promise<string | undefined>) | undefined;
  readonly resize?: ((columns: number, rows: number) => void) | undefined;
  /** Frees what belongs to the stream besides the stream itself. */
  readonly release?: (() => void) | undefined;
}

/** The byte stream over `output`; it owns the Node streams and destroys them when it is disposed of. */
export function byteStream(output: Readable, options: ByteStreamOptions = {}): ByteStream {
  const { input, describeEnd, resize, release } = options;
  let end: Promise<string | undefined> | undefined;
  const ended = new Promise<Error | undefined>((resolve) => {
    output.once('end', () => resolve(undefined));
    output.once('close', () => resolve(undefined));
    output.once('error', resolve);
  });
  input?.on('error', () => output.destroy());
  return {
    onData(listener) {
      const hear = (bytes: Uint8Array): void => listener(bytes);
      output.on('data', hear);
      return { dispose: () => void output.off('data', hear) };
    },
    onEnd(listener) {
      let isDisposed = false;
      end ??= ended.then((error) =>
        error ? error.message : (describeEnd?.().catch(() => undefined) ?? Promise.resolve(undefined)),
      );
      void end.then((why) => isDisposed || listener(why));
      return { dispose: () => void (isDisposed = true) };
    },
    write(bytes) {
      if (input && !input.destroyed && input.writable) input.write(bytes);
    },
    ...(resize && { resize }),
    dispose() {
      output.destroy();
      input?.destroy();
      release?.();
    },
  };
}
