/** Opens the file of a program: an ELF file with symbols, or a Linux kernel with those that it carries for itself. */
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { UserError } from '../../common/errors';
import { unlessDamaged } from '../../symbols/byte-reader';
import { ElfFile } from '../../symbols/elf/elf-file';
import { btfOfElf } from '../../symbols/kernel/btf';
import { isBzImage } from '../../symbols/kernel/bzimage';
import { openKernelImage } from '../../symbols/kernel/kernel-symbol-file';
import { orcOfElf } from '../../symbols/kernel/orc';
import { openSymbolFile, type SectionAddresses, type SymbolFile } from '../../symbols/symbol-file';
import { noKallsyms, notLinked } from '../errors';
import { FileBytes, inflate } from './file-bytes';
import { Image } from './image';
import { keepIndex, restoreIndex } from './index-cache';

/** A module's file that is open. */
export interface OpenedModule {
  readonly symbols: SymbolFile;
  close(): void;
}

/** Opens a program's file. Throws UserErrors. */
export function openImage(path: string): Image {
  const bytes = new FileBytes('symbol', path);
  try {
    const { symbols, elf } = openSymbols(bytes);
    if (elf.isObject) throw notLinked(path);
    const hasKeptIndex = restoreIndex(symbols);
    return new Image({
      name: basename(path),
      path,
      symbols,
      orc: () => orcOfElf(elf),
      btf: () => btfOfElf(elf),
      close: () => {
        if (!hasKeptIndex) keepIndex(symbols);
        bytes.close();
      },
    });
  } catch (error) {
    bytes.close();
    throw error;
  }
}

/** Whether a file is one that was not linked, such as a kernel module. */
export function isObjectFile(path: string): boolean {
  const bytes = new FileBytes('symbol', path);
  try {
    return unlessDamaged(() => new ElfFile(bytes, inflate).isObject) ?? false;
  } finally {
    bytes.close();
  }
}

/** A module's own file, whose sections lie at these linear addresses; undefined if it has no lines. Throws UserErrors. */
export function openModuleFile(path: string, sectionAddresses: SectionAddresses): OpenedModule | undefined {
  const bytes = new FileBytes('symbol', path);
  const symbols = unlessDamaged(() => openSymbolFile(bytes, { inflate, sectionAddresses }));
  if (symbols?.hasLines) return { symbols, close: () => bytes.close() };
  bytes.close();
  return undefined;
}

/** The same as `openImage`; undefined where there is no such file, or none with symbols. */
export function openImageIfAny(path: string): Image | undefined {
  try {
    return openImage(path);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function openSymbols(bytes: FileBytes): { readonly symbols: SymbolFile; readonly elf: ElfFile } {
  const isPacked = isBzImage(bytes);
  if (!isPacked) {
    const symbols = openSymbolFile(bytes, { inflate });
    if (symbols.symbols > 0) return { symbols, elf: new ElfFile(bytes, inflate) };
  }
  const gzip = (packed: Uint8Array, size: number): Uint8Array => gunzipSync(packed, { maxOutputLength: size });
  const kernel = openKernelImage(bytes, { inflate, gzip });
  if (kernel) return { symbols: kernel, elf: kernel.elf };
  if (isPacked) throw noKallsyms();
  return { symbols: openSymbolFile(bytes, { inflate }), elf: new ElfFile(bytes, inflate) };
}
