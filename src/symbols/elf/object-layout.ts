/**
 * Addresses for the sections of an object file (ET_REL), such as a kernel module: where the guest has put them, or one after
 * the other as they come. Source: gABI chapter 4, "Sections": sh_addralign, SHF_ALLOC.
 */
import type { ElfSection, ElfSegment } from './elf-file';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS } from './elf-file';

/** Link addresses of sections by name, where the guest has loaded them. */
export type SectionAddresses = ReadonlyMap<string, bigint>;

const SHF_WRITE = 1;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** Address 0 stands for nothing. */
const FIRST = 0x1000n;

/** The sections with addresses. One that the map does not name lies behind the others, as if the file were loaded whole. */
export function placeSections(
  sections: readonly (ElfSection & { readonly alignment: number })[],
  addresses: SectionAddresses,
): ElfSection[] {
  let next = FIRST;
  for (const address of addresses.values()) if (address >= next) next = (address | 0xf_ffffn) + 1n;
  return sections.map(({ alignment, ...section }) => {
    if (!(section.flags & SHF_ALLOC)) return section;
    const given = addresses.get(section.name);
    if (given !== undefined) return { ...section, address: given };
    const to = BigInt(Math.max(1, alignment));
    const address = ((next + to - 1n) / to) * to;
    next = address + BigInt(section.size);
    return { ...section, address: BigInt.asUintN(64, address) };
  });
}

/** What a linker would make of loaded sections: a segment each. */
export function segmentsOf(sections: readonly ElfSection[]): ElfSegment[] {
  return sections
    .filter(({ flags, size }) => flags & SHF_ALLOC && size > 0)
    .map(({ address, size, flags, type, offset }) => ({
      start: address,
      end: address + BigInt(size),
      flags: PF_R | (flags & SHF_WRITE ? PF_W : 0) | (flags & SHF_EXECINSTR ? PF_X : 0),
      offset,
      fileSize: type === SHT_NOBITS ? 0 : size,
    }));
}
