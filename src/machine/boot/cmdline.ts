/** Command lines as kernels take them: UTF-8 bytes with a terminating NUL. */
import { cmdlineHasNul, cmdlineTooLong } from './errors';

/**
 * Encodes `text` as UTF-8 with a NUL behind it. `limit` is the most bytes before the NUL that the receiver takes; more,
 * or a NUL inside, is a UserError. Unpaired surrogates become U+FFFD.
 */
export function encodeCmdline(text: string, limit: number): Uint8Array {
  if (text.includes('\0')) throw cmdlineHasNul();
  if (text.length > limit) throw cmdlineTooLong(text.length, limit);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes.push(...encodeCodePoint(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code));
  }
  if (bytes.length > limit) throw cmdlineTooLong(bytes.length, limit);
  return Uint8Array.from([...bytes, 0]);
}

/** The longest command line, in bytes, for formats that name no limit of their own. */
export const CMDLINE_LIMIT = 4095;

function encodeCodePoint(code: number): number[] {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), tail(code)];
  if (code < 0x10000) return [0xe0 | (code >> 12), tail(code >> 6), tail(code)];
  return [0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code)];
}

const tail = (code: number): number => 0x80 | (code & 0x3f);
