/**
 * The units of `.debug_info`, each read no further than its first entry: where its line table is, its folder, its bases.
 * Sources: DWARF 5 sections 3.1.1, 7.5.1; DWARF 2 to 4 section 7.5.1. NOT IMPLEMENTED: `.debug_types`, split units.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import type { Abbreviation } from './abbreviations';
import { readAbbreviations } from './abbreviations';
import type { FormContext } from './forms';
import { FORM, readNumber, skipForm } from './forms';
import type { DwarfSections } from './sections';

/** A compilation unit. */
export interface CompileUnit extends FormContext {
  /** Offset in `.debug_info`, bytes, and the offset after it. */
  readonly start: number;
  readonly end: number;
  /** Offset of its first entry. */
  readonly firstEntry: number;
  /** Offset in `.debug_abbrev`. */
  readonly abbreviations: number;
  /** Offset of its line table in `.debug_line`; undefined if it has none. */
  readonly lineTable: number | undefined;
  /** Written in assembly: there are no prologues and no inlined copies. */
  readonly isAssembly: boolean;
  /** DW_AT_comp_dir; empty if it has none. */
  readonly folder: string;
  /** DW_AT_low_pc, the base of its range lists; 0 if it has none. */
  readonly lowPc: bigint;
  /** Offset in `.debug_addr` of address 0, offset in `.debug_rnglists` of list offset 0. */
  readonly addressBase: number;
  readonly rangeListsBase: number;
}

const UNIT_COMPILE = 1;
const UNIT_PARTIAL = 3;
/** DW_AT_*. */
export const ATTRIBUTE = {
  sibling: 0x01,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  language: 0x13,
  compDir: 0x1b,
  ranges: 0x55,
  callFile: 0x58,
  callLine: 0x59,
  addressBase: 0x73,
  rangeListsBase: 0x74,
} as const;

/** DW_LANG_Mips_Assembler, which all assemblers use, and DWARF 6's DW_LANG_Assembly. */
const ASSEMBLY = [0x8001, 0x0031];

/** More units than any kernel has; a hostile section could claim millions. */
const MAX_UNITS = 100_000;
/** Bytes read for a unit's header and first entry, and for the shape of that entry. */
const HEADER_BYTES = 4096;
/** Abbreviations may come in any order, but the first entry's is early in all known files. */
const SHAPE_BYTES = 0x1000;

/** All compilation units in the order of the section; those that are damaged are left out. */
export function readCompileUnits(sections: DwarfSections): CompileUnit[] {
  const info = sections.contents('.debug_info');
  const shapes = sections.window('.debug_abbrev');
  const units: CompileUnit[] = [];
  for (let start = 0; start < info.size && units.length < MAX_UNITS;) {
    const reader = new ByteReader(info.read(start, HEADER_BYTES), 'A unit of .debug_info');
    const place = unlessDamaged(() => reader.initialLength());
    if (!place || place.length === 0) break;
    const end = start + reader.position + place.length;
    const unit = unlessDamaged(() =>
      readUnit(reader, start, Math.min(end, info.size), place.isDwarf64, sections, shapes),
    );
    if (unit) units.push(unit);
    start = end;
  }
  return units;
}

function readUnit(
  reader: ByteReader,
  start: number,
  end: number,
  isDwarf64: boolean,
  sections: DwarfSections,
  shapes: RandomAccessBytes,
): CompileUnit | undefined {
  const version = reader.u16();
  if (version < 2 || version > 5) return undefined;
  const type = version >= 5 ? reader.u8() : UNIT_COMPILE;
  if (type !== UNIT_COMPILE && type !== UNIT_PARTIAL) return undefined;
  let addressSize = version >= 5 ? reader.u8() : 0;
  const abbreviations = reader.sectionOffset(isDwarf64);
  if (version < 5) addressSize = reader.u8();
  const firstEntry = start + reader.position;
  const context: FormContext = { version, isDwarf64, addressSize };
  const shape = shapeOf(reader.uleb(), abbreviations, shapes);
  if (!shape) return undefined;

  const unit = {
    lineTable: undefined as number | undefined,
    isAssembly: false,
    folder: '',
    addressBase: 0,
    rangeListsBase: 0,
  };
  let lowPc: { form: number; position: number } | undefined;
  for (const { name, form, implicit } of shape.attributes) {
    if (name === ATTRIBUTE.stmtList) unit.lineTable = readNumber(reader, form, context);
    else if (name === ATTRIBUTE.language)
      unit.isAssembly = ASSEMBLY.includes(
        form === FORM.implicitConst ? implicit : (readNumber(reader, form, context) ?? 0),
      );
    else if (name === ATTRIBUTE.compDir) unit.folder = readString(reader, form, context, sections);
    else if (name === ATTRIBUTE.addressBase) unit.addressBase = readNumber(reader, form, context) ?? 0;
    else if (name === ATTRIBUTE.rangeListsBase) unit.rangeListsBase = readNumber(reader, form, context) ?? 0;
    else {
      if (name === ATTRIBUTE.lowPc) lowPc = { form, position: reader.position };
      skipForm(reader, form, context);
    }
  }
  const whole = { ...context, start, end, firstEntry, abbreviations, ...unit, lowPc: 0n };
  if (!lowPc) return whole;
  // Read last: as an index it needs the address base, which may come after it.
  reader.position = lowPc.position;
  return { ...whole, lowPc: readAddress(reader, lowPc.form, whole, sections) ?? 0n };
}

function shapeOf(code: number, offset: number, shapes: RandomAccessBytes): Abbreviation | undefined {
  const early = new ByteReader(shapes.read(offset, SHAPE_BYTES), 'A table of .debug_abbrev');
  return readAbbreviations(early, code).get(code);
}

function readString(reader: ByteReader, form: number, context: FormContext, sections: DwarfSections): string {
  switch (form) {
    case FORM.string:
      return reader.string();
    case FORM.strp:
      return sections.string('.debug_str', reader.sectionOffset(context.isDwarf64));
    case FORM.lineStrp:
      return sections.string('.debug_line_str', reader.sectionOffset(context.isDwarf64));
    default:
      // Indexed strings come with DWARF 5, whose line tables name the folder themselves.
      skipForm(reader, form, context);
      return '';
  }
}

/** Reads an address, direct or by index; undefined (and passed over) for values of other kinds. */
export function readAddress(
  reader: ByteReader,
  form: number,
  unit: FormContext & Pick<CompileUnit, 'addressBase'>,
  sections: DwarfSections,
): bigint | undefined {
  switch (form) {
    case FORM.addr:
      return reader.unsigned(unit.addressSize);
    case FORM.addrx:
    case FORM.addrx1:
    case FORM.addrx2:
    case FORM.addrx3:
    case FORM.addrx4:
      return indexedAddress(readNumber(reader, form, unit) ?? 0, unit, sections);
    default:
      skipForm(reader, form, unit);
      return undefined;
  }
}

/** The address with an index in the unit's part of `.debug_addr`. DWARF 5 section 7.27. */
export function indexedAddress(
  index: number,
  unit: FormContext & Pick<CompileUnit, 'addressBase'>,
  sections: DwarfSections,
): bigint {
  const bytes = sections.window('.debug_addr').read(unit.addressBase + index * unit.addressSize, unit.addressSize);
  return new ByteReader(bytes, 'The address table').unsigned(unit.addressSize);
}
