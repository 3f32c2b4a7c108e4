/** Characters and strings of the guest as C writes them. Source: ISO/IEC 9899:2018 6.4.4.4, 6.4.5. */
import type { AddressSpace } from '../../protocol/address';
import type { ValueReader } from './reader';

/** Most characters of a string that are shown. */
export const MAX_STRING = 200;
const PAGE = 4096n;
const ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  27: '\\e',
  92: '\\\\',
};

/** True for the characters of ASCII that are seen, the space among them. */
export const isPrintable = (code: number): boolean => code >= 0x20 && code <= 0x7e;

function escaped(code: number, quote: string): string {
  const character = String.fromCharCode(code);
  if (character === quote) return `\\${quote}`;
  return ESCAPES[code] ?? (isPrintable(code) ? character : `\\x${code.toString(16).padStart(2, '0')}`);
}

/** `'A'` for a byte. */
export const characterText = (code: number): string => `'${escaped(code, "'")}'`;

/** A string up to its NUL or the end of the bytes; `…` behind it if there is more than is shown. */
export function stringText(bytes: Uint8Array, isWhole: boolean): string {
  const nul = bytes.indexOf(0);
  const shown = bytes.subarray(0, Math.min(nul < 0 ? bytes.length : nul, MAX_STRING));
  const isCut = shown.length < bytes.length ? shown.length !== nul : !isWhole;
  return `"${Array.from(shown, (code) => escaped(code, '"')).join('')}"${isCut ? '…' : ''}`;
}

/** True if the bytes up to a NUL are text that somebody wrote. */
export function looksLikeText(bytes: Uint8Array): boolean {
  const nul = bytes.indexOf(0);
  const shown = bytes.subarray(0, nul < 0 ? bytes.length : nul);
  return shown.length > 0 && shown.every((code) => isPrintable(code) || (code >= 9 && code <= 13));
}

/** The string at an address as text; undefined if its first byte cannot be read. */
export async function stringAt(reader: ValueReader, space: AddressSpace, address: bigint): Promise<string | undefined> {
  const pieces: number[] = [];
  // Page by page: what follows the string may be unmapped.
  while (pieces.length <= MAX_STRING) {
    const at = BigInt.asUintN(64, address + BigInt(pieces.length));
    const length = Math.min(MAX_STRING + 1 - pieces.length, Number(PAGE - (at % PAGE)));
    const bytes = await reader.read(space, at, length);
    pieces.push(...bytes);
    if (bytes.length < length || bytes.includes(0)) break;
  }
  return pieces.length === 0 ? undefined : stringText(Uint8Array.from(pieces), false);
}
