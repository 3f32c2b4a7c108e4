/**
 * BTF: the types of a kernel or of a module, as the kernel carries them for itself (`.BTF`, /sys/kernel/btf). Source: Linux
 * Documentation/bpf/btf.rst. Only where each type lies is read at once; types are made when they are asked for. BTF has
 * the prototypes of functions and of variables only those of per-CPU data. NOT IMPLEMENTED: which source file a type is of.
 */
import type { ElfFile } from '../elf/elf-file';
import type { EnumType, NamedKind, Type, TypeSource } from '../types/type';
import { type BtfId, type BtfKind, BtfTable, damagedBtf } from './btf-table';
import { type BtfContext, makeType } from './btf-types';
import { kallsymsAddress, type Kallsyms } from './kallsyms';
import { readAll, type ReadLinear } from './linear-memory';

/** The kinds of records that a kind of name stands for; declarations are none. */
const RECORDS: Readonly<Record<NamedKind, readonly BtfKind[]>> = {
  struct: ['struct'],
  union: ['union'],
  class: [],
  enum: ['enum', 'enum64'],
  typedef: ['typedef'],
  base: ['integer', 'float'],
};
const TYPES: readonly BtfKind[] = Object.values(RECORDS).flat();
const SYMBOLS: readonly BtfKind[] = ['function', 'variable'];
/** Integers of a word of the machine. */
const WORDS = ['long int', 'long unsigned int', 'long', 'unsigned long'];
/** Characters of all names together: more than any kernel's. */
const MAX_NAMES = 0x400_0000;
/** The most that is read from a guest, bytes. */
const MAX_BYTES = 0x400_0000n;
const PER_CPU = '.data..percpu';

/** A variable's place among the per-CPU data. */
export interface PerCpuVariable {
  readonly type: Type;
  /** Bytes from the start of the per-CPU section. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** The types of a kernel, or of a module on top of them. */
export class Btf implements TypeSource, BtfContext {
  readonly table: BtfTable;
  /** Bytes. */
  readonly pointerSize: number;
  private readonly made = new Map<BtfId, Type>();
  private index: ReadonlyMap<string, readonly BtfId[]> | undefined;
  private sortedNames: readonly string[] | undefined;
  private perCpu: ReadonlyMap<string, PerCpuVariable> | undefined;
  private enumerators: ReadonlyMap<string, BtfId> | undefined;

  /** `base` are the kernel's types, for a module's. Throws the `damaged` UserError. */
  constructor(
    bytes: Uint8Array,
    private readonly base?: Btf,
  ) {
    this.table = new BtfTable(bytes, base?.table);
    this.pointerSize = base?.pointerSize ?? this.wordSize();
  }

  /** The number after the last type's. */
  get end(): BtfId {
    return this.table.end;
  }

  /** The type with a number, 0 for `void`. Throws the `damaged` UserError for one that is not there. */
  type(id: BtfId): Type {
    if (this.base && id < this.table.first) return this.base.type(id);
    let type = this.made.get(id);
    if (!type) {
      type = makeType(this, id);
      this.made.set(id, type);
    }
    return type;
  }

  typeNamed(kind: NamedKind, name: string): Type | undefined {
    const ids = this.named(name, RECORDS[kind]);
    // An enumeration without values is declared only.
    const id = ids.find((one) => kind !== 'enum' || this.table.head(one).parts > 0) ?? ids[0];
    return id === undefined ? this.base?.typeNamed(kind, name) : this.type(id);
  }

  typeNames(prefix: string, limit: number): string[] {
    const names = (this.sortedNames ??= [...this.names]
      .filter(([, ids]) => ids.some((id) => TYPES.includes(this.table.head(id).kind)))
      .map(([name]) => name)
      .sort());
    let low = 0;
    let high = names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (names[middle]! < prefix) low = middle + 1;
      else high = middle;
    }
    const found: string[] = [];
    for (let at = low; found.length < limit && names[at]?.startsWith(prefix); at += 1) found.push(names[at]!);
    if (!this.base) return found;
    return [...new Set([...found, ...this.base.typeNames(prefix, limit)])].sort().slice(0, limit);
  }

  typeOfSymbol(name: string): Type | undefined {
    const [id] = this.named(name, SYMBOLS);
    return id === undefined ? this.base?.typeOfSymbol(name) : this.type(id);
  }

  enumerator(name: string): { readonly type: EnumType; readonly value: bigint } | undefined {
    this.enumerators ??= this.enumerationsOfValues();
    const id = this.enumerators.get(name);
    const type = id === undefined ? undefined : this.type(id);
    if (type?.kind !== 'enum') return this.base?.enumerator(name);
    const found = type.values.find((one) => one.name === name);
    return found && { type, value: found.value };
  }

  /** The per-CPU variable of a name: every CPU has one, at its own base. */
  perCpuVariable(name: string): PerCpuVariable | undefined {
    this.perCpu ??= this.perCpuVariables();
    return this.perCpu.get(name) ?? this.base?.perCpuVariable(name);
  }

  /** This table's own types of a name. */
  private named(name: string, kinds: readonly BtfKind[]): BtfId[] {
    return this.names.get(name)?.filter((id) => kinds.includes(this.table.head(id).kind)) ?? [];
  }

  private get names(): ReadonlyMap<string, readonly BtfId[]> {
    return (this.index ??= this.namesOfAll());
  }

  /** The enumeration that each constant is of; of several the first. */
  private enumerationsOfValues(): Map<string, BtfId> {
    const enumerations = new Map<string, BtfId>();
    let total = 0;
    for (let id = this.table.first; id < this.table.end; id += 1) {
      const { kind, parts } = this.table.head(id);
      if (kind !== 'enum' && kind !== 'enum64') continue;
      const body = this.table.body(id);
      for (let part = 0; part < parts; part += 1) {
        const name = this.table.name(body.u32());
        body.skip(kind === 'enum' ? 4 : 8);
        total += name.length;
        if (total > MAX_NAMES) throw damagedBtf('its names are too long');
        if (!enumerations.has(name)) enumerations.set(name, id);
      }
    }
    return enumerations;
  }

  private namesOfAll(): Map<string, BtfId[]> {
    const names = new Map<string, BtfId[]>();
    let total = 0;
    for (let id = this.table.first; id < this.table.end; id += 1) {
      const { kind, name: offset } = this.table.head(id);
      if (offset === 0 || !(TYPES.includes(kind) || SYMBOLS.includes(kind))) continue;
      const name = this.table.name(offset);
      total += name.length;
      if (total > MAX_NAMES) throw damagedBtf('its names are too long');
      const ids = names.get(name);
      if (ids) ids.push(id);
      else names.set(name, [id]);
    }
    return names;
  }

  private perCpuVariables(): Map<string, PerCpuVariable> {
    const variables = new Map<string, PerCpuVariable>();
    for (let id = this.table.first; id < this.table.end; id += 1) {
      const { kind, name, parts } = this.table.head(id);
      if (kind !== 'section' || this.table.name(name) !== PER_CPU) continue;
      const body = this.table.body(id);
      for (let part = 0; part < parts; part += 1) {
        const variable = body.u32();
        const offset = body.u32();
        const size = body.u32();
        const type = (): Type => this.type(variable);
        variables.set(this.table.name(this.table.head(variable).name), {
          get type() {
            return type();
          },
          offset,
          size,
        });
      }
    }
    return variables;
  }

  private wordSize(): number {
    for (let id = this.table.first; id < this.table.end; id += 1) {
      const { kind, name, value } = this.table.head(id);
      if (kind === 'integer' && WORDS.includes(this.table.name(name))) return value === 4 ? 4 : 8;
    }
    return 8;
  }
}

/** The types in a vmlinux; undefined if it has none. Throws the `damaged` UserError. */
export function btfOfElf(elf: ElfFile): Btf | undefined {
  const contents = elf.contentsOf('.BTF');
  return contents && contents.size > 0 && contents.size <= MAX_BYTES
    ? new Btf(contents.read(0, contents.size))
    : undefined;
}

/** The types of a kernel that runs, found by its symbols; undefined if it has none, or they are not in memory. */
export async function readBtf(read: ReadLinear, kallsyms: Kallsyms): Promise<Btf | undefined> {
  const start = kallsymsAddress(kallsyms, '__start_BTF');
  const end = kallsymsAddress(kallsyms, '__stop_BTF');
  if (start === undefined || end === undefined || end <= start || end - start > MAX_BYTES) return undefined;
  const bytes = await readAll(read, start, Number(end - start));
  return bytes && new Btf(bytes);
}
