/**
 * The tokens that kallsyms' names are made of: 256 texts one after the other, each with a zero byte, and behind them an
 * index of 256 16-bit offsets. Source: Linux scripts/kallsyms.c (`write_src`, `optimize_token_table`), the same from 2.6
 * on: a character that occurs in names is its own token, and every kernel's names have all ten digits.
 */
import { decodeUtf8 } from '../utf8';

/** Tokens, one for each value of a byte. */
export const TOKENS = 256;
/** Names are at most 512 characters long, so tokens are too. */
const MAX_TOKEN = 512;
/** `0\x001\x00...9\x00`. */
const DIGITS = 20;
const DIGIT_0 = 0x30;
/** The most that an assembler puts between two tables, bytes. */
const MAX_PADDING = 16;

/** Where the two tables lie in some bytes. */
export interface TokenTable {
  /** Offset of the first token. */
  readonly start: number;
  /** Offset of the index. */
  readonly index: number;
  /** The tokens as texts. */
  readonly tokens: readonly string[];
}

/** The first token table at or after `from`, and where to look for the next one; undefined if there is none. */
export function findTokenTable(bytes: Uint8Array, from: number): { table: TokenTable; next: number } | undefined {
  for (let at = findDigits(bytes, from); at >= 0; at = findDigits(bytes, at + 1)) {
    const table = tableAround(bytes, at);
    if (table) return { table, next: at + 1 };
  }
  return undefined;
}

/** Offset of the ten digits with a zero byte behind each, or -1. */
export function findDigits(bytes: Uint8Array, from: number): number {
  const end = bytes.length - 1;
  // Of two neighbours inside the pattern one is a digit and tells where the pattern would begin; 19 misses none.
  for (let at = from + DIGITS - 2; at < end; at += DIGITS - 1) {
    const value = bytes[at]!;
    const next = bytes[at + 1]!;
    let start: number;
    if (value === 0 && isDigit(next)) start = at + 1 - 2 * (next - DIGIT_0);
    else if (next === 0 && isDigit(value)) start = at - 2 * (value - DIGIT_0);
    else continue;
    if (start >= from && hasDigits(bytes, start)) return start;
  }
  return -1;
}

function isDigit(value: number): boolean {
  return value >= DIGIT_0 && value < DIGIT_0 + 10;
}

function hasDigits(bytes: Uint8Array, start: number): boolean {
  for (let digit = 0; digit < 10; digit += 1) {
    if (bytes[start + 2 * digit] !== DIGIT_0 + digit || bytes[start + 2 * digit + 1] !== 0) return false;
  }
  return true;
}

/** The table whose token `0` lies at an offset. */
function tableAround(bytes: Uint8Array, digits: number): TokenTable | undefined {
  let end = digits;
  for (let token = DIGIT_0; token < TOKENS; token += 1) {
    const terminator = bytes.indexOf(0, end);
    if (terminator < 0 || terminator - end > MAX_TOKEN) return undefined;
    end = terminator + 1;
  }
  for (let index = end + (end & 1); index <= end + MAX_PADDING; index += 2) {
    const offsets = offsetsAt(bytes, index);
    if (!offsets) return undefined;
    const start = digits - offsets[DIGIT_0]!;
    if (offsets[0] !== 0 || start < 0) continue;
    const tokens = tokensAt(bytes, start, offsets, end);
    if (tokens) return { start, index, tokens };
  }
  return undefined;
}

function offsetsAt(bytes: Uint8Array, index: number): Uint16Array | undefined {
  if (index + 2 * TOKENS > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + index, 2 * TOKENS);
  return Uint16Array.from({ length: TOKENS }, (_, token) => view.getUint16(2 * token, true));
}

/** The tokens, if every one of them ends where the next one begins, and the last one at `end`. */
function tokensAt(bytes: Uint8Array, start: number, offsets: Uint16Array, end: number): string[] | undefined {
  const tokens: string[] = [];
  for (let token = 0; token < TOKENS; token += 1) {
    const first = start + offsets[token]!;
    const last = (token + 1 < TOKENS ? start + offsets[token + 1]! : end) - 1;
    if (last < first || bytes.indexOf(0, first) !== last) return undefined;
    tokens.push(decodeUtf8(bytes.subarray(first, last)));
  }
  return tokens;
}
