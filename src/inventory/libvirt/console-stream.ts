/**
 * A domain's serial console as a byte stream, over the daemon's own connection. When it ends while the domain runs on
 * (a snapshot was gone back to, the daemon has restarted), it is opened again.
 */
import { sleep } from '../keep-open';
import type { ByteStream } from '../provider';
import type { RpcStream } from './connection';
import { findDomain, openConsole } from './domain-calls';
import type { LibvirtEngine } from './engine';

const POLL_MS = 200;
const NEXT_MS = 10_000;

/** The stream of the domain's first console. */
export function consoleStream(engine: LibvirtEngine, uuid: string): ByteStream {
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const enders = new Set<(why: string | undefined) => void>();
  let stream: RpcStream | undefined;
  let isBegun = false;
  let isOver = false;
  const end = (why: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    for (const ender of enders) ender(why);
  };
  /** Resolves when one connection has ended. */
  const connectOnce = async (): Promise<void> => {
    const domain = await findDomain(engine, uuid, {});
    await new Promise<void>((resolve, reject) => {
      const listener = {
        data: (bytes: Uint8Array) => listeners.forEach((hear) => hear(bytes)),
        end: () => resolve(),
      };
      openConsole(engine, domain, listener).then((opened) => {
        stream = opened;
        if (isOver) opened.dispose();
      }, reject);
    });
    stream = undefined;
  };
  const follow = async (): Promise<void> => {
    await connectOnce();
    for (let deadline = Date.now() + NEXT_MS; !isOver; await sleep(POLL_MS)) {
      try {
        const domain = await findDomain(engine, uuid, {});
        if (domain.id < 0) return end('The domain has stopped.');
        await connectOnce();
        deadline = Date.now() + NEXT_MS;
      } catch (error) {
        if (Date.now() > deadline) return end((error as Error).message);
      }
    }
  };
  return {
    onData(listener) {
      listeners.add(listener);
      if (!isBegun) {
        isBegun = true;
        follow().catch((error: Error) => end(error.message));
      }
      return { dispose: () => listeners.delete(listener) };
    },
    onEnd(listener) {
      enders.add(listener);
      return { dispose: () => enders.delete(listener) };
    },
    write: (bytes) => stream?.write(bytes),
    dispose() {
      isOver = true;
      stream?.dispose();
    },
  };
}
