/** A search for bytes in memory, forward, in large parts. */

const PART = 2 ** 20;
const MOST_PARTS = 256;
const PAGE = 4096;

/** The bytes that a search text stands for: pairs of hex digits (`de ad be ef`), or quoted text. Undefined if neither. */
export function searchBytes(text: string): Uint8Array | undefined {
  const quoted = /^"(.+)"$/.exec(text.trim())?.[1];
  if (quoted !== undefined) return new TextEncoder().encode(quoted);
  const digits = text.replaceAll(/\s/g, '').replace(/^0x/i, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

/** Where `wanted` begins in `bytes`, or -1. */
export function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first] = wanted;
  if (first === undefined) return -1;
  for (let at = bytes.indexOf(first); at >= 0 && at + wanted.length <= bytes.length; at = bytes.indexOf(first, at + 1))
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  return -1;
}

/** Where `wanted` is from `start` on; undefined if it is not in the next 256 MiB of what can be read. */
export async function findInMemory(
  wanted: Uint8Array,
  start: bigint,
  read: (address: bigint, count: number) => Promise<Uint8Array>,
  isOver: () => boolean,
): Promise<bigint | undefined> {
  let at = start;
  for (let part = 0; part < MOST_PARTS && at < 1n << 64n && !isOver(); part++) {
    const bytes = await read(at, PART);
    const index = indexOfBytes(bytes, wanted);
    if (index >= 0) return at + BigInt(index);
    // What lies across two parts is found in the second; where nothing can be read, the next page is tried.
    if (bytes.length === PART) at += BigInt(PART - wanted.length + 1);
    else at = ((at + BigInt(bytes.length)) / BigInt(PAGE) + 1n) * BigInt(PAGE);
  }
  return undefined;
}
