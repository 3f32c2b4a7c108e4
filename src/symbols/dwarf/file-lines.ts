/**
 * Where the lines of a source file have code: the places at which a breakpoint on a line can stop. Only rows marked as
 * the beginning of a statement count (DWARF 5 section 6.2.2, `is_stmt`), and of a run of rows of one line the first.
 */
import { IS_STATEMENT } from './line-program';
import type { LineRows, LineSequence } from './line-program';
import type { LineUnits } from './line-units';

/** A place where a line begins. */
export interface LineStart {
  readonly address: bigint;
  /** Index among the line tables. */
  readonly unit: number;
}

/** Files whose lines are kept at a time. */
const MAX_KEPT = 64;

/** The lines of one file that have code. */
export class FileLines {
  /** Line numbers, rising, each once. */
  readonly lines: readonly number[];
  private readonly starts: ReadonlyMap<number, readonly LineStart[]>;

  constructor(starts: Map<number, LineStart[]>) {
    this.starts = starts;
    this.lines = [...starts.keys()].sort((a, b) => a - b);
  }

  /** The first line from `line` on that has code; undefined after the last. */
  lineFrom(line: number): number | undefined {
    let low = 0;
    let high = this.lines.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lines[middle]! < line) low = middle + 1;
      else high = middle;
    }
    return this.lines[low];
  }

  /** The places of a line, by unit. */
  startsOf(line: number): readonly LineStart[] {
    return this.starts.get(line) ?? [];
  }
}

/** The lines of all files, found when somebody asks. */
export class FileLinesIndex {
  private readonly kept = new Map<number, FileLines>();

  constructor(private readonly units: LineUnits) {}

  /** The lines of the file with this number. */
  of(file: number): FileLines {
    let lines = this.kept.get(file);
    if (lines) this.kept.delete(file);
    else lines = this.collect(file);
    this.kept.set(file, lines);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return lines;
  }

  private collect(file: number): FileLines {
    const starts = new Map<number, LineStart[]>();
    for (const [unit, { header }] of this.units.units.entries()) {
      const first = header.files.indexOf(file);
      if (first < 0) continue;
      const isWanted = (number: number): boolean => header.files[number] === file;
      const last = header.files.lastIndexOf(file);
      const rows = this.units.rows(unit);
      for (const sequence of rows.sequences) collectFrom(rows, sequence, first, last, isWanted, unit, starts);
    }
    return new FileLines(starts);
  }
}

/** Adds the line starts of one sequence; the wanted file's numbers lie in `first` to `last`. */
function collectFrom(
  rows: LineRows,
  sequence: LineSequence,
  first: number,
  last: number,
  isWanted: (file: number) => boolean,
  unit: number,
  starts: Map<number, LineStart[]>,
): void {
  const { files, lines, flags, offsets } = rows;
  for (let row = sequence.firstRow; row < sequence.endRow;) {
    const file = files[row]!;
    const line = lines[row]!;
    let next = row + 1;
    if (file < first || file > last || !isWanted(file) || line === 0) {
      row = next;
      continue;
    }
    while (next < sequence.endRow && lines[next] === line && files[next] === file) next += 1;
    let start = row;
    while (start < next && !(flags[start]! & IS_STATEMENT)) start += 1;
    if (start < next) {
      const place: LineStart = { address: sequence.start + BigInt(offsets[start]!), unit };
      const known = starts.get(line);
      if (known) known.push(place);
      else starts.set(line, [place]);
    }
    row = next;
  }
}
