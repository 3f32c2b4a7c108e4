/**
 * Which function, or which inlined copy of one, an address belongs to. Sources: DWARF 5 sections 2.3, 3.3, 3.5 and 7.5.2
 * (the tree of entries). Only branches that hold one of the addresses are walked; the rest is passed over by its sibling
 * reference where the compiler wrote one.
 */
import { ByteReader } from '../byte-reader';
import type { Abbreviation } from './abbreviations';
import { Abbreviations } from './abbreviations';
import type { CompileUnit } from './compile-units';
import { isAddressForm, readAddress } from './compile-units';
import { FORM, readNumber, skipForm } from './forms';
import type { AddressRange } from './range-lists';
import { rangeListOffset, readRanges } from './range-lists';
import type { DwarfSections } from './sections';
import { ATTRIBUTE, TAG } from './tags';

/** The most that is read of one unit and of its abbreviations, bytes. */
const MAX_UNIT = 0x100_0000;
const MAX_ABBREVIATIONS = 0x10_0000;
/** The most comparisons of an address with a range in one walk. */
const MAX_COMPARISONS = 10_000_000;

/** An entry as far as it matters here. */
interface Entry {
  /** An inlined copy that was called on the line that is asked about. */
  readonly isCalledHere: boolean;
  readonly ranges: readonly AddressRange[] | undefined;
  /** Where its next sibling begins, bytes after the unit's start; undefined if it does not say. */
  readonly sibling: number | undefined;
}

/** A source line by the file numbers of a unit's line table. */
export interface UnitLine {
  readonly line: number;
  isFile(file: number): boolean;
}

/**
 * Of places where a line begins, for each address the offset in `.debug_info` of the innermost function or inlined copy that holds it; 0 where none
 * does. A copy that was called on that very line does not count, as the line begins before it although its code may be at
 * the same address. Throws a UserError for damage and for units above 16 MiB.
 */
export function inlineCopiesAt(
  addresses: readonly bigint[],
  line: UnitLine,
  unit: CompileUnit,
  sections: DwarfSections,
): readonly number[] {
  return new EntryWalk(addresses, line, unit, sections).run();
}

/** One walk over a unit's entries. */
class EntryWalk {
  private readonly reader: ByteReader;
  private readonly shapes: Abbreviations;
  private readonly found: number[];
  private comparisons = 0;

  constructor(
    private readonly addresses: readonly bigint[],
    private readonly line: UnitLine,
    private readonly unit: CompileUnit,
    private readonly sections: DwarfSections,
  ) {
    const length = unit.end - unit.start;
    this.reader = new ByteReader(
      sections.entries.read(unit.start, Math.min(length, MAX_UNIT)),
      'A unit of .debug_info',
      unit.firstEntry - unit.start,
    );
    if (length > MAX_UNIT) throw this.reader.error('it is too long');
    const shapes = sections.contents('.debug_abbrev').read(unit.abbreviations, MAX_ABBREVIATIONS);
    this.shapes = new Abbreviations(shapes);
    this.found = addresses.map(() => 0);
  }

  run(): readonly number[] {
    const { reader } = this;
    // How deep the walk is, and how deep below an entry that is of no interest (0: not below one).
    let depth = 0;
    let ignored = 0;
    while (reader.remaining > 0) {
      const offset = reader.position;
      const code = reader.uleb();
      if (code === 0) {
        depth -= 1;
        if (depth < ignored) ignored = 0;
        if (depth <= 0) break;
        continue;
      }
      const shape = this.shapes.get(code);
      if (!shape) throw reader.error(`an entry in it has the unknown shape ${code}`);
      const entry = this.entry(shape);
      const isWanted = ignored === 0 && this.isWanted(shape.tag, entry, offset);
      if (!shape.hasChildren) {
        if (depth === 0) break;
        continue;
      }
      // Only forward: otherwise a hostile unit could be walked again and again.
      if (!isWanted && entry.sibling !== undefined && entry.sibling >= reader.position) {
        reader.skip(entry.sibling - reader.position);
        continue;
      }
      depth += 1;
      if (!isWanted && ignored === 0) ignored = depth;
    }
    return this.found;
  }

  /** Whether the walk goes into an entry; notes a function or a copy at the addresses that it holds. */
  private isWanted(tag: number, { ranges, isCalledHere }: Entry, offset: number): boolean {
    switch (tag) {
      case TAG.compileUnit:
      case TAG.partialUnit:
      case TAG.module:
      case TAG.namespace:
        return true;
      case TAG.lexicalBlock:
        return !ranges || this.holdsAny(ranges);
      case TAG.subprogram:
      case TAG.inlinedSubroutine:
        if (!ranges || isCalledHere || !this.holdsAny(ranges)) return false;
        for (const [index, address] of this.addresses.entries()) {
          if (holds(ranges, address)) this.found[index] = this.unit.start + offset;
        }
        return true;
      default:
        return false;
    }
  }

  private holdsAny(ranges: readonly AddressRange[]): boolean {
    return this.addresses.some((address) => holds(ranges, address));
  }

  /** Reads an entry's attributes. */
  private entry(shape: Abbreviation): Entry {
    const { reader, unit } = this;
    const hasCode =
      shape.tag === TAG.subprogram || shape.tag === TAG.inlinedSubroutine || shape.tag === TAG.lexicalBlock;
    let sibling: number | undefined;
    let low: bigint | undefined;
    let high: bigint | undefined;
    let size: number | undefined;
    let ranges: readonly AddressRange[] | undefined;
    let callFile: number | undefined;
    let callLine: number | undefined;
    for (const { name, form, implicit } of shape.attributes) {
      if (name === ATTRIBUTE.sibling) sibling = readNumber(reader, form, unit);
      else if (hasCode && name === ATTRIBUTE.lowPc) low = readAddress(reader, form, unit, this.sections);
      else if (hasCode && name === ATTRIBUTE.highPc) {
        if (form === FORM.implicitConst) size = implicit;
        else if (isAddressForm(form)) high = readAddress(reader, form, unit, this.sections);
        else size = readNumber(reader, form, unit);
      } else if (hasCode && name === ATTRIBUTE.ranges) ranges = this.ranges(form);
      else if (name === ATTRIBUTE.callFile)
        callFile = form === FORM.implicitConst ? implicit : readNumber(reader, form, unit);
      else if (name === ATTRIBUTE.callLine)
        callLine = form === FORM.implicitConst ? implicit : readNumber(reader, form, unit);
      else skipForm(reader, form, unit);
    }
    if (!ranges && low !== undefined) {
      const end = high ?? low + BigInt(Math.trunc(size ?? 0));
      ranges = [{ start: low, end }];
    }
    this.comparisons += (ranges?.length ?? 0) * this.addresses.length;
    if (this.comparisons > MAX_COMPARISONS) throw reader.error('it has absurdly many address ranges');
    const isCalledHere = callLine === this.line.line && callFile !== undefined && this.line.isFile(callFile);
    return { ranges, sibling, isCalledHere };
  }

  private ranges(form: number): readonly AddressRange[] | undefined {
    const value = readNumber(this.reader, form, this.unit);
    if (value === undefined) return undefined;
    const offset = form === FORM.rnglistx ? rangeListOffset(value, this.unit, this.sections) : value;
    return readRanges(offset, this.unit, this.sections);
  }
}

function holds(ranges: readonly AddressRange[], address: bigint): boolean {
  return ranges.some(({ start, end }) => start <= address && address < end);
}
