/**
 * From addresses to rows of line tables: through `.debug_aranges` where the compiler wrote it; for an address that is not
 * in it all programs are run once, since compilers leave some code out of it. DWARF 5 sections 6.1.2, 6.2.2.
 */
import { lastAtOrBelow } from '../search';
import { readAddressRanges } from './address-ranges';
import type { LineRows, LineSequence } from './line-program';
import { IS_STATEMENT } from './line-program';
import type { LineUnits } from './line-units';
import type { DwarfSections } from './sections';

/** A row of a line table. */
export interface RowPlace {
  /** Index among the line tables. */
  readonly unit: number;
  readonly rows: LineRows;
  readonly sequence: LineSequence;
  /** Index in `rows`. */
  readonly row: number;
}

/** Ranges by start address, with the unit of each. */
interface RangeIndex {
  readonly starts: BigUint64Array;
  readonly ends: BigUint64Array;
  readonly units: Uint32Array;
}

/** The rows of a file by address. */
export class LinePlaces {
  private announced: RangeIndex | undefined;
  /** The sequences of all units: made when an announced range does not lead to a row. */
  private all: RangeIndex | undefined;

  constructor(
    private readonly sections: DwarfSections,
    private readonly lines: LineUnits,
  ) {}

  /** The row that holds for a link address; undefined if no unit has it. */
  at(address: bigint): RowPlace | undefined {
    if (!this.sections.elf.isCode(address)) return undefined;
    this.announced ??= this.readAnnounced();
    const found = this.rowIn(unitAt(this.announced, address), address);
    if (found) return found;
    this.all ??= this.runAll();
    return this.rowIn(unitAt(this.all, address), address);
  }

  private rowIn(unit: number | undefined, address: bigint): RowPlace | undefined {
    if (unit === undefined) return undefined;
    const rows = this.lines.rows(unit);
    const sequence = sequenceAt(rows, address);
    return sequence && { unit, rows, sequence, row: rowAt(rows, sequence, Number(address - sequence.start)) };
  }

  private readAnnounced(): RangeIndex {
    const lineUnitOf = new Map(this.lines.units.map(({ start }, index) => [start, index]));
    const compiled = new Map(this.lines.compileUnits.map((unit) => [unit.start, unit.lineTable]));
    const ranges: { start: bigint; end: bigint; unit: number }[] = [];
    for (const { start, end, unit } of readAddressRanges(this.sections)) {
      const lineTable = compiled.get(unit);
      const index = lineTable === undefined ? undefined : lineUnitOf.get(lineTable);
      if (index !== undefined && this.sections.elf.isCode(start)) ranges.push({ start, end, unit: index });
    }
    return rangeIndex(ranges);
  }

  private runAll(): RangeIndex {
    const units = this.lines.units.map((_, unit) => unit);
    return rangeIndex(
      units.flatMap((unit) => this.lines.sequences(unit).map(({ start, end }) => ({ start, end, unit }))),
    );
  }
}

function rangeIndex(ranges: { start: bigint; end: bigint; unit: number }[]): RangeIndex {
  ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  return {
    starts: BigUint64Array.from(ranges, ({ start }) => start),
    ends: BigUint64Array.from(ranges, ({ end }) => end),
    units: Uint32Array.from(ranges, ({ unit }) => unit),
  };
}

function unitAt(index: RangeIndex, address: bigint): number | undefined {
  const at = lastAtOrBelow(index.starts, address);
  return at >= 0 && index.ends[at]! > address ? index.units[at] : undefined;
}

/** The sequence of a unit that has a link address. */
function sequenceAt({ sequences }: LineRows, address: bigint): LineSequence | undefined {
  let low = 0;
  let high = sequences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequences[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const sequence = sequences[low - 1];
  return sequence && sequence.end > address ? sequence : undefined;
}

/** Index of the row that holds at an offset of a sequence. */
function rowAt(rows: LineRows, sequence: LineSequence, offset: number): number {
  let low = sequence.firstRow;
  let high = sequence.endRow;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows.offsets[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return leading(rows, sequence, low - 1);
}

/**
 * Of rows at one address, of which `last` is the last: the one whose line the address has. That is the last one, but where
 * it begins no statement, the last one of the same file that does: optimised code has many such, and who steps wants to stop
 * there, as in gdb.
 */
function leading({ offsets, flags, lines, files }: LineRows, { firstRow }: LineSequence, last: number): number {
  for (let row = last; row >= firstRow && offsets[row] === offsets[last]; row -= 1) {
    if (files[row] !== files[last] || lines[row] === 0) break;
    if (flags[row]! & IS_STATEMENT) return row;
  }
  return last;
}

/** The link addresses [start, end) of the instructions around a row that belong to its line without a break. */
export function runOf({ rows, sequence, row }: RowPlace): { readonly start: bigint; readonly end: bigint } {
  const { offsets, lines, files } = rows;
  const isSame = (other: number): boolean => lines[other] === lines[row] && files[other] === files[row];
  const firstAt = (of: number): number => {
    let at = of;
    while (at > sequence.firstRow && offsets[at - 1] === offsets[of]) at -= 1;
    return at;
  };
  const behind = (of: number): number => {
    let at = of + 1;
    while (at < sequence.endRow && offsets[at] === offsets[of]) at += 1;
    return at;
  };
  let first = firstAt(row);
  while (first > sequence.firstRow && isSame(leading(rows, sequence, first - 1))) first = firstAt(first - 1);
  let next = behind(row);
  while (next < sequence.endRow && isSame(leading(rows, sequence, behind(next) - 1))) next = behind(next);
  return {
    start: sequence.start + BigInt(offsets[first]!),
    end: next < sequence.endRow ? sequence.start + BigInt(offsets[next]!) : sequence.end,
  };
}
