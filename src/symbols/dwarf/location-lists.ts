/**
 * Where a variable is at each address. Sources: DWARF 5 sections 2.6.2, 7.29 (`.debug_loclists`); DWARF 2 to 4 section
 * 2.6.2 (`.debug_loc`); GNU's pairs of view numbers, which are passed over.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { CompileUnit } from './compile-units';
import { indexedAddress } from './compile-units';
import type { DwarfSections } from './sections';

/** Link addresses [start, end) where an expression holds; a default one has neither. */
export interface ListedLocation {
  readonly start: bigint | undefined;
  readonly end: bigint | undefined;
  readonly expression: Uint8Array;
}

/** DW_LLE_*. */
const LLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  defaultLocation: 5,
  baseAddress: 6,
  startEnd: 7,
  startLength: 8,
  gnuViewPair: 9,
} as const;

/** The most that is read of one list, and what is enough for nearly all, bytes. */
const MAX_LIST = 0x4_0000;
const USUAL_LIST = 0x1000;

/** The list at an offset of the unit's section. Throws a UserError for damage. */
export function readLocations(offset: number, unit: CompileUnit, sections: DwarfSections): ListedLocation[] {
  const window = sections.window(unit.version >= 5 ? '.debug_loclists' : '.debug_loc');
  const read = (length: number): ListedLocation[] => {
    const reader = new ByteReader(window.read(offset, length), 'A list of places');
    return unit.version >= 5 ? readList5(reader, unit, sections) : readList4(reader, unit);
  };
  return unlessDamaged(() => read(USUAL_LIST)) ?? read(MAX_LIST);
}

/** The offset in `.debug_loclists` of the list with an index. DWARF 5 section 7.29. */
export function locationListOffset(index: number, unit: CompileUnit, sections: DwarfSections): number {
  const size = unit.isDwarf64 ? 8 : 4;
  const bytes = sections.window('.debug_loclists').read(unit.locationListsBase + index * size, size);
  return unit.locationListsBase + new ByteReader(bytes, 'A table of lists of places').sectionOffset(unit.isDwarf64);
}

function readList4(reader: ByteReader, unit: CompileUnit): ListedLocation[] {
  const found: ListedLocation[] = [];
  const highest = (1n << BigInt(unit.addressSize * 8)) - 1n;
  for (let base = unit.lowPc; ;) {
    const start = reader.unsigned(unit.addressSize);
    const end = reader.unsigned(unit.addressSize);
    if (start === 0n && end === 0n) return found;
    if (start === highest) base = end;
    else found.push({ start: base + start, end: base + end, expression: reader.take(reader.u16()) });
  }
}

function readList5(reader: ByteReader, unit: CompileUnit, sections: DwarfSections): ListedLocation[] {
  const found: ListedLocation[] = [];
  const address = (): bigint => reader.unsigned(unit.addressSize);
  const indexed = (): bigint => indexedAddress(reader.uleb(), unit, sections);
  const number = (): bigint => BigInt(reader.uleb());
  const add = (start: bigint | undefined, end: bigint | undefined): void => {
    found.push({ start, end, expression: reader.take(reader.uleb()) });
  };
  for (let base = unit.lowPc; ;) {
    const kind = reader.u8();
    switch (kind) {
      case LLE.endOfList:
        return found;
      case LLE.baseAddressx:
        base = indexed();
        break;
      case LLE.baseAddress:
        base = address();
        break;
      case LLE.offsetPair:
        add(base + number(), base + number());
        break;
      case LLE.startEnd:
        add(address(), address());
        break;
      case LLE.startxEndx:
        add(indexed(), indexed());
        break;
      case LLE.startLength:
      case LLE.startxLength: {
        const start = kind === LLE.startLength ? address() : indexed();
        add(start, start + number());
        break;
      }
      case LLE.defaultLocation:
        add(undefined, undefined);
        break;
      case LLE.gnuViewPair:
        reader.uleb();
        reader.uleb();
        break;
      default:
        throw reader.error(`an entry in it has the unknown kind ${kind}`);
    }
  }
}
