// Small ELF files and DWARF sections made by hand, for what no linker here makes.

/** Bytes of numbers and texts, little-endian. */
export class Bytes {
  private readonly parts: number[] = [];

  get length(): number {
    return this.parts.length;
  }

  /** Adds a number of `size` bytes. */
  number(value: number | bigint, size: number): this {
    for (let index = 0; index < size; index += 1) this.parts.push(Number((BigInt(value) >> BigInt(index * 8)) & 0xffn));
    return this;
  }

  u8(...values: number[]): this {
    this.parts.push(...values);
    return this;
  }

  text(text: string): this {
    return this.u8(...Buffer.from(text, 'utf8'), 0);
  }

  bytes(bytes: Uint8Array): this {
    return this.u8(...bytes);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

/** A section of an image. */
export interface ImageSection {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly address?: bigint;
  readonly link?: number;
  readonly contents: Uint8Array;
  /** Size in memory, where the section has no contents. */
  readonly size?: number;
}

/** A symbol of an image: `info` is binding << 4 | type. */
export interface ImageSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size?: bigint;
  readonly info: number;
  readonly section?: number;
}

/** `.symtab` and `.strtab`; they must come one after the other, `.symtab` at index `index`. */
export function symbolSections(symbols: readonly ImageSymbol[], index: number, bits: 32 | 64 = 64): ImageSection[] {
  const strings = new Bytes().u8(0);
  const table = new Bytes().number(0, bits === 64 ? 24 : 16);
  for (const { name, value, size = 0n, info, section = 1 } of symbols) {
    table.number(strings.length, 4);
    if (bits === 64) table.u8(info, 0).number(section, 2).number(value, 8).number(size, 8);
    else table.number(value, 4).number(size, 4).u8(info, 0).number(section, 2);
    strings.text(name);
  }
  return [
    { name: '.symtab', type: 2, link: index + 1, contents: table.finish() },
    { name: '.strtab', type: 3, contents: strings.finish() },
  ];
}

/** What of an image differs from an x86-64 executable. */
export interface ImageOptions {
  readonly bits?: 32 | 64;
  readonly type?: number;
  readonly machine?: number;
}

/**
 * An ELF file with these sections, numbered from 1. Loaded sections (flag 2) get a segment each; `size` above the
 * contents makes a segment bigger in memory than in the file.
 */
export function elfImage(sections: readonly ImageSection[], options: ImageOptions = {}): Uint8Array {
  const { bits = 64, type = 2, machine = bits === 64 ? 62 : 3 } = options;
  const word = bits / 8;
  const headerSize = bits === 64 ? 64 : 52;
  const programSize = bits === 64 ? 56 : 32;
  const loaded = sections.filter(({ flags = 0 }) => flags & 2);
  const names = new Bytes().u8(0);
  const all = [...sections, { name: '.shstrtab', type: 3, contents: new Uint8Array(0) }];
  const nameOffsets = all.map(({ name }) => {
    const offset = names.length;
    names.text(name);
    return offset;
  });
  const contents = [...sections.map((section) => section.contents), names.finish()];
  const offsets: number[] = [];
  let offset = headerSize + programSize * loaded.length;
  for (const bytes of contents) {
    offsets.push(offset);
    offset += bytes.length;
  }

  const file = new Bytes().u8(0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1).number(0, 9);
  file.number(type, 2).number(machine, 2).number(1, 4).number(0x1000, word).number(headerSize, word);
  file.number(offset, word).number(0, 4).number(headerSize, 2).number(programSize, 2).number(loaded.length, 2);
  file
    .number(bits === 64 ? 64 : 40, 2)
    .number(all.length + 1, 2)
    .number(all.length, 2);
  for (const section of loaded) {
    const { address = 0n, contents: own, size = own.length } = section;
    const place = offsets[sections.indexOf(section)]!;
    const flags = 4 | (section.flags! & 4 ? 1 : 0);
    file.number(1, 4);
    if (bits === 64) file.number(flags, 4);
    file.number(place, word).number(address, word).number(address, word).number(own.length, word).number(size, word);
    if (bits === 32) file.number(flags, 4);
    file.number(1, word);
  }
  for (const bytes of contents) file.bytes(bytes);
  file.number(0, bits === 64 ? 64 : 40);
  for (const [index, section] of all.entries()) {
    const { type: kind = 1, flags = 0, address = 0n, link = 0, size = contents[index]!.length }: ImageSection = section;
    file.number(nameOffsets[index]!, 4).number(kind, 4).number(flags, word).number(address, word);
    file.number(offsets[index]!, word).number(size, word).number(link, 4).number(0, 4).number(1, word).number(0, word);
  }
  return file.finish();
}

/** DW_LNE_set_address. */
export function setAddress(address: bigint, size = 8): number[] {
  return [0, size + 1, 2, ...new Bytes().number(address, size).finish()];
}

/** DW_LNE_end_sequence. */
export const END_SEQUENCE = [0, 1, 1];

/** A line table of DWARF 2, 3 or 4 with line base -5, line range 14 and opcode base 13. */
export function lineTable4(
  version: number,
  folders: readonly string[],
  files: readonly (readonly [name: string, folder: number])[],
  program: readonly number[],
): Uint8Array {
  const header = new Bytes().u8(1);
  if (version >= 4) header.u8(1);
  header.u8(1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  for (const folder of folders) header.text(folder);
  header.u8(0);
  for (const [name, folder] of files) header.text(name).u8(folder, 0, 0);
  header.u8(0);
  const rest = new Bytes()
    .number(version, 2)
    .number(header.length, 4)
    .bytes(header.finish())
    .u8(...program);
  return new Bytes().number(rest.length, 4).bytes(rest.finish()).finish();
}

/** A line table of DWARF 5, its paths inline, with line base -5, line range 14 and opcode base 13. */
export function lineTable5(
  folders: readonly string[],
  files: readonly (readonly [name: string, folder: number])[],
  program: readonly number[],
): Uint8Array {
  const header = new Bytes().u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  header.u8(1, 1, 0x08, folders.length);
  for (const folder of folders) header.text(folder);
  // Columns: path as a string, folder as one byte, MD5 as 16 bytes.
  header.u8(3, 1, 0x08, 2, 0x0b, 5, 0x1e, files.length);
  for (const [name, folder] of files) header.text(name).u8(folder).number(0, 16);
  const rest = new Bytes()
    .number(5, 2)
    .u8(8, 0)
    .number(header.length, 4)
    .bytes(header.finish())
    .u8(...program);
  return new Bytes().number(rest.length, 4).bytes(rest.finish()).finish();
}

/** `.debug_abbrev` and `.debug_info` with one DWARF 4 unit: line table at 0, this compilation folder, no children. */
export function unitSections(folder: string): ImageSection[] {
  const abbreviations = new Bytes().u8(1, 0x11, 0, 0x10, 0x17, 0x1b, 0x08, 0, 0, 0).finish();
  const rest = new Bytes().number(4, 2).number(0, 4).u8(8, 1).number(0, 4).text(folder);
  const info = new Bytes().number(rest.length, 4).bytes(rest.finish()).finish();
  return [
    { name: '.debug_abbrev', contents: abbreviations },
    { name: '.debug_info', contents: info },
  ];
}
