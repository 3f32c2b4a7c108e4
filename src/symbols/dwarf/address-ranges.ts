/** Which unit has the code at an address, as `.debug_aranges` tells it. DWARF 5 section 6.1.2. */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { DwarfSections } from './sections';

/** Addresses [start, end) of the unit at offset `unit` of `.debug_info`. */
export interface UnitRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly unit: number;
}

/** The most that is read of the section, bytes; 1 MB covers a kernel. */
const MAX_SECTION = 0x400_0000;

/** All ranges in the order of the section; after damage the rest is left out. */
export function readAddressRanges(sections: DwarfSections): UnitRange[] {
  const contents = sections.contents('.debug_aranges');
  const bytes = contents.read(0, Math.min(contents.size, MAX_SECTION));
  const reader = new ByteReader(bytes, 'The table of address ranges');
  const ranges: UnitRange[] = [];
  unlessDamaged(() => {
    while (reader.remaining > 0) readSet(reader, ranges);
  });
  return ranges;
}

function readSet(reader: ByteReader, ranges: UnitRange[]): void {
  const start = reader.position;
  const { length, isDwarf64 } = reader.initialLength();
  const end = reader.position + length;
  if (length > reader.remaining) throw reader.error('it ends too early');
  reader.u16();
  const unit = reader.sectionOffset(isDwarf64);
  const addressSize = reader.u8();
  const segmentSize = reader.u8();
  if ((addressSize === 4 || addressSize === 8) && segmentSize === 0) {
    // The first pair is aligned to its own size from the start of the set.
    const pair = addressSize * 2;
    reader.skip((pair - ((reader.position - start) % pair)) % pair);
    while (reader.position + pair <= end) {
      const first = reader.unsigned(addressSize);
      const size = reader.unsigned(addressSize);
      if (size > 0n) ranges.push({ start: first, end: first + size, unit });
    }
  }
  reader.position = end;
}
