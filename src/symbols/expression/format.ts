/** Values as people read them. */
import type { Value } from './ast';
import { isPointer } from './types';

/** How to show a value. */
export interface FormatOptions {
  /** Hexadecimal alone. */
  readonly hex?: boolean | undefined;
}

const LARGEST_WITHOUT_HEX = 9n;
/** From here on an unsigned number is an address or a mask, whose 15 and more decimal digits tell nothing. */
const HEX_ALONE_FROM = 1n << 47n;

/**
 * A value as text: `26 (0x1a)`, `-2 (0xfffe)`, `65 (0x41) 'A'` for a byte; pointers, wide registers and large unsigned
 * numbers in hexadecimal alone. Negative numbers show the bits of their type's width.
 */
export function formatValue({ value, type }: Value, { hex = false }: FormatOptions = {}): string {
  if (isPointer(type)) return `0x${value.toString(16)}`;
  const bits = `0x${BigInt.asUintN(type.bits, value).toString(16)}`;
  if (hex || type.bits > 64 || value >= HEX_ALONE_FROM) return bits;
  const number = value >= 0n && value <= LARGEST_WITHOUT_HEX ? `${value}` : `${value} (${bits})`;
  return type.bits === 8 && isPrintable(value) ? `${number} '${String.fromCharCode(Number(value))}'` : number;
}

const isPrintable = (code: bigint): boolean => code >= 0x20n && code <= 0x7en;
