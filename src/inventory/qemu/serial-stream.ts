/**
 * A machine's serial line as a byte stream: what its log holds, then what its socket brings. When the process ends and
 * another one has the machine (after a migration or a restart), it goes on with that one.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { type FollowedStream, followedStream } from '../followed-stream';
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
  return followedStream(async (stream) => {
    let previous: string | undefined;
    for (;;) {
      const line = await nextLine(find, previous, stream);
      if (!line) return 'The serial line is gone: QEMU has ended.';
      await oneConnection(line, stream);
      previous = addressText(line.address);
    }
  });
}

/** The line to connect to, another one than the last; undefined if none comes. */
async function nextLine(
  find: () => Promise<SerialLine | undefined>,
  previous: string | undefined,
  stream: FollowedStream,
): Promise<SerialLine | undefined> {
  for (const deadline = Date.now() + NEXT_LINE_MS; !stream.isOver; await sleep(POLL_MS)) {
    const line = await find().catch(() => undefined);
    if (line && addressText(line.address) !== previous) return line;
    if (previous === undefined || Date.now() > deadline) return undefined;
  }
  return undefined;
}

/** Resolves when the connection has ended; rejects where it cannot be made. */
function oneConnection({ address, log }: SerialLine, stream: FollowedStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(connectOptions(address));
    let isConnected = false;
    stream.use({
      write: (bytes) => {
        if (socket.writable) socket.write(bytes);
      },
      dispose: () => socket.destroy(),
    });
    socket.once('connect', () => {
      isConnected = true;
      const history = log === undefined ? undefined : tail(log);
      if (history && history.length > 0) stream.data(history);
      socket.on('data', (bytes) => stream.data(bytes));
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
