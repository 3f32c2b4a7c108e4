/**
 * A stock Linux kernel as a symbol file: the image out of a bzImage, with the symbols of its own kallsyms. NOT IMPLEMENTED:
 * lines, which only debug information has.
 */
import type { RandomAccessBytes } from '../bytes';
import { memoryBytes, partOf } from '../bytes';
import { buildIdOf } from '../elf/build-id';
import { ElfFile, SHF_ALLOC } from '../elf/elf-file';
import type { Inflate, Section, SymbolFile } from '../symbol-file';
import { type Btf, btfOfElf } from './btf';
import { isBzImage, unpackKernel, type Unpackers } from './bzimage';
import { findKallsyms, type Kallsyms } from './kallsyms';
import { KallsymsFile } from './kallsyms-file';

/** Bytes of a segment are searched as a whole; no kernel's are more. */
const MAX_SEGMENT = 0x2000_0000;

/** A symbol file with what only kernels have. */
export interface KernelSymbolFile extends SymbolFile {
  readonly kallsyms: Kallsyms;
  /** The unpacked vmlinux, for its other sections: `.orc_unwind`. */
  readonly elf: ElfFile;
  /** The kernel's own types, read when first asked for; undefined if it has none. Throws the `damaged` UserError. */
  readonly types: Btf | undefined;
}

/**
 * Opens a bzImage, or a vmlinux without a symbol table, with the symbols that it carries for itself; unpacking takes some
 * tenths of a second. Undefined if it is neither or holds no kallsyms. Throws UserErrors: damaged, an unknown packer.
 */
export function openKernelImage(
  bytes: RandomAccessBytes,
  options: { readonly inflate?: Inflate } & Unpackers = {},
): KernelSymbolFile | undefined {
  const isPacked = isBzImage(bytes);
  if (!isPacked && !isElf(bytes)) return undefined;
  const elf = new ElfFile(isPacked ? memoryBytes(unpackKernel(bytes, options)) : bytes, options.inflate);
  const kallsyms = kallsymsOf(elf);
  return kallsyms && kernelSymbolFile(elf, kallsyms);
}

/** The kallsyms in a vmlinux, at link addresses; undefined if there is none. */
export function kallsymsOf(elf: ElfFile): Kallsyms | undefined {
  for (const { start, offset, fileSize } of elf.segments) {
    const contents = partOf(elf.bytes, offset, Math.min(fileSize, MAX_SEGMENT));
    const found = findKallsyms({ bytes: contents.read(0, contents.size), base: start });
    if (found) return found;
  }
  return undefined;
}

/** A vmlinux with the symbols of its kallsyms; both at link addresses. */
export function kernelSymbolFile(elf: ElfFile, kallsyms: Kallsyms): KernelSymbolFile {
  return new KernelImage(elf, kallsyms);
}

function isElf(bytes: RandomAccessBytes): boolean {
  const [first, ...letters] = bytes.read(0, 4);
  return first === 0x7f && String.fromCharCode(...letters) === 'ELF';
}

class KernelImage extends KallsymsFile implements KernelSymbolFile {
  readonly buildId: string | undefined;
  private readonly loaded: ElfFile['segments'];
  private typesRead: { readonly btf: Btf | undefined } | undefined;

  constructor(
    readonly elf: ElfFile,
    kallsyms: Kallsyms,
  ) {
    // Per-CPU data are linked at 0, where nothing lies: those addresses are offsets.
    const loaded = elf.segments.filter(({ start }) => start !== 0n);
    super(
      kallsyms,
      loaded.map(({ start, end, flags }) => ({ start, end, flags })),
    );
    this.loaded = loaded;
    this.buildId = buildIdOf(elf);
  }

  get machine(): 'x86' | 'x86-64' {
    return this.elf.machine;
  }

  get bits(): 32 | 64 {
    return this.elf.bits;
  }

  get entry(): bigint {
    return this.elf.entry;
  }

  get isRelocatable(): boolean {
    return this.elf.isRelocatable;
  }

  get types(): Btf | undefined {
    return (this.typesRead ??= { btf: btfOfElf(this.elf) }).btf;
  }

  sections(): Section[] {
    return this.elf.sections
      .filter(({ flags }) => flags & SHF_ALLOC)
      .map(({ name, address, size }) => ({ name, address, size: BigInt(size) }));
  }

  readInitial(address: bigint, length: number): Uint8Array {
    const segment = this.loaded.find(({ start, end }) => start <= address && address < end);
    if (!segment || length <= 0) return new Uint8Array(0);
    const offset = Number(address - segment.start);
    const initial = new Uint8Array(Math.min(length, Number(segment.end - address)));
    const present = Math.min(initial.length, segment.fileSize - offset);
    if (present > 0) initial.set(this.elf.bytes.read(segment.offset + offset, present));
    return initial;
  }
}
