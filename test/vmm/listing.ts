// Tiny guests written as listings: each line the bytes in hexadecimal and then, for the reader, the instruction.

/** Where a tiny guest is loaded, by mode: its first byte is its entry. */
export const ORIGIN = { real16: 0x7c00, protected32: 0x100000, long64: 0x100000 } as const;
export type GuestMode = keyof typeof ORIGIN;

/** A listing, put together. */
export interface Listing {
  readonly bytes: Uint8Array;
  /** Offset and length in bytes of the line that ends in `<`. */
  readonly marked: { readonly offset: number; readonly length: number };
}

/** Reads a listing; a line that ends in ` <` is the one that a test asks about. */
export function assembleListing(text: string): Listing {
  const bytes: number[] = [];
  let marked: Listing['marked'] | undefined;
  for (const line of text.trim().split('\n')) {
    const [hex] = line.trim().split(' ', 1);
    const instruction = [...Buffer.from(hex!, 'hex')];
    if (instruction.length * 2 !== hex!.length) throw new Error(`not hexadecimal: ${line}`);
    if (line.endsWith(' <')) marked = { offset: bytes.length, length: instruction.length };
    bytes.push(...instruction);
  }
  return { bytes: Uint8Array.from(bytes), marked: marked ?? { offset: -1, length: 0 } };
}
