/** Which bytes are not what they were. */

/** Bytes that have been read. */
export interface Read {
  /** The space. */
  readonly place: string;
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/** Offsets in `now` whose bytes were others in `before`. */
export function differences(before: Read | undefined, now: Read): ReadonlySet<number> {
  const changed = new Set<number>();
  if (before?.place !== now.place) return changed;
  for (const [offset, byte] of now.bytes.entries()) {
    const old = before.bytes[Number(now.start - before.start) + offset];
    if (old !== undefined && old !== byte) changed.add(offset);
  }
  return changed;
}
