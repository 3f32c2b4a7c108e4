/** A file of which parts are read when they are needed: symbol files are larger than memory should be. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import type { RandomAccessBytes } from '../../symbols/bytes';
import { notAFile, unreadableFile } from '../../targets/errors';

/** An open file. */
export class FileBytes implements RandomAccessBytes {
  readonly size: number;
  private readonly file: number;

  /** Throws UserErrors; `what` names the file's role in them. */
  constructor(what: string, path: string) {
    try {
      // Not blocking: opening a pipe that nobody writes to must not hang.
      this.file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      throw unreadableFile(what, path, (error as NodeJS.ErrnoException).code ?? '');
    }
    const status = fstatSync(this.file);
    this.size = status.size;
    if (status.isFile()) return;
    this.close();
    throw status.isDirectory() ? unreadableFile(what, path, 'EISDIR') : notAFile(what, path);
  }

  read(offset: number, length: number): Uint8Array {
    const room = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(room);
    let done = 0;
    while (done < room) {
      const count = readSync(this.file, bytes, done, room - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** Undoes zlib compression of a section, of which `size` bytes are expected. Throws for what is not zlib's or larger. */
export const inflate = (bytes: Uint8Array, size: number): Uint8Array => inflateSync(bytes, { maxOutputLength: size });
