/** Integers, truth values, characters and floating-point numbers. DWARF 5 sections 5.1 and 7.8 (DW_ATE_*). */
import type { Type } from '../types/type';
import type { Entry } from './entry';
import { ATTRIBUTE } from './tags';

/** DW_ATE_*. */
const ENCODING = {
  boolean: 0x02,
  complexFloat: 0x03,
  float: 0x04,
  signed: 0x05,
  signedCharacter: 0x06,
  unsignedCharacter: 0x08,
  signedFixed: 0x0d,
  utf: 0x10,
  ucs: 0x11,
  ascii: 0x12,
} as const;

/** The type of a DW_TAG_base_type entry. */
export function baseTypeOf(entry: Entry): Type {
  const name = entry.string(ATTRIBUTE.name) ?? '';
  const bits = entry.number(ATTRIBUTE.bitSize) ?? 0;
  const size = entry.number(ATTRIBUTE.byteSize) ?? Math.ceil(bits / 8);
  const integer = (isSigned: boolean, shown: 'number' | 'boolean' | 'character' = 'number'): Type => ({
    kind: 'integer',
    name,
    size,
    isSigned,
    shown,
  });
  switch (entry.number(ATTRIBUTE.encoding)) {
    case ENCODING.boolean:
      return integer(false, 'boolean');
    case ENCODING.float:
      return { kind: 'float', name, size };
    case ENCODING.complexFloat:
      // The real part, then the imaginary one.
      return { kind: 'array', of: { kind: 'float', name: name.replace('complex ', ''), size: size / 2 }, count: 2 };
    case ENCODING.signed:
    case ENCODING.signedFixed:
      return integer(true);
    case ENCODING.signedCharacter:
      return integer(true, 'character');
    case ENCODING.unsignedCharacter:
    case ENCODING.utf:
    case ENCODING.ucs:
    case ENCODING.ascii:
      return integer(false, 'character');
    default:
      return integer(false);
  }
}
