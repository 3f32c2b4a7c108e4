/**
 * The bytes of a dump's file, read where they are needed. A dump that went through a pipe is "flattened": pieces, each with
 * the place where it belongs. Source: makedumpfile(8) and its README on the flattened format; big-endian headers.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damagedDump, unreadableDump } from './errors';

/** A file whose bytes can be read anywhere. */
export interface DumpBytes {
  readonly path: string;
  /** Up to `length` bytes, fewer at the end; a hole is zeros. */
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

const FLAT_MAGIC = 'makedumpfile';
const FLAT_HEADER = 4096;
const PIECE_HEADER = 16;
const MOST_PIECES = 2 ** 23;
/** Headers of pieces are read ahead in bulk. */
const AHEAD = 2 ** 16;

/** Opens a dump's file. Throws a UserError. */
export function openDumpBytes(path: string): DumpBytes {
  const file = new FileBytes(path);
  try {
    const isFlat = Buffer.from(file.read(0, FLAT_MAGIC.length)).toString('latin1') === FLAT_MAGIC;
    return isFlat ? new FlattenedBytes(file) : file;
  } catch (error) {
    file.close();
    throw error;
  }
}

class FileBytes implements DumpBytes {
  readonly size: number;
  private readonly descriptor: number;

  constructor(readonly path: string) {
    try {
      this.descriptor = openSync(path, 'r');
    } catch (error) {
      throw unreadableDump(path, (error as NodeJS.ErrnoException).code ?? '');
    }
    const found = fstatSync(this.descriptor);
    this.size = found.size;
    if (found.isFile()) return;
    this.close();
    throw unreadableDump(path, 'it is no regular file');
  }

  read(offset: number, length: number): Uint8Array {
    const there = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(there);
    let done = 0;
    try {
      while (done < there) {
        const count = readSync(this.descriptor, bytes, done, there - done, offset + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw unreadableDump(this.path, (error as NodeJS.ErrnoException).code ?? '');
    }
    return bytes.subarray(0, done);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

class FlattenedBytes implements DumpBytes {
  /** Where pieces belong, ascending, with their places in the file and lengths. */
  private readonly starts: Float64Array;
  private readonly places: Float64Array;
  private readonly lengths: Float64Array;
  private readonly end: number;

  constructor(private readonly file: FileBytes) {
    const pieces = [...piecesOf(file)].sort((a, b) => a.start - b.start);
    this.starts = Float64Array.from(pieces, ({ start }) => start);
    this.places = Float64Array.from(pieces, ({ place }) => place);
    this.lengths = Float64Array.from(pieces, ({ length }) => length);
    this.end = pieces.reduce((end, { start, length }) => Math.max(end, start + length), 0);
  }

  get path(): string {
    return this.file.path;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.end - offset)));
    let index = this.lastAtOrBefore(offset);
    for (; index < this.starts.length && this.starts[index]! < offset + bytes.length; index++) {
      const start = this.starts[index]!;
      const from = Math.max(offset, start);
      const to = Math.min(offset + bytes.length, start + this.lengths[index]!);
      if (to > from) bytes.set(this.file.read(this.places[index]! + from - start, to - from), from - offset);
    }
    return bytes;
  }

  close(): void {
    this.file.close();
  }

  private lastAtOrBefore(offset: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function* piecesOf(file: FileBytes): Generator<{ start: number; place: number; length: number }> {
  let ahead: Uint8Array = new Uint8Array(0);
  let base = 0;
  let at = FLAT_HEADER;
  for (let count = 0; ; count++) {
    if (at - base + PIECE_HEADER > ahead.length) [ahead, base] = [file.read(at, AHEAD), at];
    if (ahead.length < PIECE_HEADER || count === MOST_PIECES) throw damagedDump(file.path, 'it ends too early');
    const header = new DataView(ahead.buffer, ahead.byteOffset + at - base, PIECE_HEADER);
    const start = Number(header.getBigInt64(0));
    const length = Number(header.getBigInt64(8));
    if (start < 0) return;
    const isSane = length > 0 && Number.isSafeInteger(start + length) && at + PIECE_HEADER + length <= file.size;
    if (!isSane) throw damagedDump(file.path, 'one of its pieces has no place');
    yield { start, place: at + PIECE_HEADER, length };
    at += PIECE_HEADER + length;
    // What lies further on is not in what was read ahead.
    if (at < base || at > base + ahead.length) [ahead, base] = [new Uint8Array(0), at];
  }
}
