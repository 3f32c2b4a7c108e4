/** A guest's linear memory as the readers of a running kernel use it. */
import { UserError } from '../../common/errors';

/** Reads up to `length` bytes of linear memory, fewer where it ends. */
export type ReadLinear = (linear: bigint, length: number) => Promise<Uint8Array>;

/** The most that is asked for at once, bytes. */
const PIECE = 0x10_0000;

/** The bytes from an address on, read piece by piece: `length` of them, fewer where memory ends. */
export async function readMost(read: ReadLinear, linear: bigint, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const wanted = Math.min(PIECE, length - done);
    const piece = await read(BigInt.asUintN(64, linear + BigInt(done)), wanted);
    if (piece.length === 0) break;
    bytes.set(piece.subarray(0, wanted), done);
    done += Math.min(piece.length, wanted);
  }
  return bytes.subarray(0, done);
}

/** The `length` bytes from an address on; undefined if some of them are not there. */
export async function readAll(read: ReadLinear, linear: bigint, length: number): Promise<Uint8Array | undefined> {
  const bytes = await readMost(read, linear, length);
  return bytes.length === length ? bytes : undefined;
}

/** What a reader finds, or undefined where it meets damage. */
export async function awaitUnlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
