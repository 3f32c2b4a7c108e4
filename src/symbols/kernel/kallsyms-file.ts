/**
 * The part of a symbol file that kallsyms can tell, for kernels and for modules: symbols. NOT IMPLEMENTED: lines, which only
 * debug information has.
 */
import type { Segment, SymbolInfo, SymbolPlace } from '../symbol-file';
import type { Kallsyms } from './kallsyms';
import { KernelSymbols } from './kernel-symbols';

/** Answers for symbols, and that there are no lines. */
export class KallsymsFile {
  readonly hasLines = false;
  private indexed: KernelSymbols | undefined;

  /** `segments` are the parts of the image, at addresses as those of the symbols. */
  constructor(
    readonly kallsyms: Kallsyms,
    readonly segments: readonly Segment[],
  ) {}

  get symbols(): number {
    return this.kallsyms.names.length;
  }

  symbolsByName(name: string): SymbolInfo[] {
    return this.index.named(name);
  }

  symbolAt(address: bigint): SymbolPlace | undefined {
    return this.index.at(address);
  }

  symbolNames(prefix: string, limit: number): string[] {
    return this.index.namesFrom(prefix, limit);
  }

  symbolsMatching(matches: RegExp | ((symbol: SymbolInfo) => boolean), limit: number): SymbolInfo[] {
    if (typeof matches === 'function') return this.index.matching(matches, limit);
    return this.index.matching(({ name }) => name.search(matches) >= 0, limit);
  }

  lineAt(): undefined {
    return undefined;
  }

  sourceFiles(): readonly string[] {
    return [];
  }

  findFile(): string[] {
    return [];
  }

  linesOf(): readonly number[] {
    return [];
  }

  locationsOfLine(): undefined {
    return undefined;
  }

  afterPrologue(functionAddress: bigint): bigint {
    return functionAddress;
  }

  private get index(): KernelSymbols {
    return (this.indexed ??= new KernelSymbols(this.kallsyms, this.segments));
  }
}
