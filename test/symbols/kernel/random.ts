// Numbers and bytes that look random and are the same in every run.

/** A xorshift generator: numbers below `limit`. */
export function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** `count` bytes, of these values or of all. */
export function randomBytes(count: number, seed: number, values?: readonly number[]): Uint8Array {
  const random = generator(seed);
  return Uint8Array.from({ length: count }, () => (values ? values[random(values.length)]! : random(256)));
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

/** The bytes with at most `count` of those in [start, end) changed; now and then they are cut. */
export function damaged(
  bytes: Uint8Array,
  count: number,
  seed: number,
  [start, end]: readonly [number, number] = [0, bytes.length],
): Uint8Array {
  const random = generator(seed);
  // Neighbouring seeds begin alike.
  for (let warm = 0; warm < 4; warm += 1) random(1);
  const changed = Uint8Array.from(bytes);
  for (let left = random(count); left >= 0; left -= 1) {
    const at = start + random(end - start);
    changed[at] = random(2) ? INTERESTING[random(INTERESTING.length)]! : random(256);
  }
  return random(10) === 0 ? changed.subarray(0, random(bytes.length)) : changed;
}
