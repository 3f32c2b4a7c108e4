/**
 * From addresses to rows of line tables: through `.debug_aranges` where the compiler wrote it; for an address that is not
 * in it all programs are run once, since compilers leave some code out of it. DWARF 5 sections 6.1.2, 6.2.2.
 */
import { lastAtOrBelow } from '../search';
import { readAddressRanges } from './address-ranges';
import type { LineRows, LineSequence } from './line-program';
import { IS_EMPTY } from './line-program';
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

/** Index of the row that holds at an offset of a sequence: the last one that does not lie behind it. */
function rowAt(rows: LineRows, sequence: LineSequence, offset: number): number {
  let low = sequence.firstRow;
  let high = sequence.endRow;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows.offsets[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The link addresses [start, end) of the instructions around a row that belong to its line without a break. */
export function runOf({ rows, sequence, row }: RowPlace): { readonly start: bigint; readonly end: bigint } {
  const isSame = (other: number): boolean =>
    (rows.flags[other]! & IS_EMPTY) !== 0 ||
    (rows.lines[other] === rows.lines[row] && rows.files[other] === rows.files[row]);
  let first = row;
  while (first > sequence.firstRow && isSame(first - 1)) first -= 1;
  // Empty rows of other lines in front of the run are no part of it, but share the address of a row that is.
  let next = row + 1;
  while (next < sequence.endRow && isSame(next)) next += 1;
  return {
    start: sequence.start + BigInt(rows.offsets[first]!),
    end: next < sequence.endRow ? sequence.start + BigInt(rows.offsets[next]!) : sequence.end,
  };
}
