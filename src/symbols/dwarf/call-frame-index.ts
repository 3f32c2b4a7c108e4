/**
 * Call frame information: which entry of `.debug_frame` or `.eh_frame` tells how to unwind an address. Sources: DWARF 5
 * section 6.4.1, 7.24; Linux Standard Base Core 5.0, chapter 10 (`.eh_frame`, pointer encodings, augmentations). NOT
 * IMPLEMENTED: `.eh_frame_hdr`, indirect pointers, pointers relative to text, data or functions.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { buffered } from '../bytes';
import { lastAtOrBelow } from '../search';
import type { DwarfSections } from './sections';

/** What the entries of several functions share. */
export interface CommonEntry {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnRegister: number;
  readonly addressSize: 4 | 8;
  /** The frames are those of a handler that something interrupted: the caller stands exactly where it says. */
  readonly isSignalFrame: boolean;
  /** There is a length before an entry's instructions, and what it counts is passed over. */
  readonly hasAugmentation: boolean;
  /** DW_EH_PE_* of the addresses in the entries. */
  readonly encoding: number;
  readonly instructions: Uint8Array;
}

/** How to unwind the functions at link addresses [start, end). */
export interface FrameEntry {
  readonly start: bigint;
  readonly end: bigint;
  readonly common: CommonEntry;
  readonly instructions: Uint8Array;
}

/** Bytes of a section that are read at once, of one entry, and of a whole section. */
const WINDOW = 0x10_0000;
const MAX_ENTRY = 0x1_0000;
const MAX_ENTRIES = 1_000_000;
/** Bytes of what functions share, and how many such entries are kept: a kernel has one for each unit. */
const MAX_COMMON = 0x1000;
const MAX_COMMON_KEPT = 4096;
/** DW_EH_PE_*: formats in the low 4 bits, what a pointer is relative to in the next 3. */
const POINTER = {
  absolute: 0x00,
  uleb: 0x01,
  u2: 0x02,
  u4: 0x03,
  u8: 0x04,
  sleb: 0x09,
  s2: 0x0a,
  s4: 0x0b,
  s8: 0x0c,
} as const;
const PC_RELATIVE = 0x10;
const OMITTED = 0xff;

/** One section's entries, sorted by address when they are first needed. */
export class CallFrameIndex {
  private readonly section: RandomAccessBytes;
  /** Link address of the section, for pointers relative to themselves. */
  private readonly address: bigint;
  private readonly common = new Map<number, CommonEntry | undefined>();
  private sorted: { readonly starts: BigUint64Array; readonly offsets: Float64Array } | undefined;
  private known: FrameEntry | undefined;

  constructor(
    sections: DwarfSections,
    private readonly name: '.debug_frame' | '.eh_frame',
  ) {
    this.section = buffered(sections.contents(name), WINDOW);
    this.address = sections.elf.section(name)?.address ?? 0n;
    this.bits = sections.elf.bits;
  }

  private readonly bits: 32 | 64;

  /** The entry that covers a link address; undefined if none does. */
  at(address: bigint): FrameEntry | undefined {
    const { known } = this;
    if (known && known.start <= address && address < known.end) return known;
    this.sorted ??= this.sort();
    const { starts, offsets } = this.sorted;
    const index = lastAtOrBelow(starts, address);
    const entry = index < 0 ? undefined : unlessDamaged(() => this.entry(offsets[index]!));
    if (!entry || address >= entry.end) return undefined;
    this.known = entry;
    return entry;
  }

  private sort(): { starts: BigUint64Array; offsets: Float64Array } {
    const found: { start: bigint; offset: number }[] = [];
    for (let offset = 0; offset < this.section.size && found.length < MAX_ENTRIES;) {
      const head = unlessDamaged(() => this.head(offset));
      if (!head) break;
      const start = head.isCommon ? undefined : unlessDamaged(() => this.startOf(offset));
      if (start !== undefined) found.push({ start, offset });
      offset = head.end;
    }
    found.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    return {
      starts: BigUint64Array.from(found, ({ start }) => start),
      offsets: Float64Array.from(found, ({ offset }) => offset),
    };
  }

  private head(offset: number) {
    const reader = new ByteReader(this.section.read(offset, 24), this.name);
    const { length, isDwarf64 } = reader.initialLength();
    // Linkers end `.eh_frame` with a length of 0, and may put more behind it.
    if (length === 0) return { end: offset + 4, isCommon: true, body: 0, isDwarf64, pointer: 0 };
    const end = offset + reader.position + length;
    const pointerAt = offset + reader.position;
    const pointer = reader.sectionOffset(isDwarf64);
    const isFrame = this.name === '.debug_frame';
    const isCommon = isFrame ? pointer === (isDwarf64 ? Number.MAX_SAFE_INTEGER : 0xffff_ffff) : pointer === 0;
    const body = offset + reader.position;
    return { end, isCommon, body, isDwarf64, pointer: isFrame ? pointer : pointerAt - pointer };
  }

  private startOf(offset: number): bigint | undefined {
    const { body, pointer } = this.head(offset);
    const common = this.commonAt(pointer);
    if (!common) return undefined;
    const reader = new ByteReader(this.section.read(body, 16), this.name);
    return this.pointer(reader, body, common.encoding, common.addressSize);
  }

  private entry(offset: number): FrameEntry | undefined {
    const { body, end, pointer } = this.head(offset);
    const common = this.commonAt(pointer);
    if (!common) return undefined;
    const reader = new ByteReader(this.section.read(body, Math.min(end - body, MAX_ENTRY)), this.name);
    const start = this.pointer(reader, body, common.encoding, common.addressSize);
    if (start === undefined) return undefined;
    // The length of the range has the format of the address, but is relative to nothing.
    const size = this.pointer(reader, body, common.encoding & 0x07, common.addressSize);
    if (size === undefined) return undefined;
    if (common.hasAugmentation) reader.skip(reader.uleb());
    return { start, end: start + size, common, instructions: reader.take(reader.remaining) };
  }

  private commonAt(offset: number): CommonEntry | undefined {
    if (this.common.has(offset)) return this.common.get(offset);
    const common = unlessDamaged(() => this.readCommon(offset));
    if (this.common.size >= MAX_COMMON_KEPT) this.common.clear();
    this.common.set(offset, common);
    return common;
  }

  private readCommon(offset: number): CommonEntry | undefined {
    const head = this.head(offset);
    if (!head.isCommon || head.body === 0) return undefined;
    const bytes = this.section.read(head.body, Math.min(head.end - head.body, MAX_COMMON));
    const reader = new ByteReader(bytes, this.name);
    const version = reader.u8();
    const augmentation = reader.string();
    let addressSize = this.bits / 8;
    if (version >= 4) {
      addressSize = reader.u8();
      if (reader.u8() !== 0) return undefined;
    }
    if (augmentation === 'eh') reader.skip(addressSize);
    const codeAlignment = reader.uleb();
    const dataAlignment = reader.sleb();
    const returnRegister = version === 1 ? reader.u8() : reader.uleb();
    let encoding: number = POINTER.absolute;
    const hasAugmentation = augmentation.startsWith('z');
    if (hasAugmentation) {
      const end = reader.uleb() + reader.position;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') encoding = reader.u8();
        else if (letter === 'L') reader.u8();
        else if (letter === 'P') this.pointer(reader, 0, reader.u8(), addressSize);
        else if (letter !== 'S' && letter !== 'B') break;
      }
      reader.skip(end - reader.position);
    } else if (augmentation !== '' && augmentation !== 'eh') return undefined;
    if (addressSize !== 4 && addressSize !== 8) return undefined;
    const isSignalFrame = hasAugmentation && augmentation.includes('S');
    // A copy, so that what the bytes were a part of can go.
    const instructions = Uint8Array.from(reader.take(reader.remaining));
    return {
      codeAlignment,
      dataAlignment,
      returnRegister,
      addressSize,
      isSignalFrame,
      hasAugmentation,
      encoding,
      instructions,
    };
  }

  /** A pointer; undefined for one that is omitted or relative to what is not known. `origin` is where the bytes begin. */
  private pointer(reader: ByteReader, origin: number, encoding: number, addressSize: number): bigint | undefined {
    if (encoding === OMITTED) return undefined;
    const at = this.address + BigInt(origin + reader.position);
    const value = readPointer(reader, encoding & 0x0f, addressSize);
    const base = encoding & 0xf0;
    if (base !== 0 && base !== PC_RELATIVE) return undefined;
    return BigInt.asUintN(addressSize * 8, base === PC_RELATIVE ? value + at : value);
  }
}

function readPointer(reader: ByteReader, format: number, addressSize: number): bigint {
  switch (format) {
    case POINTER.absolute:
      return reader.unsigned(addressSize);
    case POINTER.uleb:
      return reader.exactUleb();
    case POINTER.u2:
      return reader.unsigned(2);
    case POINTER.u4:
      return reader.unsigned(4);
    case POINTER.u8:
    case POINTER.s8:
      return reader.u64();
    case POINTER.sleb:
      return reader.exactSleb();
    case POINTER.s2:
      return BigInt.asIntN(16, reader.unsigned(2));
    case POINTER.s4:
      return BigInt.asIntN(32, reader.unsigned(4));
    default:
      throw reader.error(`a pointer in it has the unknown format ${format}`);
  }
}
