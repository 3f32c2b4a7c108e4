/**
 * The addresses of an entry that is not in one piece. Sources: DWARF 5 sections 2.17.3, 7.25 (`.debug_rnglists`); DWARF
 * 3 and 4 section 2.17.3 (`.debug_ranges`).
 */
import { ByteReader } from '../byte-reader';
import type { CompileUnit } from './compile-units';
import { indexedAddress } from './compile-units';
import type { DwarfSections } from './sections';

/** Link addresses [start, end). */
export interface AddressRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** DW_RLE_*. */
const RLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  baseAddress: 5,
  startEnd: 6,
  startLength: 7,
} as const;

/** The most that is read of one list, bytes. */
const MAX_LIST = 0x1_0000;

/** The list at an offset of the unit's section. Throws a UserError for damage. */
export function readRanges(offset: number, unit: CompileUnit, sections: DwarfSections): AddressRange[] {
  const name = unit.version >= 5 ? '.debug_rnglists' : '.debug_ranges';
  const reader = new ByteReader(sections.window(name).read(offset, MAX_LIST), 'A list of address ranges');
  return unit.version >= 5 ? readList5(reader, unit, sections) : readList3(reader, unit);
}

/** The offset in `.debug_rnglists` of the list with an index. DWARF 5 section 7.28. */
export function rangeListOffset(index: number, unit: CompileUnit, sections: DwarfSections): number {
  const size = unit.isDwarf64 ? 8 : 4;
  const bytes = sections.window('.debug_rnglists').read(unit.rangeListsBase + index * size, size);
  return unit.rangeListsBase + new ByteReader(bytes, 'A table of range lists').sectionOffset(unit.isDwarf64);
}

function readList3(reader: ByteReader, unit: CompileUnit): AddressRange[] {
  const ranges: AddressRange[] = [];
  const highest = (1n << BigInt(unit.addressSize * 8)) - 1n;
  for (let base = unit.lowPc; ;) {
    const start = reader.unsigned(unit.addressSize);
    const end = reader.unsigned(unit.addressSize);
    if (start === 0n && end === 0n) return ranges;
    if (start === highest) base = end;
    else ranges.push({ start: base + start, end: base + end });
  }
}

function readList5(reader: ByteReader, unit: CompileUnit, sections: DwarfSections): AddressRange[] {
  const ranges: AddressRange[] = [];
  const address = (): bigint => reader.unsigned(unit.addressSize);
  const indexed = (): bigint => indexedAddress(reader.uleb(), unit, sections);
  const number = (): bigint => BigInt(reader.uleb());
  const add = (start: bigint, end: bigint): void => void ranges.push({ start, end });
  for (let base = unit.lowPc; ;) {
    const kind = reader.u8();
    if (kind === RLE.endOfList) return ranges;
    if (kind === RLE.baseAddressx) base = indexed();
    else if (kind === RLE.baseAddress) base = address();
    else if (kind === RLE.offsetPair) add(base + number(), base + number());
    else if (kind === RLE.startEnd) add(address(), address());
    else if (kind === RLE.startxEndx) add(indexed(), indexed());
    else if (kind === RLE.startLength || kind === RLE.startxLength) {
      const start = kind === RLE.startLength ? address() : indexed();
      add(start, start + number());
    } else throw reader.error(`an entry in it has the unknown kind ${kind}`);
  }
}
