/**
 * The symbol table of an ELF file, by name and by address. Sources: gABI chapter 4 "Symbol Table"; the name rules are
 * those of `nm` and of the kernel's kallsyms. NOT IMPLEMENTED: versions of dynamic symbols, thread-local symbols.
 */
import { ByteReader, damaged } from '../byte-reader';
import { lastAtOrBelow } from '../search';
import { decodeLatin1, decodeUtf8Characters, isAscii } from '../utf8';
import type { ElfFile, ElfSection } from './elf-file';
import { SHF_ALLOC, SHT_DYNSYM, SHT_SYMTAB } from './elf-file';

/** What a symbol names: code, data, or a place in assembly without a type. */
export type SymbolKind = 'function' | 'object' | 'label';

/** One symbol. */
export interface SymbolInfo {
  readonly name: string;
  /** Link address; for an absolute symbol its value. */
  readonly address: bigint;
  /** Bytes; 0 where assembly does not say. */
  readonly size: bigint;
  readonly kind: SymbolKind;
  /** False for a C `static` and for a label that is not exported. */
  readonly isGlobal: boolean;
  /** SHN_ABS: a constant, which does not move with the image. */
  readonly isAbsolute: boolean;
}

const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
/** STT_* to kinds; symbols of other types name no place. */
const KINDS: Readonly<Record<number, SymbolKind>> = { 0: 'label', 1: 'object', 2: 'function', 10: 'function' };
/** Of several symbols at one address the first in this order is shown. */
const KIND_ORDER: Readonly<Record<SymbolKind, number>> = { function: 0, object: 1, label: 2 };

/** Bounds against hostile files: bytes of a table, of one name, and of all names together. */
const MAX_TABLE = 0x1000_0000;
const MAX_NAME = 0x4000;
const MAX_NAMES = 0x1000_0000;

/** The useful symbols of a file: named, defined, no sections and no file names. */
export class SymbolTable {
  private readonly names: string[] = [];
  private readonly addresses: BigUint64Array;
  private readonly sizes: BigUint64Array;
  private readonly kinds: SymbolKind[] = [];
  /** Bit 0 global, bit 1 absolute. */
  private readonly flags: Uint8Array;
  /** The last symbol of a name, and from each symbol the one of the same name before it. */
  private readonly lastOfName = new Map<string, number>();
  private readonly previousOfName: Int32Array;
  private byAddress: AddressOrder | undefined;

  /** Reads `.symtab`, or `.dynsym` where that was stripped. Throws a UserError if the table is damaged. */
  constructor(private readonly elf: ElfFile) {
    const { entries, strings } = tableOf(elf);
    const entrySize = elf.bits === 64 ? 24 : 16;
    const count = Math.floor(entries.length / entrySize);
    this.addresses = new BigUint64Array(count);
    this.sizes = new BigUint64Array(count);
    this.flags = new Uint8Array(count);
    this.previousOfName = new Int32Array(count);
    const plain = isAscii(strings);
    const reader = new ByteReader(entries, 'The symbol table');
    let nameBytes = 0;
    for (let entry = 0; entry < count && nameBytes < MAX_NAMES; entry += 1) {
      reader.position = entry * entrySize;
      const nameOffset = reader.u32();
      if (elf.bits === 32) reader.position += 8;
      const info = reader.u8();
      reader.position += 1;
      const section = reader.u16();
      const kind = KINDS[info & 15];
      const end = strings.indexOf('\0', nameOffset);
      if (!kind || section === SHN_UNDEF || end <= nameOffset) continue;
      nameBytes += end - nameOffset;
      if (end - nameOffset > MAX_NAME) continue;
      if (elf.bits === 32) reader.position = entry * entrySize + 4;
      const raw = strings.slice(nameOffset, end);
      const name = plain ? raw : decodeUtf8Characters(raw);
      const index = this.names.push(name) - 1;
      this.kinds.push(kind);
      const start = elf.isObject && section !== SHN_ABS ? (elf.sections[section]?.address ?? 0n) : 0n;
      this.addresses[index] = reader.unsigned(elf.bits / 8) + start;
      this.sizes[index] = reader.unsigned(elf.bits / 8);
      this.flags[index] = (info >> 4 ? 1 : 0) | (section === SHN_ABS ? 2 : 0);
      this.previousOfName[index] = this.lastOfName.get(name) ?? -1;
      this.lastOfName.set(name, index);
    }
  }

  /** How many symbols there are. */
  get size(): number {
    return this.names.length;
  }

  /** All symbols of a name, in the file's order: static functions may share one. */
  named(name: string): SymbolInfo[] {
    const found: SymbolInfo[] = [];
    for (let index = this.lastOfName.get(name) ?? -1; index >= 0; index = this.previousOfName[index]!) {
      found.push(this.info(index));
    }
    return found.reverse();
  }

  /** The first `limit` names, in alphabetical order, that begin with `prefix`. */
  namesFrom(prefix: string, limit: number): string[] {
    return [...this.lastOfName.keys()]
      .filter((name) => name.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }

  /** At most `limit` symbols, in the file's order, that `matches` accepts. */
  matching(matches: (symbol: SymbolInfo) => boolean, limit: number): SymbolInfo[] {
    const found: SymbolInfo[] = [];
    for (let index = 0; index < this.size && found.length < limit; index += 1) {
      const symbol = this.info(index);
      if (matches(symbol)) found.push(symbol);
    }
    return found;
  }

  /**
   * The symbol that covers a link address: the innermost that has a size, else a label without one, which reaches to the
   * next symbol or to the end of its section. Of several the function wins, then the global one.
   */
  at(address: bigint): { readonly symbol: SymbolInfo; readonly offset: bigint } | undefined {
    this.byAddress ??= addressOrder(this.addresses.subarray(0, this.size), this.sizes, (index) => this.rank(index));
    const { order, starts, reach } = this.byAddress;
    const last = lastAtOrBelow(starts, address);
    const found = (index: number) => ({ symbol: this.info(index), offset: address - this.addresses[index]! });
    let sized: number | undefined;
    for (let at = last; at >= 0 && reach[at]! > address; at -= 1) {
      const index = order[at]!;
      if (sized !== undefined && this.addresses[index] !== this.addresses[sized]) break;
      if (this.addresses[index]! + this.sizes[index]! > address) sized = index;
    }
    if (sized !== undefined) return found(sized);
    let label: number | undefined;
    for (let at = last; at >= 0 && starts[at] === starts[last]; at -= 1) {
      if (this.sizes[order[at]!] === 0n) label = order[at];
    }
    return label !== undefined && this.inOneSection(this.addresses[label]!, address) ? found(label) : undefined;
  }

  private info(index: number): SymbolInfo {
    return {
      name: this.names[index]!,
      address: this.addresses[index]!,
      size: this.sizes[index]!,
      kind: this.kinds[index]!,
      isGlobal: (this.flags[index]! & 1) !== 0,
      isAbsolute: (this.flags[index]! & 2) !== 0,
    };
  }

  /** The order among symbols of one address; undefined for one that stands for no address. */
  private rank(index: number): number | undefined {
    const flags = this.flags[index]!;
    return flags & 2 ? undefined : KIND_ORDER[this.kinds[index]!] * 2 + (flags & 1 ? 0 : 1);
  }

  private inOneSection(start: bigint, address: bigint): boolean {
    const contains = (section: ElfSection): boolean =>
      start >= section.address && address < section.address + BigInt(section.size);
    const loaded = this.elf.sections.filter(({ flags }) => flags & SHF_ALLOC);
    return loaded.length === 0 || loaded.some(contains);
  }
}

/** Symbols by address: their indices, their addresses, and the furthest end among each and those before it. */
interface AddressOrder {
  readonly order: Uint32Array;
  readonly starts: BigUint64Array;
  readonly reach: BigUint64Array;
}

function addressOrder(
  addresses: BigUint64Array,
  sizes: BigUint64Array,
  rank: (index: number) => number | undefined,
): AddressOrder {
  const ranks = Uint8Array.from(addresses, (_, index) => rank(index) ?? 0xff);
  // Kernels lie in the highest 2 GiB, where a double is 2048 bytes coarse: addresses are compared in halves instead.
  const high = Uint32Array.from(addresses, (address) => Number(address >> 32n));
  const low = Uint32Array.from(addresses, (address) => Number(address & 0xffff_ffffn));
  const order = Uint32Array.from(addresses, (_, index) => index)
    .filter((index) => ranks[index] !== 0xff)
    .sort((a, b) => high[a]! - high[b]! || low[a]! - low[b]! || ranks[a]! - ranks[b]! || a - b);
  const starts = new BigUint64Array(order.length);
  const reach = new BigUint64Array(order.length);
  let furthest = 0n;
  order.forEach((index, at) => {
    starts[at] = addresses[index]!;
    const end = addresses[index]! + sizes[index]!;
    if (end > furthest) furthest = end > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : end;
    reach[at] = furthest;
  });
  return { order, starts, reach };
}

function tableOf(elf: ElfFile): { entries: Uint8Array; strings: string } {
  const table =
    elf.sections.find(({ type }) => type === SHT_SYMTAB) ?? elf.sections.find(({ type }) => type === SHT_DYNSYM);
  const names = table && elf.sections[table.link];
  const entries = table && elf.contents(table);
  const strings = names && elf.contents(names);
  if (!entries || !strings) return { entries: new Uint8Array(0), strings: '' };
  if (entries.size > MAX_TABLE || strings.size > MAX_TABLE) throw damaged('The symbol table', 'it is too big');
  return { entries: entries.read(0, entries.size), strings: decodeLatin1(strings.read(0, strings.size)) };
}
