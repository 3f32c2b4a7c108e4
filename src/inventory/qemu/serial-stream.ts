/**
 * A machine's serial line as a byte stream: what its log holds, then what its socket brings. When the process ends and
 * another one has the machine (after a migration or a restart), it goes on with that one.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { sleep } from '../keep-open';
import type { ByteStream } from '../provider';
import type { SerialLine } from './qemu-arguments';
import { addressText, connectOptions } from './socket-address';

/** How much of a log is shown: bytes. */
const MOST_HISTORY = 1 << 16;
const NEXT_LINE_MS = 5000;
const POLL_MS = 50;

/** The stream of the line that `find` gives now, and of its successors; it ends when there is none for 5 s. */
export function serialStream(find: () => Promise<SerialLine | undefined>): ByteStream {
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const enders = new Set<(why: string | undefined) => void>();
  let socket: Socket | undefined;
  let isBegun = false;
  let isOver = false;
  const end = (why: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    socket?.destroy();
    for (const ender of enders) ender(why);
  };
  const tell = (bytes: Uint8Array): void => listeners.forEach((listener) => listener(bytes));
  const follow = async (): Promise<void> => {
    let previous: string | undefined;
    while (!isOver) {
      const line = await nextLine(find, previous, () => isOver);
      if (!line) return end('The serial line is gone: QEMU has ended.');
      await oneConnection(line, tell, (made) => (socket = made));
      previous = addressText(line.address);
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
    write(bytes) {
      if (socket?.writable) socket.write(bytes);
    },
    dispose() {
      isOver = true;
      socket?.destroy();
    },
  };
}

/** The line to connect to, another one than the last; undefined if none comes. */
async function nextLine(
  find: () => Promise<SerialLine | undefined>,
  previous: string | undefined,
  isOver: () => boolean,
): Promise<SerialLine | undefined> {
  for (const deadline = Date.now() + NEXT_LINE_MS; !isOver(); await sleep(POLL_MS)) {
    const line = await find().catch(() => undefined);
    if (line && addressText(line.address) !== previous) return line;
    if (previous === undefined || Date.now() > deadline) return undefined;
  }
  return undefined;
}

/** Resolves when the connection has ended; rejects where it cannot be made. */
function oneConnection(
  { address, log }: SerialLine,
  tell: (bytes: Uint8Array) => void,
  made: (socket: Socket) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(connectOptions(address));
    let isConnected = false;
    made(socket);
    socket.once('connect', () => {
      isConnected = true;
      const history = log === undefined ? undefined : tail(log);
      if (history && history.length > 0) tell(history);
      socket.on('data', tell);
    });
    socket.on('error', (error) => {
      if (!isConnected) reject(error);
    });
    socket.once('close', () => resolve());
  });
}

function tail(path: string): Uint8Array | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, MOST_HISTORY));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
