/** The bytes of a value as far as they are known: memory can end, and the compiler keeps parts nowhere. */

/** Bits that are not known. */
export interface Hole {
  readonly offset: number;
  readonly size: number;
  readonly why: string;
}

/** Bytes from the least significant one on. */
export interface Contents {
  readonly bytes: Uint8Array;
  readonly holes?: readonly Hole[] | undefined;
  /** Why there are no bytes behind the last one. */
  readonly end: string;
}

/** What is known of no value, and why. */
export const nothing = (why: string): Contents => ({ bytes: new Uint8Array(0), end: why });

/** `size` bits from `offset` on, unsigned; a text if they are not known: why. */
export function bitsIn({ bytes, holes = [], end }: Contents, offset: number, size: number): bigint | string {
  const hole = holes.find((one) => one.offset < offset + size && offset < one.offset + one.size);
  if (hole) return hole.why;
  const first = Math.floor(offset / 8);
  const last = Math.ceil((offset + size) / 8);
  if (last > bytes.length) return end;
  let value = 0n;
  for (let at = last - 1; at >= first; at--) value = (value << 8n) | BigInt(bytes[at]!);
  return BigInt.asUintN(size, value >> BigInt(offset % 8));
}

/** The whole bytes of a part; fewer where they end, none where some are not known. */
export function bytesIn({ bytes, holes = [] }: Contents, offset: number, length: number): Uint8Array {
  const isTorn = holes.some((one) => one.offset < (offset + length) * 8 && offset * 8 < one.offset + one.size);
  return isTorn ? new Uint8Array(0) : bytes.subarray(offset, offset + length);
}

/** A number as `length` bytes. */
export const littleEndian = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));

/** What is shown for a reason instead of a value. */
export const missing = (why: string): string => `<${why.replace(/\.$/, '')}>`;
