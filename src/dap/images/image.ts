/** A program in the guest that symbols are known of: its symbol file, and how far from its link address it lies. */
import { basename, parse } from 'node:path';
import { UserError } from '../../common/errors';
import { ElfFile } from '../../symbols/elf/elf-file';
import { isBzImage } from '../../symbols/kernel/bzimage';
import { openKernelImage } from '../../symbols/kernel/kernel-symbol-file';
import { orcOfElf, type OrcTable } from '../../symbols/kernel/orc';
import { openSymbolFile, type SymbolFile, type SymbolInfo } from '../../symbols/symbol-file';
import type { FunctionScope } from '../../symbols/types/place';
import { noKallsyms } from '../errors';
import { FileBytes, inflate } from './file-bytes';
import { keepIndex, restoreIndex } from './index-cache';

/** A line of a source file, as the program's debug information names it. */
export interface ImageLine {
  readonly image: Image;
  /** The path in the debug information. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** A statement begins at `start`: a place to stop at. */
  readonly isStatement: boolean;
  /** Linear addresses of the code that belongs to it. */
  readonly start: bigint;
  readonly end: bigint;
}

/** One program. */
export class Image {
  readonly name: string;
  /** Its number in the session, from 1. */
  id = 0;
  /** Linear address minus link address; undefined until the program is found in memory. */
  slide: bigint | undefined;
  readonly symbols: SymbolFile;
  private readonly bytes: FileBytes;
  private readonly hasKeptIndex: boolean;
  private unwindData: { readonly orc: OrcTable | undefined } | undefined;

  /** Opens an ELF file with symbols, or a Linux kernel with those that it carries for itself. Throws UserErrors. */
  constructor(readonly path: string) {
    this.name = basename(path);
    this.bytes = new FileBytes('symbol', path);
    try {
      this.symbols = openSymbols(this.bytes);
    } catch (error) {
      this.bytes.close();
      throw error;
    }
    this.hasKeptIndex = restoreIndex(this.symbols);
  }

  close(): void {
    if (!this.hasKeptIndex) keepIndex(this.symbols);
    this.bytes.close();
  }

  /** Whether `name` means this program: its file's name, or that without its ending. */
  isNamed(name: string): boolean {
    return name === this.name || name === parse(this.name).name;
  }

  /** The kernel's unwind data, at link addresses; undefined if it has none. */
  get orc(): OrcTable | undefined {
    return (this.unwindData ??= { orc: this.readOrc() }).orc;
  }

  /** Where a link address lies in the guest; undefined until the program is found. */
  linear(link: bigint): bigint | undefined {
    return this.slide === undefined ? undefined : BigInt.asUintN(64, link + this.slide);
  }

  /** The link address of a linear one; undefined until the program is found, and outside of its segments. */
  link(linear: bigint): bigint | undefined {
    if (this.slide === undefined) return undefined;
    const link = BigInt.asUintN(64, linear - this.slide);
    return this.symbols.segments.some(({ start, end }) => link >= start && link < end) ? link : undefined;
  }

  /** The symbol that a linear address lies in, and how far. */
  symbolAt(linear: bigint): { symbol: SymbolInfo; offset: bigint } | undefined {
    const link = this.link(linear);
    return link === undefined ? undefined : this.symbols.symbolAt(link);
  }

  lineAt(linear: bigint): ImageLine | undefined {
    const link = this.link(linear);
    const row = link === undefined ? undefined : this.symbols.lineAt(link);
    if (!row || row.line === 0) return undefined;
    const { file, line, column, isStatement, start, end } = row;
    return { image: this, file, line, column, isStatement, start: this.linear(start)!, end: this.linear(end)! };
  }

  /** The functions that the instruction at a linear address belongs to, the innermost inlined one first. */
  scopesAt(linear: bigint): readonly FunctionScope[] {
    const link = this.link(linear);
    if (link === undefined || !this.symbols.scopesAt) return [];
    try {
      return this.symbols.scopesAt(link, this.slide);
    } catch (error) {
      // Damaged debug information: symbols and lines are there still.
      if (error instanceof UserError) return [];
      throw error;
    }
  }

  private readOrc(): OrcTable | undefined {
    try {
      return orcOfElf('elf' in this.symbols ? (this.symbols.elf as ElfFile) : new ElfFile(this.bytes, inflate));
    } catch (error) {
      // Damaged: there are other ways to unwind.
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }
}

function openSymbols(bytes: FileBytes): SymbolFile {
  if (!isBzImage(bytes)) {
    const file = openSymbolFile(bytes, { inflate });
    return file.symbols > 0 ? file : (openKernelImage(bytes, { inflate }) ?? file);
  }
  const kernel = openKernelImage(bytes, { inflate });
  if (!kernel) throw noKallsyms();
  return kernel;
}
