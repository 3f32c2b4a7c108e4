/**
 * The tree of debugging information entries, each read when somebody asks for it. Sources: DWARF 5 sections 2.1 to 2.3,
 * 7.5.2, 7.5.3. Entries are known by their offset in `.debug_info` and the `.debug_types` behind it. NOT IMPLEMENTED:
 * supplementary files (`.gnu_debugaltlink`), to which references count as missing.
 */
import { ByteReader, damaged, unlessDamaged } from '../byte-reader';
import type { Abbreviation } from './abbreviations';
import { Abbreviations } from './abbreviations';
import type { CompileUnit } from './compile-units';
import { readCompileUnits } from './compile-units';
import { Entry } from './entry';
import { skipForm } from './forms';
import type { DwarfSections } from './sections';
import { ATTRIBUTE, TAG } from './tags';

/** The most that is read of one unit and of its abbreviations, bytes. */
const MAX_UNIT = 0x400_0000;
const MAX_ABBREVIATIONS = 0x10_0000;
/** What nearly every unit's abbreviations fit into, bytes. */
const USUAL_ABBREVIATIONS = 0x8000;
/** Bytes of units that are kept at a time. */
const MAX_KEPT = 0x200_0000;
/** Children of one entry, and entries passed over for one step. */
const MAX_STEPS = 1_000_000;

/** A unit that is read. */
export interface UnitData {
  readonly unit: CompileUnit;
  /** The unit's bytes from its start on; its position means nothing between two reads. */
  readonly reader: ByteReader;
  readonly shapes: Abbreviations;
}

/** All entries of a file. */
export class DebugInfo {
  readonly units: readonly CompileUnit[];
  /** Units by start offset, those used last at the end. */
  private readonly kept = new Map<number, UnitData>();
  private keptBytes = 0;
  private last: UnitData | undefined;
  private bySignature: ReadonlyMap<bigint, number> | undefined;

  /** Reads the headers of all units. */
  constructor(readonly sections: DwarfSections) {
    this.units = readCompileUnits(sections);
  }

  /** The unit that has an offset; undefined if none has. */
  unitAt(offset: number): CompileUnit | undefined {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.units[middle]!.start <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units[low - 1];
    return unit && offset < unit.end ? unit : undefined;
  }

  /** The entry at an offset. Throws the `damaged` error where there is none. */
  entry(offset: number): Entry {
    const unit = this.unitAt(offset);
    const entry = unit && offset >= unit.firstEntry ? this.read(this.data(unit), offset - unit.start) : undefined;
    if (!entry) throw damaged('.debug_info', `there is no entry at offset 0x${offset.toString(16)}`);
    return entry;
  }

  /** The unit's first entry, under which all others are. */
  root(unit: CompileUnit): Entry {
    return this.entry(unit.firstEntry);
  }

  /** The children of an entry, in order. */
  *children(entry: Entry): Generator<Entry> {
    if (!entry.hasChildren) return;
    const data = this.data(entry.unit);
    let position = entry.end;
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const child = this.read(data, position);
      if (!child) return;
      yield child;
      position = this.after(data, child);
    }
  }

  /** The offset of the entry that defines the type with a signature; undefined if there is none. */
  typeWithSignature(signature: bigint): number | undefined {
    this.bySignature ??= new Map(
      this.units.flatMap(({ type, start }) => (type ? [[type.signature, start + type.offset] as const] : [])),
    );
    return this.bySignature.get(signature);
  }

  /** A unit's bytes and the shapes of its entries. Throws the `damaged` error for units above 64 MiB. */
  data(unit: CompileUnit): UnitData {
    if (this.last?.unit === unit) return this.last;
    let data = this.kept.get(unit.start);
    if (data) this.kept.delete(unit.start);
    else {
      data = this.load(unit);
      this.keptBytes += unit.end - unit.start;
    }
    this.kept.set(unit.start, data);
    this.last = data;
    for (const [start, { unit: other }] of this.kept) {
      if (this.keptBytes <= MAX_KEPT || start === unit.start) break;
      this.kept.delete(start);
      this.keptBytes -= other.end - other.start;
    }
    return data;
  }

  /** The shapes of a unit's entries. */
  shapes(unit: CompileUnit): Abbreviations {
    const read = (length: number): Abbreviations =>
      new Abbreviations(this.sections.window('.debug_abbrev').read(unit.abbreviations, length));
    return unlessDamaged(() => read(USUAL_ABBREVIATIONS)) ?? read(MAX_ABBREVIATIONS);
  }

  /** A unit's bytes from its start on, which are not kept. Throws the `damaged` error for units above 64 MiB. */
  unitBytes(unit: CompileUnit): Uint8Array {
    const length = unit.end - unit.start;
    if (length > MAX_UNIT) throw damaged('A unit of .debug_info', 'it is too long');
    return this.sections.entries.read(unit.start, length);
  }

  private load(unit: CompileUnit): UnitData {
    const reader = new ByteReader(this.unitBytes(unit), 'A unit of .debug_info');
    return { unit, reader, shapes: this.shapes(unit) };
  }

  /** The entry at a position in its unit; undefined for the end of a list of children. */
  private read(data: UnitData, position: number): Entry | undefined {
    const { reader, shapes, unit } = data;
    // Some compilers leave out the last ends of lists.
    if (position >= unit.end - unit.start) return undefined;
    reader.position = position;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const shape = shapes.get(code);
    if (!shape) throw reader.error(`an entry in it has the unknown shape ${code}`);
    const positions = positionsOf(shape, reader, unit);
    return new Entry(this, unit, unit.start + position, shape, positions, reader.position);
  }

  /** The position behind an entry and all that is under it. */
  private after(data: UnitData, entry: Entry): number {
    if (!entry.hasChildren) return entry.end;
    const sibling = entry.siblingPosition();
    // Only forward: otherwise a hostile unit could be walked again and again.
    if (sibling !== undefined && sibling >= entry.end) return sibling;
    const { reader, shapes, unit } = data;
    const end = unit.end - unit.start;
    reader.position = entry.end;
    for (let depth = 1, steps = 0; depth > 0 && reader.position < end && steps < MAX_STEPS; steps += 1) {
      const code = reader.uleb();
      if (code === 0) depth -= 1;
      else {
        const shape = shapes.get(code);
        if (!shape) throw reader.error(`an entry in it has the unknown shape ${code}`);
        for (const { form } of shape.attributes) skipForm(reader, form, unit);
        if (shape.hasChildren) depth += 1;
      }
    }
    return reader.position;
  }
}

/** Where each attribute's value lies; leaves the reader behind the last. */
function positionsOf(shape: Abbreviation, reader: ByteReader, unit: CompileUnit): number[] {
  return shape.attributes.map(({ form }) => {
    const position = reader.position;
    skipForm(reader, form, unit);
    return position;
  });
}

/** Whether an entry gives names in it a prefix: `namespace::`, `Class::`. */
export function isScopeOfNames(tag: number): boolean {
  switch (tag) {
    case TAG.namespace:
    case TAG.module:
    case TAG.structureType:
    case TAG.classType:
    case TAG.unionType:
    case TAG.interfaceType:
    case TAG.enumerationType:
      return true;
    default:
      return false;
  }
}

/** The entry that has an attribute: the given one, else its origin or its declaration; undefined if none has. */
export function inherited(info: DebugInfo, entry: Entry, attribute: number): Entry | undefined {
  let from: Entry = entry;
  // A definition refers to a declaration, an inlined copy to its function: chains of two or three.
  for (let depth = 0; depth < 8; depth += 1) {
    if (from.has(attribute)) return from;
    const next = from.reference(ATTRIBUTE.abstractOrigin) ?? from.reference(ATTRIBUTE.specification);
    if (next === undefined) return undefined;
    from = info.entry(next);
  }
  return undefined;
}
