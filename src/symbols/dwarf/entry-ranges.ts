/** The addresses of an entry or a unit, in one piece or in several. DWARF 5 section 2.17. */
import type { CompileUnit } from './compile-units';
import { isAddressForm } from './compile-units';
import type { Entry } from './entry';
import { FORM } from './forms';
import type { AddressRange } from './range-lists';
import { rangeListOffset, readRanges } from './range-lists';
import type { DwarfSections } from './sections';
import { ATTRIBUTE } from './tags';

/** The link addresses of an entry; undefined if it has none. Throws the `damaged` error. */
export function rangesOf(entry: Entry, sections: DwarfSections): readonly AddressRange[] | undefined {
  const form = entry.form(ATTRIBUTE.ranges);
  const list = form === undefined ? undefined : entry.number(ATTRIBUTE.ranges);
  if (form !== undefined && list !== undefined) return listed({ form, value: list }, entry.unit, sections);
  const start = entry.address(ATTRIBUTE.lowPc);
  if (start === undefined) return undefined;
  const high = entry.form(ATTRIBUTE.highPc);
  const isAddress = high !== undefined && isAddressForm(high);
  return range(start, isAddress ? entry.address(ATTRIBUTE.highPc) : entry.constant(ATTRIBUTE.highPc));
}

/** The link addresses of a unit; undefined if it does not say. Throws the `damaged` error. */
export function rangesOfUnit(unit: CompileUnit, sections: DwarfSections): readonly AddressRange[] | undefined {
  if (unit.ranges) return listed(unit.ranges, unit, sections);
  if (unit.highPc === undefined) return undefined;
  return range(unit.lowPc, typeof unit.highPc === 'number' ? BigInt(Math.trunc(unit.highPc)) : unit.highPc);
}

/** Whether one of the ranges has an address. */
export function holds(ranges: readonly AddressRange[], address: bigint): boolean {
  return ranges.some(({ start, end }) => start <= address && address < end);
}

function listed(
  { form, value }: { readonly form: number; readonly value: number },
  unit: CompileUnit,
  sections: DwarfSections,
): AddressRange[] {
  const offset = form === FORM.rnglistx ? rangeListOffset(value, unit, sections) : value;
  return readRanges(offset, unit, sections).filter(({ start, end }) => start < end);
}

/** From `start` to an end that is an address (above it) or, as bytes, lies below it. */
function range(start: bigint, high: bigint | undefined): readonly AddressRange[] {
  if (high === undefined) return [];
  return high === 0n ? [] : [{ start, end: high > start ? high : start + high }];
}
