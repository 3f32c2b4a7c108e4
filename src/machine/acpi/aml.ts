/**
 * An encoder for ACPI Machine Language: each function gives the bytes of one term, so that a table's definition block
 * reads like its ASL. `...children` are the bytes of terms.
 *
 * Source: ACPI 6.5, chapter 20 (AML grammar) and 19.3.4 (EISA IDs).
 * NOT IMPLEMENTED: everything that a constant namespace does without: methods, fields, operators.
 */

/** Bytes of AML. */
export type Aml = readonly number[];

const ZERO = 0x00;
const ONE = 0x01;
const NAME = 0x08;
const BYTE_PREFIX = 0x0a;
const WORD_PREFIX = 0x0b;
const DWORD_PREFIX = 0x0c;
const STRING_PREFIX = 0x0d;
const SCOPE = 0x10;
const BUFFER = 0x11;
const PACKAGE = 0x12;
const DUAL_NAME = 0x2e;
const MULTI_NAME = 0x2f;
const EXTENDED = 0x5b;
const DEVICE = 0x82;

/** The `size` low bytes of `value`, little-endian. */
export function littleEndian(value: number, size: 1 | 2 | 4): number[] {
  return Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 0xff);
}

/** An integer below 2^32 in its shortest encoding. */
export function integer(value: number): Aml {
  if (value === 0) return [ZERO];
  if (value === 1) return [ONE];
  if (value < 0x100) return [BYTE_PREFIX, value];
  if (value < 0x10000) return [WORD_PREFIX, ...littleEndian(value, 2)];
  return [DWORD_PREFIX, ...littleEndian(value, 4)];
}

/** A NUL-terminated ASCII string. */
export function string(text: string): Aml {
  return [STRING_PREFIX, ...ascii(text), 0];
}

/** A path of 4-character segments separated by dots, with `\` in front for the root: `\_SB.PCI0`. */
export function path(text: string): Aml {
  const root = text.startsWith('\\') ? ascii('\\') : [];
  const segments = text.slice(root.length).split('.');
  const names = segments.flatMap((segment) => ascii(segment.padEnd(4, '_')));
  if (segments.length === 1) return [...root, ...names];
  if (segments.length === 2) return [...root, DUAL_NAME, ...names];
  return [...root, MULTI_NAME, segments.length, ...names];
}

/** Name (`text`, `value`). */
export function name(text: string, value: Aml): Aml {
  return [NAME, ...path(text), ...value];
}

/** Scope (`text`) { children }. */
export function scope(text: string, ...children: readonly Aml[]): Aml {
  return [SCOPE, ...withLength([...path(text), ...children.flat()])];
}

/** Device (`text`) { children }. */
export function device(text: string, ...children: readonly Aml[]): Aml {
  return [EXTENDED, DEVICE, ...withLength([...path(text), ...children.flat()])];
}

/** Package () { elements }, at most 255 of them. */
export function packageOf(...elements: readonly Aml[]): Aml {
  return [PACKAGE, ...withLength([elements.length, ...elements.flat()])];
}

/** Buffer () { bytes }. */
export function buffer(bytes: readonly number[]): Aml {
  return [BUFFER, ...withLength([...integer(bytes.length), ...bytes])];
}

/** EisaId ("PNP0A03") as the integer that the name packs into: 5 bits a letter, 4 bits a digit, bytes swapped. */
export function eisaId(id: string): Aml {
  const letter = (index: number): number => id.charCodeAt(index) - 0x40;
  const vendor = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = parseInt(id.slice(3), 16);
  return integer((swap(vendor) | (swap(product) << 16)) >>> 0);
}

const swap = (word: number): number => (word >> 8) | ((word & 0xff) << 8);

/** The characters' codes. */
export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** PkgLength counts itself: 1 byte up to 63, else 4 bits and one to three whole bytes (20.2.4). */
function withLength(content: readonly number[]): Aml {
  if (content.length + 1 < 0x40) return [content.length + 1, ...content];
  const extra = content.length + 2 < 0x1000 ? 1 : content.length + 3 < 0x100000 ? 2 : 3;
  const length = content.length + 1 + extra;
  const bytes = Array.from({ length: extra }, (_, index) => (length >>> (4 + 8 * index)) & 0xff);
  return [(extra << 6) | (length & 0xf), ...bytes, ...content];
}
