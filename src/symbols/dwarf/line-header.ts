/**
 * The header of a unit's line table: its files and the parameters of its program. Sources: DWARF 5 section 6.2.4, DWARF
 * 2 to 4 section 6.2.4. NOT IMPLEMENTED: op_index (machines whose instructions hold several operations; x86's do not).
 */
import type { ByteReader } from '../byte-reader';
import type { FormContext } from './forms';
import { FORM, readNumber, skipForm } from './forms';
import { joinPath, normalisePath } from './paths';
import type { SourcePaths } from './paths';
import type { DwarfSections } from './sections';

/** A unit's line table, its program not run yet. */
export interface LineHeader {
  readonly version: number;
  /** Where the program begins and where the unit ends in `.debug_line`, bytes. */
  readonly programStart: number;
  readonly end: number;
  readonly minimumInstructionLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  /** How many operands each standard opcode has, by opcode; its length is the first special opcode. */
  readonly operandCounts: Uint8Array;
  /** For each file number of the program the number of its path; `NO_FILE` where there is none. */
  readonly files: Uint32Array;
}

/** Stands for a file number that the header does not define. */
export const NO_FILE = 0xffff_ffff;
/** Files and folders of one unit; rows keep file numbers in 16 bits. */
const MAX_ENTRIES = 0xffff;

/** DW_LNCT_*: what a column of the file tables holds. */
const LNCT_PATH = 1;
const LNCT_DIRECTORY_INDEX = 2;

/** Where a unit lies in `.debug_line` and how its lengths are written. */
export interface LineUnitPlace {
  /** Offset of its initial length, and the offset after the unit. */
  readonly start: number;
  readonly end: number;
  readonly isDwarf64: boolean;
}

/**
 * Reads a header. `reader` stands after the initial length, its bytes begin at `origin` in `.debug_line`; `compileFolder`
 * is asked for versions below 5, whose tables leave the compilation folder to `.debug_info`. Throws a UserError for
 * damage and for unknown versions.
 */
export function readLineHeader(
  reader: ByteReader,
  origin: number,
  place: LineUnitPlace,
  sections: DwarfSections,
  paths: SourcePaths,
  compileFolder: () => string,
): LineHeader {
  const version = reader.u16();
  if (version < 2 || version > 5) throw reader.error(`it has the unknown version ${version}`);
  let addressSize = sections.elf.bits / 8;
  if (version >= 5) {
    addressSize = reader.u8();
    if (reader.u8() !== 0) throw reader.error('it uses segment selectors');
  }
  const headerLength = reader.sectionOffset(place.isDwarf64);
  const programStart = origin + reader.position + headerLength;
  if (programStart > place.end) throw reader.error('its header is longer than its unit');
  const minimumInstructionLength = reader.u8();
  if (version >= 4) reader.u8();
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = (reader.u8() << 24) >> 24;
  const lineRange = reader.u8();
  if (lineRange === 0) throw reader.error('its line range is 0');
  const opcodeBase = reader.u8();
  const operandCounts = new Uint8Array(Math.max(1, opcodeBase));
  for (let opcode = 1; opcode < opcodeBase; opcode += 1) operandCounts[opcode] = reader.u8();
  const context: FormContext = { version, isDwarf64: place.isDwarf64, addressSize };
  const files =
    version >= 5 ? readFiles5(reader, context, sections, paths) : readFiles2(reader, paths, compileFolder());
  return {
    version,
    programStart,
    end: place.end,
    minimumInstructionLength,
    defaultIsStatement,
    lineBase,
    lineRange,
    operandCounts,
    files,
  };
}

function readFiles5(reader: ByteReader, context: FormContext, sections: DwarfSections, paths: SourcePaths) {
  const folders: string[] = [];
  // Folder 0 is the compilation folder; the others may be relative to it.
  readEntries(reader, context, sections, (path) => {
    folders.push(folders.length === 0 ? normalisePath(path) : normalisePath(joinPath(folders[0]!, path)));
  });
  const files: number[] = [];
  readEntries(reader, context, sections, (path, folder) => files.push(paths.id(folders[folder] ?? '', path)));
  return Uint32Array.from(files);
}

/** A table of DWARF 5: its columns, then its entries. */
function readEntries(
  reader: ByteReader,
  context: FormContext,
  sections: DwarfSections,
  found: (path: string, folder: number) => void,
): void {
  const columns = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const count = reader.uleb();
  // Each entry must take room in the file: a table without columns could claim any number of entries.
  if (count > MAX_ENTRIES || count > reader.remaining || (count > 0 && columns.length === 0)) {
    throw reader.error(`it claims ${count} files`);
  }
  for (let entry = 0; entry < count; entry += 1) {
    let path = '';
    let folder = 0;
    for (const { content, form } of columns) {
      if (content === LNCT_PATH) path = readPath(reader, form, context, sections);
      else if (content === LNCT_DIRECTORY_INDEX) folder = readNumber(reader, form, context) ?? 0;
      else skipForm(reader, form, context);
    }
    found(path, folder);
  }
}

function readPath(reader: ByteReader, form: number, context: FormContext, sections: DwarfSections): string {
  switch (form) {
    case FORM.string:
      return reader.string();
    case FORM.lineStrp:
      return sections.string('.debug_line_str', reader.sectionOffset(context.isDwarf64));
    case FORM.strp:
      return sections.string('.debug_str', reader.sectionOffset(context.isDwarf64));
    default:
      throw reader.error(`a path in it has the form ${form}`);
  }
}

/** The tables of DWARF 2 to 4: strings up to an empty one; file numbers begin at 1, folder 0 is the compilation's. */
function readFiles2(reader: ByteReader, paths: SourcePaths, compileFolder: string): Uint32Array {
  const folders = [normalisePath(compileFolder)];
  for (let path = reader.string(); path !== ''; path = reader.string()) {
    folders.push(normalisePath(joinPath(folders[0]!, path)));
    if (folders.length > MAX_ENTRIES) throw reader.error('it has too many folders');
  }
  const files = [NO_FILE];
  for (let path = reader.string(); path !== ''; path = reader.string()) {
    const folder = reader.uleb();
    reader.uleb();
    reader.uleb();
    files.push(paths.id(folders[folder] ?? '', path));
    if (files.length > MAX_ENTRIES) throw reader.error('it has too many files');
  }
  return Uint32Array.from(files);
}
