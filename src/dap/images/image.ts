/** A program in the guest that symbols are known of: its symbol file, and how far from its link address it lies. */
import { parse } from 'node:path';
import { unlessDamaged } from '../../symbols/byte-reader';
import type { Btf } from '../../symbols/kernel/btf';
import type { OrcTable } from '../../symbols/kernel/orc';
import type { SymbolFile, SymbolInfo } from '../../symbols/symbol-file';
import type { FunctionScope } from '../../symbols/types/place';

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

/** A damaged file can be so in many ways; a few say enough. */
const MOST_DAMAGES = 5;

/** What an image is made of. */
export interface ImageParts {
  readonly name: string;
  /** Of its file, or of the file of the program that loaded it. */
  readonly path: string;
  readonly symbols: SymbolFile;
  /** Linear addresses of what is there of a module's file, parts of which the guest has not loaded or given back. */
  readonly loaded?: readonly { readonly start: bigint; readonly end: bigint }[] | undefined;
  /** Its unwind data, at link addresses. Throws the `damaged` UserError. */
  orc(): OrcTable | undefined;
  /** The types that a Linux kernel carries for itself. Throws the `damaged` UserError. */
  btf(): Btf | undefined;
  close(): void;
}

/** One program. */
export class Image {
  readonly name: string;
  readonly path: string;
  readonly symbols: SymbolFile;
  /** Its number in the session, from 1. */
  id = 0;
  /** Linear address minus link address; undefined until the program is found in memory. */
  slide: bigint | undefined;
  /** Sentences, and whether they were told. */
  private readonly damages = new Map<string, boolean>();
  private unwindData: { readonly orc: OrcTable | undefined } | undefined;
  private kernelTypes: { readonly btf: Btf | undefined } | undefined;

  constructor(private readonly parts: ImageParts) {
    this.name = parts.name;
    this.path = parts.path;
    this.symbols = parts.symbols;
  }

  close(): void {
    this.parts.close();
  }

  /** What is damaged in the file, as far as it was met and not taken yet. */
  takeRemarks(): readonly string[] {
    this.symbols.damages?.forEach((damage) => this.remark(damage));
    const fresh = [...this.damages].filter(([, isTold]) => !isTold).map(([damage]) => damage);
    for (const damage of fresh) this.damages.set(damage, true);
    return fresh.map((damage) => `${this.name}: ${damage}`);
  }

  /** What the file tells; undefined where it is damaged, which is remembered: the rest of it is there still. */
  attempt<T>(read: () => T): T | undefined {
    return unlessDamaged(read, (message) => this.remark(message));
  }

  /** Whether `name` means this program: its file's name, or that without its ending. */
  isNamed(name: string): boolean {
    return name === this.name || name === parse(this.name).name;
  }

  /** The kernel's unwind data, at link addresses; undefined if it has none, or damaged ones: there are other ways. */
  get orc(): OrcTable | undefined {
    return (this.unwindData ??= { orc: this.attempt(() => this.parts.orc()) }).orc;
  }

  /** The types that a Linux kernel or its module carries for itself; undefined if it has none, or damaged ones. */
  get btf(): Btf | undefined {
    return (this.kernelTypes ??= { btf: this.attempt(() => this.parts.btf()) }).btf;
  }

  /** Where a link address lies in the guest; undefined until the program is found, and for what is not loaded. */
  linear(link: bigint): bigint | undefined {
    if (this.slide === undefined) return undefined;
    const linear = this.shifted(link);
    return this.isLoaded(linear) ? linear : undefined;
  }

  /** The link address of a linear one; undefined until the program is found, and outside of its segments. */
  link(linear: bigint): bigint | undefined {
    if (this.slide === undefined || !this.isLoaded(linear)) return undefined;
    const link = BigInt.asUintN(64, linear - this.slide);
    return this.symbols.segments.some(({ start, end }) => link >= start && link < end) ? link : undefined;
  }

  /** The symbol that a linear address lies in, and how far. */
  symbolAt(linear: bigint): { symbol: SymbolInfo; offset: bigint } | undefined {
    const link = this.link(linear);
    return link === undefined ? undefined : this.attempt(() => this.symbols.symbolAt(link));
  }

  lineAt(linear: bigint): ImageLine | undefined {
    const link = this.link(linear);
    const row = link === undefined ? undefined : this.attempt(() => this.symbols.lineAt(link));
    if (!row || row.line === 0) return undefined;
    const { file, line, column, isStatement, start, end } = row;
    return { image: this, file, line, column, isStatement, start: this.shifted(start), end: this.shifted(end) };
  }

  /** The functions that the instruction at a linear address belongs to, the innermost inlined one first. */
  scopesAt(linear: bigint): readonly FunctionScope[] {
    const link = this.link(linear);
    if (link === undefined) return [];
    return this.attempt(() => this.symbols.scopesAt?.(link, this.slide)) ?? [];
  }

  private shifted(link: bigint): bigint {
    return BigInt.asUintN(64, link + this.slide!);
  }

  private isLoaded(linear: bigint): boolean {
    return this.parts.loaded?.some(({ start, end }) => linear >= start && linear < end) ?? true;
  }

  /** Keeps a sentence for the user, told once. */
  remark(damage: string): void {
    if (this.damages.size < MOST_DAMAGES && !this.damages.has(damage)) this.damages.set(damage, false);
  }
}
