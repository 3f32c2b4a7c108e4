/**
 * Lines and addresses of a file, both ways, as a debugger asks for them: where am I, where does a breakpoint on this
 * line go. DWARF 5 section 6.2.
 */
import type { SymbolTable } from '../elf/symbol-table';
import { unlessDamaged } from '../byte-reader';
import type { CompileUnit } from './compile-units';
import type { FileLines, LineStart } from './file-lines';
import { FileLinesIndex } from './file-lines';
import { inlineCopiesAt } from './inline-copies';
import { NO_FILE } from './line-header';
import { LinePlaces, runOf } from './line-places';
import { IS_STATEMENT, PROLOGUE_END } from './line-program';
import { LineUnits } from './line-units';
import type { DwarfSections } from './sections';

/** The line that an instruction belongs to. */
export interface LineInfo {
  /** Path, normalised; absolute unless the compiler was told otherwise. */
  readonly file: string;
  readonly line: number;
  /** From 1; 0 if unknown. */
  readonly column: number;
  /** Link addresses [start, end) of the instructions around it that belong to the line without a break. */
  readonly start: bigint;
  readonly end: bigint;
  /** False in the middle of a statement: stepping by lines does not stop at `start`. */
  readonly isStatement: boolean;
}

/** Where a breakpoint on a line goes. */
export interface LineLocations {
  /** The line asked for, or the next one with code. */
  readonly line: number;
  /** Link addresses, rising: the lowest of each function and of each inlined copy. */
  readonly addresses: readonly bigint[];
}

/** Bytes of `.debug_info` that are walked for one line; a header's line may be inlined in every unit of a kernel. */
const MAX_WALKED = 0x300_0000;
/** Places of a line in one unit above which inlined copies are not told apart. */
const MAX_PLACES = 1000;

/** All that the line tables of a file tell. */
export class LineIndex {
  private readonly units: LineUnits;
  private readonly places: LinePlaces;
  private readonly files: FileLinesIndex;
  private compileUnitOf: ReadonlyMap<number | undefined, CompileUnit> | undefined;
  private unitOf: ReadonlyMap<number, number> | undefined;
  private readonly known = new WeakMap<FileLines, Map<number, readonly bigint[]>>();

  /** Reads the headers of all line tables. */
  constructor(
    private readonly sections: DwarfSections,
    private readonly symbols: () => SymbolTable,
  ) {
    this.units = new LineUnits(sections);
    this.places = new LinePlaces(sections, this.units);
    this.files = new FileLinesIndex(this.units);
  }

  /** Paths of all source files that the headers name; what the compiler made up (`<built-in>`) is none. */
  get sourceFiles(): readonly string[] {
    return this.units.paths.paths.filter((path) => !path.endsWith('>'));
  }

  /** The source files that `path` can mean. */
  findFile(path: string): string[] {
    return this.units.paths.bestMatches(path);
  }

  /** The line of the instruction at a link address. */
  lineAt(address: bigint): LineInfo | undefined {
    const place = this.places.at(address);
    if (!place) return undefined;
    const { rows, row, unit } = place;
    const file = this.units.units[unit]!.header.files[rows.files[row]!] ?? NO_FILE;
    const line = rows.lines[row]!;
    if (file === NO_FILE || line === 0) return undefined;
    const isStatement = (rows.flags[row]! & IS_STATEMENT) !== 0;
    return { file: this.units.paths.paths[file]!, line, column: rows.columns[row]!, ...runOf(place), isStatement };
  }

  /** The path of a file by its number in the line table at an offset of `.debug_line`; undefined if it has none. */
  pathOf(lineTable: number | undefined, file: number): string | undefined {
    this.unitOf ??= new Map(this.units.units.map(({ start }, index) => [start, index]));
    const unit = lineTable === undefined ? undefined : this.unitOf.get(lineTable);
    const id = unit === undefined ? NO_FILE : (this.units.units[unit]!.header.files[file] ?? NO_FILE);
    return id === NO_FILE ? undefined : this.units.paths.paths[id];
  }

  /** The lines of a file that have code, rising; none for a path that is not one of `sourceFiles`. */
  linesOf(path: string): readonly number[] {
    return this.fileLines(path)?.lines ?? [];
  }

  /** Where a breakpoint on a line goes; undefined if neither it nor a line after it has code. */
  locationsOfLine(path: string, line: number): LineLocations | undefined {
    const lines = this.fileLines(path);
    const next = lines?.lineFrom(line);
    if (!lines || next === undefined) return undefined;
    let known = this.known.get(lines);
    if (!known) {
      known = new Map();
      this.known.set(lines, known);
    }
    let addresses = known.get(next);
    if (!addresses) {
      addresses = this.onePerCopy(this.units.paths.find(path)!, next, lines.startsOf(next));
      known.set(next, addresses);
    }
    return { line: next, addresses };
  }

  /**
   * Where the body of the function [address, end) begins: at the row that the compiler marked so, else at the second row.
   * Its own address in assembly and where the table does not tell.
   */
  afterPrologue(address: bigint, end: bigint): bigint {
    const place = this.places.at(address);
    if (!place || this.compileUnit(place.unit)?.isAssembly) return address;
    const { rows, sequence, row } = place;
    const addressOf = (index: number): bigint => sequence.start + BigInt(rows.offsets[index]!);
    let first = row;
    while (first > sequence.firstRow && addressOf(first - 1) === address) first -= 1;
    if (addressOf(first) !== address) return address;
    const isInside = (index: number): boolean => index < sequence.endRow && addressOf(index) < end;
    for (let index = first; isInside(index); index += 1) {
      if (rows.flags[index]! & PROLOGUE_END) return addressOf(index);
    }
    return isInside(first + 1) ? addressOf(first + 1) : address;
  }

  private fileLines(path: string): FileLines | undefined {
    const file = this.units.paths.find(path);
    return file === undefined ? undefined : this.files.of(file);
  }

  /** The lowest address of each function and of each inlined copy; outside of functions all addresses. */
  private onePerCopy(file: number, line: number, starts: readonly LineStart[]): readonly bigint[] {
    const best = new Map<string, bigint>();
    let walked = 0;
    for (const places of byUnit(starts)) {
      const addresses = places.map(({ address }) => address);
      const unit = places.length > 1 ? this.compileUnit(places[0]!.unit) : undefined;
      const { files } = this.units.units[places[0]!.unit]!.header;
      const unitLine = { line, isFile: (number: number) => files[number] === file };
      let copies: readonly number[] | undefined;
      if (unit?.isAssembly) copies = addresses.map(() => 0);
      else if (unit && places.length <= MAX_PLACES && walked + unit.end - unit.start <= MAX_WALKED) {
        walked += unit.end - unit.start;
        copies = unlessDamaged(() => inlineCopiesAt(addresses, unitLine, unit, this.sections));
      }
      for (const [index, address] of addresses.entries()) {
        const key = this.copyKey(address, copies?.[index]);
        const other = best.get(key);
        if (other === undefined || address < other) best.set(key, address);
      }
    }
    const addresses = [...new Set(best.values())];
    return addresses.sort((a, b) => (a < b ? -1 : 1));
  }

  /** What all addresses of one function or copy have in common; `copy` is 0 outside of them, undefined if not known. */
  private copyKey(address: bigint, copy: number | undefined): string {
    if (copy === 0) return `${address}`;
    // Parts of a function that were moved away are symbols of their own, and may be the only ones that run.
    const part = this.symbols().at(address)?.symbol.address ?? address;
    return `${copy ?? 0} ${part}`;
  }

  private compileUnit(unit: number): CompileUnit | undefined {
    this.compileUnitOf ??= new Map(this.units.compileUnits.map((compiled) => [compiled.lineTable, compiled]));
    return this.compileUnitOf.get(this.units.units[unit]!.start);
  }
}

function byUnit(starts: readonly LineStart[]): LineStart[][] {
  const groups = new Map<number, LineStart[]>();
  for (const start of starts) {
    const group = groups.get(start.unit);
    if (group) group.push(start);
    else groups.set(start.unit, [start]);
  }
  return [...groups.values()];
}
