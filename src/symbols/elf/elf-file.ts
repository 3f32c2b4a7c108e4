/**
 * ELF files of x86: header, program headers, section headers, the contents of sections. Sources: the generic ABI
 * (gABI 4.3, chapters 4 and 5) and the processor supplements for the Intel386 and for AMD64. An object file (ET_REL) gets
 * addresses, and its relocations are applied as it is read. NOT IMPLEMENTED: big-endian files, other processors, core files,
 * zstd sections, the older `.zdebug_` sections.
 */
import { UserError } from '../../common/errors';
import { ByteReader, damaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { memoryBytes, partOf } from '../bytes';
import { lastAtOrBelow } from '../search';
import type { SectionAddresses } from './object-layout';
import { placeSections, segmentsOf } from './object-layout';
import { relocated } from './relocations';
import { decodeLatin1, decodeUtf8Characters } from '../utf8';

/** Makes `size` bytes of zlib data out of `bytes`; throws or gives another length if it cannot. */
export type Inflate = (bytes: Uint8Array, size: number) => Uint8Array;

/** A section's header. */
export interface ElfSection {
  readonly name: string;
  /** SHT_*. */
  readonly type: number;
  /** SHF_*. */
  readonly flags: number;
  /** Link address; 0 for a section that is not loaded. */
  readonly address: bigint;
  /** In the file, bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Index of another section; of a symbol table, that of its strings; of relocations, that of their symbols. */
  readonly link: number;
  /** Of relocations: the index of the section that they are for. */
  readonly info: number;
}

/** A PT_LOAD program header. */
export interface ElfSegment {
  /** Link address of the first byte. */
  readonly start: bigint;
  /** Link address after the last byte in memory. */
  readonly end: bigint;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags: number;
  /** In the file, bytes; the bytes of memory after `fileSize` are zero. */
  readonly offset: number;
  readonly fileSize: number;
}

/** Values of `ElfSection.flags`. */
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
const SHF_COMPRESSED = 0x800;
/** Values of `ElfSection.type`. */
export const SHT_SYMTAB = 2;
const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
const SHT_REL = 9;
export const SHT_DYNSYM = 11;

const EM_386 = 3;
const EM_X86_64 = 62;
const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_X = 1;
const PN_XNUM = 0xffff;
const ELFCOMPRESS_ZLIB = 1;

/** More sections or program headers than any linker makes for a kernel. */
const MAX_HEADERS = 100_000;
/** Notes that are looked into; linkers make two or three. */
const MAX_NOTES = 32;
/** The most that is unpacked of one compressed section, bytes; zlib's best ratio is about 1032. */
const MAX_INFLATED = 0x2000_0000;
const MAX_RATIO = 1040;
/** Symbols that relocations of one section are looked up among, bytes. */
const MAX_SYMBOLS = 0x400_0000;

const NO_ADDRESSES: SectionAddresses = new Map();

/** An opened ELF file: its headers are read, its contents are not. */
export class ElfFile {
  readonly bits: 32 | 64;
  readonly machine: 'x86' | 'x86-64';
  /** ET_DYN or ET_REL: the file can be loaded anywhere. */
  readonly isRelocatable: boolean;
  /** ET_REL: symbols count from the start of their section. */
  readonly isObject: boolean;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** Where the notes lie in the file. */
  readonly notes: readonly { readonly offset: number; readonly size: number }[];
  private code: { readonly starts: BigUint64Array; readonly ends: readonly bigint[] } | undefined;
  private readonly opened = new Map<ElfSection, RandomAccessBytes | undefined>();

  /**
   * Reads the headers; `addresses` tell where an object file's sections are loaded. Throws a UserError if this is not an ELF
   * file of x86 with code, or a damaged one.
   */
  constructor(
    readonly bytes: RandomAccessBytes,
    private readonly inflate?: Inflate,
    addresses: SectionAddresses = NO_ADDRESSES,
  ) {
    const header = new ByteReader(bytes.read(0, 64), 'The ELF header');
    if (bytes.size < 16 || header.u32() !== 0x464c_457f) {
      throw new UserError('symbols.notElf', 'This is not an ELF file; give the vmlinux or .elf that the linker made.');
    }
    const elfClass = header.u8();
    const data = header.u8();
    if ((elfClass !== 1 && elfClass !== 2) || data !== 1) throw unsupported('it is not little-endian');
    this.bits = elfClass === 1 ? 32 : 64;
    header.position = 16;
    const type = header.u16();
    const machine = header.u16();
    if (machine !== EM_386 && machine !== EM_X86_64) throw unsupported('it is for another processor');
    if (type !== ET_EXEC && type !== ET_DYN && type !== ET_REL) throw unsupported('it is a core file');
    this.machine = machine === EM_386 ? 'x86' : 'x86-64';
    this.isRelocatable = type !== ET_EXEC;
    this.isObject = type === ET_REL;
    header.skip(4);
    const word = (): number => (this.bits === 64 ? header.offset64() : header.u32());
    this.entry = header.unsigned(this.bits / 8);
    const programOffset = word();
    const sectionOffset = word();
    header.skip(6);
    const programSize = header.u16();
    const programCount = header.u16();
    const sectionSize = header.u16();
    const sectionCount = header.u16();
    const namesIndex = header.u16();

    const raw = this.readSections(sectionOffset, sectionSize, sectionCount);
    const names = raw[namesIndex === 0xffff ? (raw[0]?.link ?? 0) : namesIndex];
    const strings = names ? decodeLatin1(bytes.read(names.offset, Math.min(names.size, 0x10_0000))) : '';
    const named = raw.map((section) => ({ ...section, name: nameAt(strings, section.nameOffset) }));
    this.sections = this.isObject ? placeSections(named, addresses) : named;
    const programs = this.readPrograms(
      programOffset,
      programSize,
      programCount === PN_XNUM ? (raw[0]?.info ?? 0) : programCount,
    );
    const loaded = programs.filter(({ type, start, end }) => type === PT_LOAD && end > start);
    this.segments = (this.isObject ? segmentsOf(this.sections) : loaded).sort((a, b) => (a.start < b.start ? -1 : 1));
    const noteSections = this.sections.filter(({ type }) => type === SHT_NOTE);
    const noteSegments = programs.filter(({ type }) => type === PT_NOTE);
    this.notes = [
      ...noteSegments.map(({ offset, fileSize }) => ({ offset, size: fileSize })),
      ...noteSections.map(({ offset, size }) => ({ offset, size })),
    ].slice(0, MAX_NOTES);
  }

  /** The first section of that name with contents in the file. */
  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name && section.type !== SHT_NOBITS);
  }

  /** A section's contents, unpacked and relocated; undefined if they cannot be unpacked. */
  contents(section: ElfSection): RandomAccessBytes | undefined {
    if (!this.opened.has(section)) this.opened.set(section, this.open(section));
    return this.opened.get(section);
  }

  /** The contents of the section of that name; undefined if it is not there or cannot be unpacked. */
  contentsOf(name: string): RandomAccessBytes | undefined {
    const section = this.section(name);
    return section && this.contents(section);
  }

  /** Whether a link address is in a part of the image that holds instructions. */
  isCode(address: bigint): boolean {
    this.code ??= mergedRanges(this.codeRanges());
    const at = lastAtOrBelow(this.code.starts, address);
    return at >= 0 && address < this.code.ends[at]!;
  }

  private codeRanges(): Range[] {
    const code = this.sections.filter(({ flags }) => flags & SHF_ALLOC && flags & SHF_EXECINSTR);
    if (code.length > 0) return code.map(({ address, size }) => ({ start: address, end: address + BigInt(size) }));
    return this.segments.filter(({ flags }) => flags & PF_X);
  }

  private open(section: ElfSection): RandomAccessBytes | undefined {
    const isPacked = (section.flags & SHF_COMPRESSED) !== 0;
    const plain = isPacked ? this.unpack(section) : partOf(this.bytes, section.offset, section.size);
    return plain && this.isObject ? this.relocate(section, plain) : plain;
  }

  private relocate(section: ElfSection, plain: RandomAccessBytes): RandomAccessBytes {
    const index = this.sections.indexOf(section);
    const table = this.sections.find(({ type, info }) => (type === SHT_RELA || type === SHT_REL) && info === index);
    if (!table) return plain;
    const { bits } = this;
    const symbols = this.sections[table.link];
    const contents = symbols && partOf(this.bytes, symbols.offset, Math.min(symbols.size, MAX_SYMBOLS));
    const bytes = contents?.read(0, contents.size) ?? new Uint8Array(0);
    return relocated(plain, {
      contents: partOf(this.bytes, table.offset, table.size),
      hasAddends: table.type === SHT_RELA,
      bits,
      address: section.address,
      symbol: (number) => this.symbolValue(bytes, number),
    });
  }

  private symbolValue(symbols: Uint8Array, index: number): bigint | undefined {
    const size = this.bits === 64 ? 24 : 16;
    if (index < 0 || (index + 1) * size > symbols.length) return undefined;
    const reader = new ByteReader(symbols, 'The symbol table', index * size + (this.bits === 64 ? 6 : 14));
    const section = reader.u16();
    reader.position = index * size + (this.bits === 64 ? 8 : 4);
    return reader.unsigned(this.bits / 8) + (this.sections[section]?.address ?? 0n);
  }

  private unpack(section: ElfSection): RandomAccessBytes | undefined {
    const headerSize = this.bits === 64 ? 24 : 12;
    const packed = partOf(this.bytes, section.offset, section.size);
    if (!this.inflate || packed.size < headerSize) return undefined;
    const header = new ByteReader(packed.read(0, headerSize), 'A compressed section');
    const type = header.u32();
    if (this.bits === 64) header.skip(4);
    const size = Number(header.unsigned(this.bits / 8));
    if (type !== ELFCOMPRESS_ZLIB || size > MAX_INFLATED || size > packed.size * MAX_RATIO) return undefined;
    try {
      const bytes = this.inflate(packed.read(headerSize, packed.size - headerSize), size);
      return bytes.length === size ? memoryBytes(bytes) : undefined;
    } catch {
      // The unpacker's own words are of no use: the section counts as missing, as without an unpacker.
      return undefined;
    }
  }

  private table(what: string, offset: number, entrySize: number, count: number, least: number): ByteReader {
    if (count > MAX_HEADERS || entrySize < least) throw damaged(what, `it says ${count} entries of ${entrySize} bytes`);
    return new ByteReader(this.bytes.read(offset, count * entrySize), what);
  }

  private readSections(offset: number, entrySize: number, givenCount: number) {
    if (offset === 0) return [];
    const what = 'The section table';
    const least = this.bits === 64 ? 64 : 40;
    const read = (reader: ByteReader, position: number) => {
      reader.position = position;
      const word = (): number => (this.bits === 64 ? reader.offset64() : reader.u32());
      const nameOffset = reader.u32();
      const type = reader.u32();
      // Flags above 32 bits are the processor's and the linker's own.
      const flags = Number(reader.unsigned(this.bits / 8) & 0xffff_ffffn);
      const address = reader.unsigned(this.bits / 8);
      const place = { offset: word(), size: word(), link: reader.u32(), info: reader.u32() };
      return { nameOffset, type, flags, address, ...place, alignment: word() };
    };
    // With too many sections for 16 bits, section 0 holds the number.
    const count = givenCount || read(this.table(what, offset, entrySize, 1, least), 0).size;
    const reader = this.table(what, offset, entrySize, count, least);
    return Array.from({ length: count }, (_, index) => read(reader, index * entrySize));
  }

  private readPrograms(offset: number, entrySize: number, count: number) {
    if (offset === 0 || count === 0) return [];
    const reader = this.table('The program header table', offset, entrySize, count, this.bits === 64 ? 56 : 32);
    return Array.from({ length: count }, (_, index) => {
      reader.position = index * entrySize;
      const type = reader.u32();
      const wide = this.bits === 64;
      const word = (): number => (wide ? reader.offset64() : reader.u32());
      const early = wide ? reader.u32() : 0;
      const fileOffset = word();
      const start = reader.unsigned(this.bits / 8);
      reader.skip(this.bits / 8);
      const fileSize = word();
      const memorySize = word();
      const flags = wide ? early : reader.u32();
      return { type, flags, offset: fileOffset, start, end: start + BigInt(memorySize), fileSize };
    });
  }
}

/** Link addresses [start, end). */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Ranges by address, those that touch as one. */
function mergedRanges(ranges: readonly Range[]): { starts: BigUint64Array; ends: bigint[] } {
  const starts: bigint[] = [];
  const ends: bigint[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
    const last = ends.at(-1);
    if (last === undefined || start > last) {
      starts.push(start);
      ends.push(end);
    } else if (end > last) ends[ends.length - 1] = end;
  }
  return { starts: BigUint64Array.from(starts), ends };
}

/** The string at an offset in a string table, up to its zero byte; empty past the end. */
function nameAt(strings: string, offset: number): string {
  const end = strings.indexOf('\0', offset);
  return end < 0 ? '' : decodeUtf8Characters(strings.slice(offset, end));
}

function unsupported(why: string): UserError {
  return new UserError('symbols.unsupported', `This ELF file cannot be used: ${why}. Give a linked x86 kernel.`);
}
