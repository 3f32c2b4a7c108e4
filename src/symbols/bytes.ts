/**
 * Bytes that are read piece by piece: symbol files are hundreds of megabytes long, and a debugger needs little of them.
 * Every reader of this folder takes its bytes through here, so that a damaged file can end a read early but not reach
 * outside the file.
 */

/** A file, or a part of one, read where it is needed. */
export interface RandomAccessBytes {
  /** Length in bytes. */
  readonly size: number;
  /** The `length` bytes from `offset` on, fewer at the end. They stay as they are; the caller must not write into them. */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are in memory already; reads share them. */
export function memoryBytes(bytes: Uint8Array): RandomAccessBytes {
  return {
    size: bytes.length,
    read: (offset, length) => (offset >= 0 ? bytes.subarray(offset, offset + length) : new Uint8Array(0)),
  };
}

/** A part of other bytes, cut to what is there of them; reads outside it give no bytes. */
export function partOf(bytes: RandomAccessBytes, start: number, length: number): RandomAccessBytes {
  const first = Math.min(start, bytes.size);
  const size = Math.max(0, Math.min(length, bytes.size - first));
  return {
    size,
    read: (offset, count) =>
      offset >= 0 && offset < size ? bytes.read(first + offset, Math.min(count, size - offset)) : new Uint8Array(0),
  };
}

/** Bytes one behind the other; no read crosses from one into the next. */
export function joined(first: RandomAccessBytes, second: RandomAccessBytes): RandomAccessBytes {
  if (second.size === 0) return first;
  return {
    size: first.size + second.size,
    read: (offset, length) =>
      offset < first.size ? first.read(offset, length) : second.read(offset - first.size, length),
  };
}

/** Bytes read through a window of `windowSize` bytes, for many small reads that lie near each other. */
export function buffered(bytes: RandomAccessBytes, windowSize: number): RandomAccessBytes {
  let window: Uint8Array = new Uint8Array(0);
  let start = 0;
  return {
    size: bytes.size,
    read(offset, length) {
      if (length > windowSize) return bytes.read(offset, length);
      if (offset < start || offset + length > start + window.length) {
        window = bytes.read(offset, windowSize);
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
  };
}
