/** The types of a file by name, over an index that is made when it is first needed. See `TypeSource`. */
import type { EnumType, NamedKind, Type, TypeSource } from '../types/type';
import { ByteReader, unlessDamaged } from '../byte-reader';
import { indexedAddress } from './compile-units';
import { DebugInfo, inherited } from './entries';
import { EntryNames } from './entry-names';
import { NameIndex } from './name-index';
import { scanNames } from './name-scan';
import type { NameKind } from './name-table';
import { OP } from './operations';
import type { DwarfSections } from './sections';
import { ATTRIBUTE, TAG } from './tags';
import { DwarfTypes } from './types';

const TYPE_KINDS: readonly NameKind[] = ['struct', 'union', 'class', 'enum', 'typedef', 'base'];
/** C++ declares with either word what it defines with the other. */
const SAME: Partial<Record<NamedKind, NamedKind>> = { struct: 'class', class: 'struct' };
const KIND_OF_TAG = new Map<number, NamedKind>([
  [TAG.structureType, 'struct'],
  [TAG.interfaceType, 'class'],
  [TAG.classType, 'class'],
  [TAG.unionType, 'union'],
  [TAG.enumerationType, 'enum'],
]);

/** All types that `.debug_info` has. */
export class DwarfTypeSource implements TypeSource {
  readonly types: DwarfTypes;
  readonly names: EntryNames;
  readonly info: DebugInfo;
  private index: NameIndex | undefined;

  /** Reads the headers of all units. */
  constructor(private readonly sections: DwarfSections) {
    this.info = new DebugInfo(sections);
    this.names = new EntryNames(this.info);
    this.types = new DwarfTypes(this.info, this.names, (tag, name) => {
      const kind = KIND_OF_TAG.get(tag);
      return kind && this.offsetOf(kind, name);
    });
  }

  typeNamed(kind: NamedKind, name: string): Type | undefined {
    const offset = this.offsetOf(kind, name);
    return offset === undefined ? undefined : this.types.at(offset);
  }

  typeNames(prefix: string, limit: number): string[] {
    return this.nameIndex.names(prefix, TYPE_KINDS, limit);
  }

  typeOfSymbol(name: string, address?: bigint): Type | undefined {
    const variables = this.nameIndex.findAll('variable', name);
    const there = address !== undefined && variables.length > 1;
    const variable =
      (there ? variables.find((offset) => unlessDamaged(() => this.addressOf(offset)) === address) : undefined) ??
      variables[0];
    if (variable !== undefined) return this.types.of(this.info.entry(variable));
    const offset = this.nameIndex.find('function', name);
    if (offset === undefined) return undefined;
    const entry = this.info.entry(offset);
    // A definition apart from its declaration may leave the parameters to that.
    const declared = entry.has(ATTRIBUTE.name) ? entry : (inherited(this.info, entry, ATTRIBUTE.name) ?? entry);
    return this.types.at(
      [...entry.children()].some(({ tag }) => tag === TAG.formalParameter) ? offset : declared.offset,
    );
  }

  enumerator(name: string): { readonly type: EnumType; readonly value: bigint } | undefined {
    const offset = this.nameIndex.find('enumerator', name);
    const type = offset === undefined ? undefined : this.types.at(offset);
    if (type?.kind !== 'enum') return undefined;
    const own = name.slice(name.lastIndexOf(':') + 1);
    const found = type.values.find((one) => one.name === own);
    return found && { type, value: found.value };
  }

  /** The index as bytes that `restoreIndex` takes; undefined as long as nobody has needed it. */
  serialiseIndex(): Uint8Array | undefined {
    return this.index?.serialise(this.sections.entries.size);
  }

  /** Takes the index from bytes; false, and nothing changes, if they are not of this file. */
  restoreIndex(bytes: Uint8Array): boolean {
    const index = NameIndex.restore(bytes, this.sections.entries.size);
    if (index) this.index = index;
    return index !== undefined;
  }

  /** The link address of a variable; undefined if its place is more than an address. */
  private addressOf(offset: number): bigint | undefined {
    const entry = this.info.entry(offset);
    const bytes = entry.block(ATTRIBUTE.location);
    if (!bytes) return undefined;
    const reader = new ByteReader(bytes, 'The place of a variable');
    const operation = reader.u8();
    if (operation === OP.addr) return reader.unsigned(entry.unit.addressSize);
    return operation === OP.addrx ? indexedAddress(reader.uleb(), entry.unit, this.sections) : undefined;
  }

  private offsetOf(kind: NamedKind, name: string): number | undefined {
    const same = SAME[kind];
    return this.nameIndex.find(kind, name) ?? (same && this.nameIndex.find(same, name));
  }

  private get nameIndex(): NameIndex {
    this.index ??= scanNames(this.info);
    return this.index;
  }
}
