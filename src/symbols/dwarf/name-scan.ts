/**
 * Makes the index of a file's names out of one pass over all units. Sources: DWARF 5 sections 3.2, 3.3, 4.1, chapter 5.
 * Definitions count before declarations; a function or a variable is known by its linkage name as well. NOT IMPLEMENTED:
 * `.debug_names` and `.gdb_index`, which would save the pass; local variables with static storage.
 */
import { UserError } from '../../common/errors';
import { ByteReader } from '../byte-reader';
import { buffered } from '../bytes';
import { decodeLatin1 } from '../utf8';
import type { CompileUnit } from './compile-units';
import type { DebugInfo } from './entries';
import { hasNamespaces } from './entry-names';
import type { ScannedEntry, ScanVisitor } from './entry-scan';
import { scanUnit, TextPlace } from './entry-scan';
import type { IndexedName } from './name-index';
import { EVERY_RANK, NameIndex } from './name-index';
import { NAME_KINDS, NameTable } from './name-table';
import { MAX_STRING } from './strings';
import { TAG } from './tags';

const KIND_OF_TAG = new Map<number, number>(
  (
    [
      [TAG.structureType, 'struct'],
      [TAG.unionType, 'union'],
      [TAG.classType, 'class'],
      [TAG.interfaceType, 'class'],
      [TAG.enumerationType, 'enum'],
      [TAG.typedef, 'typedef'],
      [TAG.templateAlias, 'typedef'],
      [TAG.baseType, 'base'],
      [TAG.variable, 'variable'],
      [TAG.subprogram, 'function'],
      [TAG.enumerator, 'enumerator'],
    ] as const
  ).map(([tag, kind]) => [tag, NAME_KINDS.indexOf(kind)]),
);
const FIRST_SYMBOL = NAME_KINDS.indexOf('variable');
const ENUMERATOR = NAME_KINDS.indexOf('enumerator');

/** Texts that do not lie in `.debug_str` have numbers from here on. */
const OWN_TEXTS = 0x8000_0000;
/** Characters of those; only a hostile file has more. */
const MAX_OWN_CHARACTERS = 0x800_0000;
/** Characters of all names together. */
const MAX_CHARACTERS = 0x1000_0000;
/** Variables with a place; a kernel has a hundred thousand. */
const MAX_LOCATED = 4_000_000;
/** Offsets of entries are kept in 32 bits. */
const MAX_ENTRIES = 0xffff_ffff;
const DEFINED = 1;
const DECLARED = 0;

/** A name before its text is read. */
interface IndexedPlace {
  readonly text: number;
  readonly kind: number;
  readonly offset: number;
  readonly rank: number;
}

/** Passes over all units; damaged ones are left out from where they are damaged. Takes a second for a kernel. */
export function scanNames(info: DebugInfo): NameIndex {
  const scan = new NameScan(info);
  for (const unit of info.units) scan.add(unit);
  return scan.finish();
}

class NameScan implements ScanVisitor {
  private readonly table = new NameTable();
  private readonly ownTexts: string[] = [];
  private readonly ownIds = new Map<string, number>();
  private ownCharacters = 0;
  private readonly strings;
  private unit: CompileUnit | undefined;
  private bytes: Uint8Array = new Uint8Array(0);
  /** `ns::Class::` of the scopes that are open. */
  private prefixes: string[] = [];
  /** Variables with a place: several `static` ones can share a name. */
  private readonly located: IndexedPlace[] = [];
  /** Offset of the enumeration that is open. */
  private enumeration = 0;
  /** Names of declarations by position, for the definitions that refer to them. */
  private readonly declared = new Map<number, number>();
  private isQualified = false;

  constructor(private readonly info: DebugInfo) {
    this.strings = buffered(info.sections.contents('.debug_str'), 0x10_0000);
  }

  add(unit: CompileUnit): void {
    if (unit.end > MAX_ENTRIES) return;
    this.unit = unit;
    this.isQualified = hasNamespaces(unit);
    this.prefixes = [''];
    this.declared.clear();
    try {
      const wanted = (tag: number): boolean => KIND_OF_TAG.has(tag);
      this.bytes = this.info.unitBytes(unit);
      scanUnit(unit, this.bytes, this.info.shapes(unit), wanted, this.isQualified, this);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }

  finish(): NameIndex {
    const places = this.located;
    this.table.forEach((text, kind, offset, rank) => places.push({ text, kind, offset, rank }));
    // In the order of the section each of its windows is read once.
    places.sort((a, b) => a.text - b.text);
    const names: IndexedName[] = [];
    let characters = 0;
    for (const { text, kind, offset, rank } of places) {
      const name = text >= OWN_TEXTS ? this.ownTexts[text - OWN_TEXTS]! : this.stringAt(text);
      characters += name.length;
      if (name !== '' && characters <= MAX_CHARACTERS) names.push({ text: name, kind, offset, rank });
    }
    return NameIndex.of(names);
  }

  visit(entry: ScannedEntry): void {
    const kind = KIND_OF_TAG.get(entry.tag)!;
    if (kind === ENUMERATOR) {
      if (entry.namePlace !== TextPlace.none) this.table.add(this.nameOf(entry), kind, this.enumeration, DEFINED);
      return;
    }
    const isType = kind < FIRST_SYMBOL;
    if (isType && entry.isDeclaration) return;
    const offset = this.unit!.start + entry.position;
    const rank = entry.isDeclaration ? DECLARED : DEFINED;
    if (entry.linkagePlace !== TextPlace.none) {
      this.table.add(this.plainText(entry.linkagePlace, entry.linkageName), kind, offset, rank);
    }
    if (entry.namePlace !== TextPlace.none) {
      const text = this.nameOf(entry);
      this.note(text, kind, offset, rank, entry);
      // Without a linkage name the symbol has the plain one, wherever it is declared: `extern "C"`, `no_mangle`.
      const isPlain = !isType && entry.linkagePlace === TextPlace.none && this.prefixes.at(-1) !== '';
      if (isPlain) this.table.add(this.plainText(entry.namePlace, entry.name), kind, offset, DECLARED);
      if (!isType && entry.isDeclaration) this.declared.set(entry.position, text);
    } else if (entry.specification > 0) {
      const text = this.declared.get(entry.specification);
      if (text !== undefined) this.note(text, kind, offset, rank, entry);
    }
  }

  private note(text: number, kind: number, offset: number, rank: number, { isLocated }: ScannedEntry): void {
    if (!isLocated || kind !== FIRST_SYMBOL) this.table.add(text, kind, offset, rank);
    else if (this.located.length < MAX_LOCATED) this.located.push({ text, kind, offset, rank: EVERY_RANK });
  }

  enter(scope: ScannedEntry): void {
    if (scope.tag === TAG.enumerationType) {
      // Its constants are names of what is around it.
      this.enumeration = this.unit!.start + scope.position;
      this.prefixes.push(this.prefixes.at(-1)!);
      return;
    }
    const name =
      scope.namePlace === TextPlace.none ? '(anonymous namespace)' : this.textAt(scope.namePlace, scope.name);
    this.prefixes.push(`${this.prefixes.at(-1)!}${name}::`);
  }

  leave(): void {
    this.prefixes.pop();
  }

  private nameOf(entry: ScannedEntry): number {
    const prefix = this.prefixes.at(-1)!;
    if (prefix === '') return this.plainText(entry.namePlace, entry.name);
    return this.ownText(prefix + this.textAt(entry.namePlace, entry.name));
  }

  /** The number of a text that lies where an entry says. */
  private plainText(place: TextPlace, at: number): number {
    if (place === TextPlace.strings && at < OWN_TEXTS) return at;
    return this.ownText(this.textAt(place, at));
  }

  private ownText(text: string): number {
    let id = this.ownIds.get(text);
    if (id === undefined) {
      this.ownCharacters += text.length;
      if (this.ownCharacters > MAX_OWN_CHARACTERS)
        throw new ByteReader(this.bytes, '.debug_info').error('its names are absurdly long');
      id = OWN_TEXTS + this.ownTexts.length;
      this.ownTexts.push(text);
      this.ownIds.set(text, id);
    }
    return id;
  }

  private textAt(place: TextPlace, at: number): string {
    if (place === TextPlace.unit) return textIn(this.bytes, at);
    if (place === TextPlace.strings) return this.stringAt(at);
    return this.stringAt(this.info.sections.stringOffset(at, this.unit!));
  }

  private stringAt(offset: number): string {
    return textIn(this.strings.read(offset, MAX_STRING), 0);
  }
}

/** The text up to its zero byte, each byte a character; empty if it has no end within 4 KiB. */
function textIn(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  return end < 0 || end - start > MAX_STRING ? '' : decodeLatin1(bytes.subarray(start, end));
}
