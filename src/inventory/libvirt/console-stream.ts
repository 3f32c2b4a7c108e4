/**
 * A domain's serial console as a byte stream, over the daemon's own connection. When it ends while the domain runs on
 * (a snapshot was gone back to, the daemon has restarted), it is opened again.
 */
import { type FollowedStream, followedStream } from '../followed-stream';
import { sleep } from '../keep-open';
import type { ByteStream } from '../provider';
import { findDomain, openConsole } from './domain-calls';
import type { LibvirtEngine } from './engine';

const POLL_MS = 200;
const NEXT_MS = 10_000;
const ENDED = 'The domain has stopped.';

/** The stream of the domain's first console. */
export function consoleStream(engine: LibvirtEngine, uuid: string): ByteStream {
  return followedStream(async (stream) => {
    await oneConnection(engine, uuid, stream);
    for (let deadline = Date.now() + NEXT_MS; ; await sleep(POLL_MS)) {
      if (stream.isOver) return ENDED;
      try {
        const domain = await findDomain(engine, uuid, {});
        if (domain.id < 0) return ENDED;
        await oneConnection(engine, uuid, stream);
        deadline = Date.now() + NEXT_MS;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  });
}

/** Resolves when the connection has ended; rejects where it cannot be made. */
async function oneConnection(engine: LibvirtEngine, uuid: string, stream: FollowedStream): Promise<void> {
  const domain = await findDomain(engine, uuid, {});
  await new Promise<void>((resolve, reject) => {
    const listener = { data: (bytes: Uint8Array) => stream.data(bytes), end: () => resolve() };
    openConsole(engine, domain, listener).then((opened) => stream.use(opened), reject);
  });
  stream.use(undefined);
}
