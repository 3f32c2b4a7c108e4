/**
 * The line tables of all units: headers are read when the first question about lines comes, programs when a question is
 * about their unit. Rows are kept in columns, up to a budget. DWARF 5 section 6.2.
 */
import { ByteReader } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { buffered } from '../bytes';
import type { CompileUnit } from './compile-units';
import { readCompileUnits } from './compile-units';
import type { LineHeader } from './line-header';
import { readLineHeader } from './line-header';
import type { LineRows, LineSequence } from './line-program';
import { MAX_PROGRAM, runLineProgram } from './line-program';
import { SourcePaths } from './paths';
import type { DwarfSections } from './sections';

/** The line table of one unit. */
export interface LineUnit {
  /** Offset in `.debug_line`, by which `.debug_info` refers to it. */
  readonly start: number;
  readonly header: LineHeader;
}

/** More units than any kernel has; a hostile section could claim millions. */
const MAX_UNITS = 100_000;
/** The longest header that is read, bytes. */
const MAX_HEADER = 0x20_0000;
/** Bytes read at once while headers are read. */
const WINDOW = 0x10_0000;
/** Rows kept at a time, 13 bytes each: a distribution's kernel has some 5 million. */
const MAX_KEPT_ROWS = 6_000_000;

const NO_ROWS: LineRows = {
  sequences: [],
  offsets: new Uint32Array(0),
  lines: new Uint32Array(0),
  files: new Uint16Array(0),
  columns: new Uint16Array(0),
  flags: new Uint8Array(0),
};

/** All line tables of a file. */
export class LineUnits {
  /** All source files that the headers name. */
  readonly paths = new SourcePaths();
  readonly units: readonly LineUnit[];
  private readonly section: RandomAccessBytes;
  /** Rows by unit, those used last at the end. */
  private readonly kept = new Map<number, LineRows>();
  private keptRows = 0;
  private compiled: readonly CompileUnit[] | undefined;
  private folders: Map<number | undefined, string> | undefined;

  /** Reads all headers. */
  constructor(private readonly sections: DwarfSections) {
    this.section = sections.contents('.debug_line');
    this.units = this.readHeaders();
  }

  /** The compilation units of `.debug_info`. */
  get compileUnits(): readonly CompileUnit[] {
    this.compiled ??= readCompileUnits(this.sections).filter(({ kind }) => kind !== 'type');
    return this.compiled;
  }

  /** The rows of the unit with this index in `units`; none if its program is absurdly long. */
  rows(index: number): LineRows {
    let rows = this.kept.get(index);
    if (rows) this.kept.delete(index);
    else {
      rows = this.run(this.units[index]!.header);
      this.keptRows += rows.lines.length;
    }
    this.kept.set(index, rows);
    for (const [other, { lines }] of this.kept) {
      if (this.keptRows <= MAX_KEPT_ROWS || other === index) break;
      this.kept.delete(other);
      this.keptRows -= lines.length;
    }
    return rows;
  }

  /** The sequences of that unit; its rows are not kept for this. */
  sequences(index: number): readonly LineSequence[] {
    return (this.kept.get(index) ?? this.run(this.units[index]!.header)).sequences;
  }

  private run(header: LineHeader): LineRows {
    const length = header.end - header.programStart;
    if (length > MAX_PROGRAM) return NO_ROWS;
    return runLineProgram(this.section.read(header.programStart, length), header, (address) =>
      this.sections.elf.isCode(address),
    );
  }

  private readHeaders(): LineUnit[] {
    const bytes = buffered(this.section, WINDOW);
    const units: LineUnit[] = [];
    for (let start = 0; start < bytes.size && units.length < MAX_UNITS;) {
      const reader = new ByteReader(bytes.read(start, 12), 'A line table');
      const place = this.sections.attempt(() => reader.initialLength());
      if (!place) break;
      const end = Math.min(bytes.size, start + reader.position + place.length);
      const header = this.sections.attempt(() => this.readHeader(bytes, { start, end, isDwarf64: place.isDwarf64 }));
      if (header) units.push({ start, header });
      start += reader.position + place.length;
    }
    return units;
  }

  private readHeader(
    bytes: RandomAccessBytes,
    place: { readonly start: number; readonly end: number; readonly isDwarf64: boolean },
  ): LineHeader {
    const { start, end, isDwarf64 } = place;
    const beginning = new ByteReader(bytes.read(start, Math.min(32, end - start)), 'A line table');
    beginning.initialLength();
    const afterLength = beginning.position;
    if (beginning.u16() >= 5) beginning.skip(2);
    const headerLength = beginning.sectionOffset(isDwarf64);
    const length = Math.min(beginning.position + headerLength, end - start, MAX_HEADER);
    const reader = new ByteReader(bytes.read(start, length), 'A line table', afterLength);
    return readLineHeader(reader, start, place, this.sections, this.paths, () => this.folderOf(start));
  }

  /** DW_AT_comp_dir of the unit whose line table is at this offset. */
  private folderOf(start: number): string {
    this.folders ??= new Map(this.compileUnits.map(({ lineTable, folder }) => [lineTable, folder]));
    return this.folders.get(start) ?? '';
  }
}
