/**
 * The units of `.debug_info` and `.debug_types`, each read no further than its first entry: where its line table is, its
 * folder, its bases. Sources: DWARF 5 sections 3.1.1, 7.5.1; DWARF 2 to 4 section 7.5.1. NOT IMPLEMENTED: split units.
 */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import type { Abbreviation } from './abbreviations';
import { Abbreviations } from './abbreviations';
import type { FormContext } from './forms';
import { FORM, readNumber, skipForm } from './forms';
import type { DwarfSections } from './sections';
import { ATTRIBUTE } from './tags';

/** A compilation unit, a partial one, or one that holds a single type. */
export interface CompileUnit extends FormContext {
  readonly kind: 'compile' | 'partial' | 'type';
  /** Offset in `.debug_info` and the `.debug_types` behind it, bytes, and the offset after it. */
  readonly start: number;
  readonly end: number;
  /** Offset of its first entry. */
  readonly firstEntry: number;
  /** Offset in `.debug_abbrev`. */
  readonly abbreviations: number;
  /** Offset of its line table in `.debug_line`; undefined if it has none. */
  readonly lineTable: number | undefined;
  /** DW_LANG_*; 0 if it does not say. */
  readonly language: number;
  /** Written in assembly: there are no prologues and no inlined copies. */
  readonly isAssembly: boolean;
  /** DW_AT_comp_dir; empty if it has none. */
  readonly folder: string;
  /** DW_AT_low_pc, the base of its range lists; 0 if it has none. */
  readonly lowPc: bigint;
  /** DW_AT_high_pc: an address, or bytes from `lowPc` on. */
  readonly highPc: bigint | number | undefined;
  /** DW_AT_ranges: an offset, or with DW_FORM_rnglistx an index. */
  readonly ranges: { readonly form: number; readonly value: number } | undefined;
  /** Offset in `.debug_addr` of address 0, and those of the first offset in `.debug_rnglists` and `.debug_loclists`. */
  readonly addressBase: number;
  readonly rangeListsBase: number;
  readonly locationListsBase: number;
  /** Offset in `.debug_str_offsets` of string 0. */
  readonly stringOffsetsBase: number;
  /** Of a type unit: by what others refer to its type, and where that lies from the unit's start. */
  readonly type: { readonly signature: bigint; readonly offset: number } | undefined;
}

/** DW_UT_*. */
const UNIT_COMPILE = 1;
const UNIT_TYPE = 2;
const UNIT_PARTIAL = 3;

/** DW_LANG_Mips_Assembler, which all assemblers use, and DWARF 6's DW_LANG_Assembly. */
const ASSEMBLY = [0x8001, 0x0031];

/** More units than any kernel has; a hostile section could claim millions. */
const MAX_UNITS = 100_000;
/** Bytes read for a unit's header and first entry, and for the shape of that entry. */
const HEADER_BYTES = 4096;
/** Abbreviations may come in any order; the first entry's is mostly early, but the last of them in units of GCC. */
const SHAPE_BYTES = 0x1000;
const MAX_SHAPE_BYTES = 0x10_0000;

const known = new WeakMap<DwarfSections, readonly CompileUnit[]>();

/** All units in the order of the sections; those that are damaged are left out. Read once. */
export function readCompileUnits(sections: DwarfSections): readonly CompileUnit[] {
  let units = known.get(sections);
  if (!units) {
    units = readUnits(sections);
    known.set(sections, units);
  }
  return units;
}

function readUnits(sections: DwarfSections): CompileUnit[] {
  const { entries, typesStart } = sections;
  const shapes = sections.window('.debug_abbrev');
  const units: CompileUnit[] = [];
  for (let start = 0; start < entries.size && units.length < MAX_UNITS;) {
    const isType = start >= typesStart;
    const sectionEnd = isType ? entries.size : typesStart;
    const reader = new ByteReader(entries.read(start, HEADER_BYTES), 'A unit of .debug_info');
    const place = sections.attempt(() => reader.initialLength());
    if (place && place.length > 0) {
      const end = start + reader.position + place.length;
      const frame = { start, end: Math.min(end, sectionEnd), isDwarf64: place.isDwarf64, isType };
      const unit = sections.attempt(() => readUnit(reader, frame, sections, shapes));
      if (unit) units.push(unit);
      start = Math.min(end, sectionEnd);
    } else start = sectionEnd;
  }
  return units;
}

/** Where a unit lies. */
interface UnitFrame {
  readonly start: number;
  readonly end: number;
  readonly isDwarf64: boolean;
  /** It is one of `.debug_types`. */
  readonly isType: boolean;
}

function readUnit(
  reader: ByteReader,
  { start, end, isDwarf64, isType }: UnitFrame,
  sections: DwarfSections,
  shapes: RandomAccessBytes,
): CompileUnit | undefined {
  const version = reader.u16();
  if (version < 2 || version > 5) return undefined;
  const unitType = version >= 5 ? reader.u8() : isType ? UNIT_TYPE : UNIT_COMPILE;
  if (unitType !== UNIT_COMPILE && unitType !== UNIT_PARTIAL && unitType !== UNIT_TYPE) return undefined;
  let addressSize = version >= 5 ? reader.u8() : 0;
  const abbreviations = reader.sectionOffset(isDwarf64);
  if (version < 5) addressSize = reader.u8();
  if (addressSize !== 4 && addressSize !== 8) return undefined;
  const type =
    unitType === UNIT_TYPE ? { signature: reader.u64(), offset: reader.sectionOffset(isDwarf64) } : undefined;
  const firstEntry = start + reader.position;
  const context: FormContext = { version, isDwarf64, addressSize };
  const shape = shapeOf(reader.uleb(), abbreviations, shapes);
  if (!shape) return undefined;

  const unit = {
    lineTable: undefined as number | undefined,
    language: 0,
    folder: '',
    highPc: undefined as bigint | number | undefined,
    ranges: undefined as { form: number; value: number } | undefined,
    addressBase: 0,
    rangeListsBase: 0,
    locationListsBase: 0,
    stringOffsetsBase: isDwarf64 ? 16 : 8,
  };
  const addresses: { name: number; form: number; position: number }[] = [];
  for (const { name, form, implicit } of shape.attributes) {
    const number = (): number | undefined =>
      form === FORM.implicitConst ? implicit : readNumber(reader, form, context);
    if (name === ATTRIBUTE.stmtList) unit.lineTable = number();
    else if (name === ATTRIBUTE.language) unit.language = number() ?? 0;
    else if (name === ATTRIBUTE.compDir) unit.folder = readString(reader, form, context, sections);
    else if (name === ATTRIBUTE.addressBase) unit.addressBase = number() ?? 0;
    else if (name === ATTRIBUTE.rangeListsBase) unit.rangeListsBase = number() ?? 0;
    else if (name === ATTRIBUTE.locationListsBase) unit.locationListsBase = number() ?? 0;
    else if (name === ATTRIBUTE.stringOffsetsBase) unit.stringOffsetsBase = number() ?? 0;
    else if (name === ATTRIBUTE.ranges) {
      const value = number();
      unit.ranges = value === undefined ? undefined : { form, value };
    } else if (name === ATTRIBUTE.highPc && !isAddressForm(form)) unit.highPc = number();
    else {
      if (name === ATTRIBUTE.lowPc || name === ATTRIBUTE.highPc)
        addresses.push({ name, form, position: reader.position });
      skipForm(reader, form, context);
    }
  }
  const kind = unitType === UNIT_TYPE ? 'type' : unitType === UNIT_PARTIAL ? 'partial' : 'compile';
  const isAssembly = ASSEMBLY.includes(unit.language);
  const whole = {
    ...context,
    kind,
    start,
    end,
    firstEntry,
    abbreviations,
    type,
    ...unit,
    isAssembly,
    lowPc: 0n,
  } as const;
  const found = { lowPc: 0n, highPc: unit.highPc };
  // Read last: as indices they need the address base, which may come after them.
  for (const { name, form, position } of addresses) {
    reader.position = position;
    const value = readAddress(reader, form, whole, sections);
    if (value !== undefined) found[name === ATTRIBUTE.lowPc ? 'lowPc' : 'highPc'] = value;
  }
  return { ...whole, ...found };
}

/** Whether a form is an address, direct or by index: what DW_AT_high_pc is a size without. */
export function isAddressForm(form: number): boolean {
  return form === FORM.addr || form === FORM.addrx || (form >= FORM.addrx1 && form <= FORM.addrx4);
}

function shapeOf(code: number, offset: number, shapes: RandomAccessBytes): Abbreviation | undefined {
  const read = (length: number) => new Abbreviations(shapes.read(offset, length), code).get(code);
  return unlessDamaged(() => read(SHAPE_BYTES)) ?? read(MAX_SHAPE_BYTES);
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
