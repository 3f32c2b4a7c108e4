/**
 * The addresses of kallsyms' symbols. Source: Linux scripts/kallsyms.c (`write_src`) and kernel/kallsyms.c
 * (`kallsyms_sym_address`); which of these a kernel uses is told by the result, since symbols are sorted by address:
 * - absolute addresses before `num_syms` (up to 4.5, and without KALLSYMS_BASE_RELATIVE);
 * - 32-bit offsets and a base, before `num_syms` (4.6 to 6.4) or behind `token_index` (from 6.5 on). With
 *   KALLSYMS_ABSOLUTE_PERCPU (x86-64 up to 6.14) an offset that is not negative is an absolute value and a negative one
 *   counts from the base minus 1 downwards;
 * - 32-bit distances from where they are themselves, behind `token_index`, without a base.
 */
import type { NameTable } from './kallsyms-names';
import { TOKENS, type TokenTable } from './token-table';

/** The symbols' addresses as the bytes have them. */
export interface KallsymsAddresses {
  readonly addresses: BigUint64Array;
  /** How many symbols from the first one on are values that do not move with the kernel. */
  readonly absolute: number;
}

/** The lowest address that a kernel can have: bases below it are something else. */
const LEAST_BASE = { 64: 0xffff_8000_0000_0000n, 32: 0x10_0000n } as const;
/** A kernel's image is smaller, bytes. */
const MAX_SPAN = 0x4000_0000;
/** Of so many symbols one may be out of order. */
const ORDERED = 50;

/** Finds and decodes the addresses; `base` is the linear address of the first byte. Undefined if they are not there. */
export function findAddresses(
  bytes: Uint8Array,
  base: bigint,
  tokens: TokenTable,
  table: NameTable,
): KallsymsAddresses | undefined {
  const word = table.bits / 8;
  const { count, number } = table;
  const aligned = (size: number): number => Math.ceil(size / word) * word;
  const behind = aligned(tokens.index + 2 * TOKENS);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const image = { view, base, count, bits: table.bits };
  return (
    relative(image, behind, behind + aligned(4 * count)) ??
    relative(image, number - word - aligned(4 * count), number - word) ??
    absolute(image, number - word * count) ??
    placeRelative(image, behind)
  );
}

interface Image {
  readonly view: DataView;
  readonly base: bigint;
  readonly count: number;
  readonly bits: 32 | 64;
}

function relative(image: Image, offsets: number, baseAt: number): KallsymsAddresses | undefined {
  const { view, count, bits } = image;
  if (!holds(view, offsets, 4 * count) || !holds(view, baseAt, bits / 8)) return undefined;
  const base = pointer(view, baseAt, bits);
  if (base < LEAST_BASE[bits]) return undefined;
  const at = (index: number): number => view.getInt32(offsets + 4 * index, true);
  // The base is the address of the first symbol that moves, or near it.
  const isNear = (offset: number): boolean => offset >= 0 && offset < MAX_SPAN;
  if (isNear(at(0)) && isNear(at(count - 1))) {
    const plain = ordered(image, (index) => base + BigInt(at(index)));
    return plain && { addresses: plain, absolute: 0 };
  }
  let fixed = 0;
  while (fixed < count && at(fixed) >= 0) fixed += 1;
  if (fixed === count || !isNear(-1 - at(fixed)) || !isNear(-1 - at(count - 1))) return undefined;
  const mixed = ordered(image, (index) => {
    const offset = at(index);
    return offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
  });
  return mixed && { addresses: mixed, absolute: fixed };
}

function absolute(image: Image, start: number): KallsymsAddresses | undefined {
  const { view, count, bits } = image;
  if (!holds(view, start, (bits / 8) * count)) return undefined;
  const addresses = ordered(image, (index) => pointer(view, start + (index * bits) / 8, bits));
  if (!addresses || addresses[count - 1]! < LEAST_BASE[bits]) return undefined;
  return { addresses, absolute: addresses.findIndex((address) => address >= LEAST_BASE[bits]) };
}

function placeRelative(image: Image, offsets: number): KallsymsAddresses | undefined {
  const { view, base, count } = image;
  if (!holds(view, offsets, 4 * count)) return undefined;
  const at = (index: number): number => offsets + 4 * index + view.getInt32(offsets + 4 * index, true);
  if (at(count - 1) - at(0) > MAX_SPAN) return undefined;
  const addresses = ordered(image, (index) => base + BigInt(at(index)));
  return addresses && { addresses, absolute: 0 };
}

function holds(view: DataView, at: number, length: number): boolean {
  return at >= 0 && at + length <= view.byteLength;
}

function pointer(view: DataView, at: number, bits: 32 | 64): bigint {
  return bits === 64 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
}

/** The addresses, if they rise as a kernel's do. */
function ordered({ count, bits }: Image, address: (index: number) => bigint): BigUint64Array | undefined {
  const addresses = new BigUint64Array(count);
  let last = 0n;
  let falls = 0;
  for (let index = 0; index < count; index += 1) {
    const value = BigInt.asUintN(bits, address(index));
    addresses[index] = value;
    if (value < last && (falls += 1) * ORDERED > count) return undefined;
    last = value;
  }
  // A table of equal values is no table.
  return addresses[count - 1] === addresses[0] ? undefined : addresses;
}
