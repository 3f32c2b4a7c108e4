/**
 * A kernel's symbol file as a debugger uses it: symbols, lines, initial contents, types, variables, unwinding. Sources: the
 * generic ABI for ELF, DWARF versions 2 to 5. Addresses are link addresses, without the slide of a kernel that was loaded
 * elsewhere, unless a sentence says linear. NOT IMPLEMENTED: split DWARF (`.dwo`), supplementary files.
 */
import type { RandomAccessBytes } from './bytes';
import { CallFrames } from './dwarf/call-frames';
import type { LineInfo, LineLocations } from './dwarf/line-index';
import { LineIndex } from './dwarf/line-index';
import { Scopes } from './dwarf/scopes';
import { DwarfSections } from './dwarf/sections';
import { DwarfTypeSource } from './dwarf/type-source';
import { Variables } from './dwarf/variables';
import { buildIdOf } from './elf/build-id';
import type { DebugLink } from './elf/debug-link';
import { debugLinkOf } from './elf/debug-link';
import type { Inflate } from './elf/elf-file';
import { ElfFile, SHF_ALLOC } from './elf/elf-file';
import type { SectionAddresses } from './elf/object-layout';
import type { SymbolInfo } from './elf/symbol-table';
import { SymbolTable } from './elf/symbol-table';
import type { Expression } from './expression/ast';
import type { FunctionScope } from './types/place';
import type { TypeSource } from './types/type';

export type { RandomAccessBytes } from './bytes';
export { memoryBytes } from './bytes';
export type { LineInfo, LineLocations } from './dwarf/line-index';
export type { DebugLink } from './elf/debug-link';
export type { Inflate } from './elf/elf-file';
export type { SectionAddresses } from './elf/object-layout';
export type { SymbolInfo, SymbolKind } from './elf/symbol-table';
export { ON_ENTRY } from './dwarf/entry-values';

/** A part of the image that is loaded: link addresses [start, end). */
export interface Segment {
  readonly start: bigint;
  readonly end: bigint;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags: number;
}

/** A section that is loaded. */
export interface Section {
  readonly name: string;
  /** Link address. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** A symbol and the distance from its address, bytes. */
export interface SymbolPlace {
  readonly symbol: SymbolInfo;
  readonly offset: bigint;
}

/**
 * An opened symbol file. What it tells is read when it is first asked for, so that a method may take a second the first
 * time; a damaged part throws a UserError or counts as missing.
 */
export interface SymbolFile {
  /** Lower-case hexadecimal digits; undefined if the linker wrote none. */
  readonly buildId: string | undefined;
  readonly machine: 'x86' | 'x86-64';
  readonly bits: 32 | 64;
  /** Link address of the first instruction. */
  readonly entry: bigint;
  /** ET_DYN: linked to be loaded anywhere. */
  readonly isRelocatable: boolean;
  /** The PT_LOAD segments by address. */
  readonly segments: readonly Segment[];
  /** How many symbols there are. */
  readonly symbols: number;
  /** Whether there are line tables that can be read. */
  readonly hasLines: boolean;
  /** The loaded sections in the file's order. */
  sections(): Section[];
  /** What the image holds at a link address before it runs: zeros where the file has no bytes, none outside of it. */
  readInitial(address: bigint, length: number): Uint8Array;
  /** All symbols of that name: several `static` ones can share it. */
  symbolsByName(name: string): SymbolInfo[];
  /** The symbol that covers a link address; a label without a size reaches to the next symbol. */
  symbolAt(address: bigint): SymbolPlace | undefined;
  /** The first `limit` names that begin with `prefix`, in the order of their characters. */
  symbolNames(prefix: string, limit: number): string[];
  /** At most `limit` symbols whose name matches, or that the function accepts. */
  symbolsMatching(matches: RegExp | ((symbol: SymbolInfo) => boolean), limit: number): SymbolInfo[];
  /** The source line of the instruction at a link address. */
  lineAt(address: bigint): LineInfo | undefined;
  /** Paths of the source files: normalised, absolute unless the compiler was told otherwise. */
  sourceFiles(): readonly string[];
  /** The source file with this path, else those whose path shares the most last parts with it; the name at least. */
  findFile(path: string): string[];
  /** The lines with code of one of `sourceFiles()`, rising. */
  linesOf(file: string): readonly number[];
  /** Where a breakpoint on a line of one of `sourceFiles()` goes, moved forward to a line with code; undefined: nowhere. */
  locationsOfLine(file: string, line: number): LineLocations | undefined;
  /** Where the function at a link address has set up its frame; its own address if the line table does not tell. */
  afterPrologue(functionAddress: bigint): bigint;
  /** What was met that is damaged and left out, a sentence each; grows as more is read. */
  readonly damages?: ReadonlySet<string> | undefined;
  /** The file that has this one's debug information, where that was split off. */
  readonly debugLink?: DebugLink | undefined;
  /** Undefined if the file tells no types. */
  readonly types?: TypeSource | undefined;
  /** What makes the look-up of types by name quick; undefined if there is nothing to keep. */
  readonly typeIndex?: TypeIndex | undefined;
  /** Undefined if the file tells not how to unwind. */
  readonly callFrames?: CallFrames | undefined;
  /**
   * The functions at a link address (for a frame that called: the one before its return address), the innermost inlined one
   * first, the one that has the frame last; empty where nothing is told. Addresses in their variables' places are linear:
   * `slide` bytes above link addresses. Throws UserErrors.
   */
  scopesAt?(address: bigint, slide?: bigint): FunctionScope[];
  /**
   * What a register held when `callee` (a `FunctionScope`'s name) was called with this return address (a link address), over
   * the registers of the frame that called; undefined if nothing tells. For variables `ON_ENTRY` in places.
   * `calleeEntry` is the link address of its first instruction: without it calls through pointers are not told.
   */
  valueOnEntry?(
    returnAddress: bigint,
    register: string,
    callee: string,
    slide?: bigint,
    calleeEntry?: bigint,
  ): Expression | undefined;
}

/** An index that is kept outside of the file; what it is made from takes a second to read. */
export interface TypeIndex {
  /** The index as bytes; undefined as long as nobody has looked a type up. */
  serialise(): Uint8Array | undefined;
  /** Takes an index that was kept; false, and nothing changes, if it is none of this file. */
  restore(bytes: Uint8Array): boolean;
}

/** How a symbol file is opened. */
export interface SymbolFileOptions {
  /** Unpacks zlib data of compressed sections, which count as missing without it. */
  readonly inflate?: Inflate | undefined;
  /** The file with the debug information and the symbols, where they were split off: it has the same build id. */
  readonly debug?: RandomAccessBytes | undefined;
  /** Where the guest has loaded the sections of an object file, such as a kernel module: linear addresses by name. */
  readonly sectionAddresses?: SectionAddresses | undefined;
}

/**
 * Opens a symbol file; only its headers are read at once. An object file's link addresses are those that it was loaded at, or
 * made up. Throws a UserError if this is not an ELF file for x86, or a damaged one.
 */
export function openSymbolFile(bytes: RandomAccessBytes, options: SymbolFileOptions = {}): SymbolFile {
  const { inflate, debug, sectionAddresses } = options;
  const elf = new ElfFile(bytes, inflate, sectionAddresses);
  return new ElfSymbolFile(elf, debug ? new ElfFile(debug, inflate, sectionAddresses) : elf);
}

class ElfSymbolFile implements SymbolFile {
  readonly buildId: string | undefined;
  readonly segments: readonly Segment[];
  readonly hasLines: boolean;
  readonly debugLink: DebugLink | undefined;
  private readonly dwarf: DwarfSections;
  private symbolTable: SymbolTable | undefined;
  private lineIndex: LineIndex | undefined;
  private typeSource: DwarfTypeSource | undefined;
  private frames: CallFrames | undefined;
  private scopes: Scopes | undefined;

  /** `debug` has the debug information and the symbols: the same file, or the one that was split from it. */
  constructor(
    private readonly elf: ElfFile,
    private readonly debug: ElfFile,
  ) {
    this.buildId = buildIdOf(elf);
    this.debugLink = debugLinkOf(elf);
    this.segments = elf.segments.map(({ start, end, flags }) => ({ start, end, flags }));
    this.dwarf = new DwarfSections(debug);
    this.hasLines = this.dwarf.contents('.debug_line').size > 0;
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

  get symbols(): number {
    return this.table.size;
  }

  sections(): Section[] {
    return this.elf.sections
      .filter(({ flags }) => flags & SHF_ALLOC)
      .map(({ name, address, size }) => ({ name, address, size: BigInt(size) }));
  }

  readInitial(address: bigint, length: number): Uint8Array {
    const segment = this.elf.segments.find(({ start, end }) => start <= address && address < end);
    if (!segment || length <= 0) return new Uint8Array(0);
    const offset = Number(address - segment.start);
    const inMemory = Number(segment.end - address);
    const initial = new Uint8Array(Math.min(length, inMemory));
    if (offset < segment.fileSize) {
      initial.set(this.elf.bytes.read(segment.offset + offset, Math.min(initial.length, segment.fileSize - offset)));
    }
    return initial;
  }

  symbolsByName(name: string): SymbolInfo[] {
    return this.table.named(name);
  }

  symbolAt(address: bigint): SymbolPlace | undefined {
    return this.table.at(address);
  }

  symbolNames(prefix: string, limit: number): string[] {
    return this.table.namesFrom(prefix, limit);
  }

  symbolsMatching(matches: RegExp | ((symbol: SymbolInfo) => boolean), limit: number): SymbolInfo[] {
    if (typeof matches === 'function') return this.table.matching(matches, limit);
    // `search` does not depend on where a global expression stopped last.
    return this.table.matching(({ name }) => name.search(matches) >= 0, limit);
  }

  lineAt(address: bigint): LineInfo | undefined {
    return this.lines.lineAt(address);
  }

  get damages(): ReadonlySet<string> {
    return this.dwarf.damages;
  }

  sourceFiles(): readonly string[] {
    return this.lines.sourceFiles;
  }

  findFile(path: string): string[] {
    return this.lines.findFile(path);
  }

  linesOf(file: string): readonly number[] {
    return this.lines.linesOf(file);
  }

  locationsOfLine(file: string, line: number): LineLocations | undefined {
    return this.lines.locationsOfLine(file, line);
  }

  afterPrologue(functionAddress: bigint): bigint {
    const symbol = this.table.at(functionAddress)?.symbol;
    if (symbol?.address !== functionAddress || symbol.size === 0n) return functionAddress;
    return this.lines.afterPrologue(functionAddress, functionAddress + symbol.size);
  }

  get types(): DwarfTypeSource | undefined {
    if (this.dwarf.entries.size === 0) return undefined;
    this.typeSource ??= new DwarfTypeSource(this.dwarf);
    return this.typeSource;
  }

  get typeIndex(): TypeIndex | undefined {
    const { types } = this;
    return types && { serialise: () => types.serialiseIndex(), restore: (bytes) => types.restoreIndex(bytes) };
  }

  get callFrames(): CallFrames | undefined {
    this.frames ??= new CallFrames(this.dwarf);
    return this.frames.isEmpty ? undefined : this.frames;
  }

  scopesAt(address: bigint, slide = 0n): FunctionScope[] {
    return this.allScopes?.at(address, slide) ?? [];
  }

  valueOnEntry(
    returnAddress: bigint,
    register: string,
    callee: string,
    slide = 0n,
    calleeEntry?: bigint,
  ): Expression | undefined {
    return this.allScopes?.valueOnEntry(returnAddress, register, callee, slide, calleeEntry);
  }

  private get allScopes(): Scopes | undefined {
    const { types } = this;
    if (!this.scopes && types) {
      const path = (lineTable: number | undefined, file: number) => this.lines.pathOf(lineTable, file);
      this.frames ??= new CallFrames(this.dwarf);
      this.scopes = new Scopes(types, new Variables(types, this.frames, path), path);
    }
    return this.scopes;
  }

  private get table(): SymbolTable {
    this.symbolTable ??= new SymbolTable(this.debug);
    return this.symbolTable;
  }

  private get lines(): LineIndex {
    this.lineIndex ??= new LineIndex(this.dwarf, () => this.table);
    return this.lineIndex;
  }
}
