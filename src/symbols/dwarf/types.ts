/**
 * Types out of entries, each made when somebody asks for it. Sources: DWARF 5 chapter 5, DWARF 4 section 5.5.6 for older
 * bit-fields. A type that is only declared where it is used is the program's first definition of that name.
 *
 * NOT IMPLEMENTED: pointers to members (shown as numbers), decimal floating point (shown as an integer), strides, bounds
 * that the program computes (arrays of variable length have no count), types of languages without a C ABI.
 */
import { damaged } from '../byte-reader';
import type { Type } from '../types/type';
import { aggregateOf, enumOf } from './aggregates';
import { baseTypeOf } from './base-types';
import type { DebugInfo } from './entries';
import { inherited } from './entries';
import type { Entry } from './entry';
import type { EntryNames } from './entry-names';
import { ATTRIBUTE, TAG } from './tags';

/** Finds the definition of a declared type: an entry's offset. */
export type FindDefinition = (tag: number, name: string) => number | undefined;

/** Qualifiers, other names and arrays in a row; programs have a few. */
const MAX_CHAIN = 100;
/** Dimensions of one array, and parameters of one function. */
const MAX_PARTS = 1000;

const VOID: Type = { kind: 'void' };
const QUALIFIERS = new Map([
  [TAG.constType, 'const'],
  [TAG.volatileType, 'volatile'],
  [TAG.restrictType, 'restrict'],
  [TAG.atomicType, 'atomic'],
] as const) as ReadonlyMap<number, 'const' | 'volatile' | 'restrict' | 'atomic'>;

/** Types that are not what another one is, with something added. */
const ENDS = new Set<number>([
  TAG.baseType,
  TAG.pointerType,
  TAG.referenceType,
  TAG.rvalueReferenceType,
  TAG.structureType,
  TAG.interfaceType,
  TAG.classType,
  TAG.unionType,
  TAG.enumerationType,
  TAG.subroutineType,
  TAG.subprogram,
  TAG.pointerToMemberType,
  TAG.unspecifiedType,
]);

/** The types of a file's entries; the same entry is the same object. */
export class DwarfTypes {
  private readonly known = new Map<number, Type>();

  constructor(
    readonly info: DebugInfo,
    readonly names: EntryNames,
    readonly definition: FindDefinition,
  ) {}

  /** The type that an entry defines. Throws the `damaged` error. */
  at(offset: number): Type {
    let type = this.known.get(offset);
    if (!type) {
      const entry = this.info.entry(offset);
      this.checkChain(entry);
      type = this.make(entry);
      this.known.set(offset, type);
    }
    return type;
  }

  /** The type that an entry has, itself or by its declaration or origin: `void` if none. */
  of(entry: Entry): Type {
    const offset = inherited(this.info, entry, ATTRIBUTE.type)?.reference(ATTRIBUTE.type);
    return offset === undefined ? VOID : this.at(offset);
  }

  private make(entry: Entry): Type {
    const qualifier = QUALIFIERS.get(entry.tag);
    if (qualifier) return lazily({ kind: qualifier }, 'to', () => this.of(entry));
    const pointer = (isReference?: true): Type =>
      lazily(
        {
          kind: 'pointer',
          size: entry.number(ATTRIBUTE.byteSize) ?? entry.unit.addressSize,
          ...(isReference && { isReference }),
        },
        'to',
        () => this.of(entry),
      );
    switch (entry.tag) {
      case TAG.baseType:
        return baseTypeOf(entry);
      case TAG.pointerType:
        return pointer();
      case TAG.referenceType:
      case TAG.rvalueReferenceType:
        return pointer(true);
      case TAG.structureType:
      case TAG.interfaceType:
      case TAG.classType:
      case TAG.unionType:
        return aggregateOf(entry, this);
      case TAG.enumerationType:
        return enumOf(entry, this);
      case TAG.typedef:
      case TAG.templateAlias:
        return lazily({ kind: 'typedef', name: this.names.of(entry) ?? '' }, 'to', () => this.of(entry));
      case TAG.arrayType:
        return this.array(entry);
      case TAG.subroutineType:
      case TAG.subprogram:
        return this.function(entry);
      case TAG.pointerToMemberType:
        return {
          kind: 'integer',
          name: 'pointer to member',
          size: entry.unit.addressSize,
          isSigned: true,
          shown: 'number',
        };
      case TAG.unspecifiedType:
        return VOID;
      default:
        // What C does not have counts as what it is made from: subranges, packed types.
        return this.of(entry);
    }
  }

  private array(entry: Entry): Type {
    const counts: (number | undefined)[] = [];
    for (const child of entry.children()) {
      if (child.tag === TAG.subrangeType) counts.push(countOf(child));
      if (counts.length > MAX_PARTS) throw damaged('.debug_info', 'an array has absurdly many dimensions');
    }
    if (counts.length === 0) counts.push(undefined);
    const dimension = (index: number): Type =>
      lazily({ kind: 'array', count: counts[index] }, 'of', () =>
        index + 1 < counts.length ? dimension(index + 1) : this.of(entry),
      );
    return dimension(0);
  }

  private function(entry: Entry): Type {
    return lazily(
      lazily({ kind: 'function', isVariadic: hasChild(entry, TAG.unspecifiedParameters) }, 'returns', () =>
        this.of(entry),
      ),
      'parameters',
      () =>
        [...entry.children()]
          .filter(({ tag }) => tag === TAG.formalParameter)
          .slice(0, MAX_PARTS)
          .map((parameter) => ({
            name: inherited(this.info, parameter, ATTRIBUTE.name)?.string(ATTRIBUTE.name),
            type: this.of(parameter),
          })),
    );
  }

  /** Types that are made of one other must not lead back to themselves: whoever strips them would never end. */
  private checkChain(entry: Entry): void {
    let from = entry;
    for (let length = 0; length < MAX_CHAIN; length += 1) {
      if (ENDS.has(from.tag)) return;
      const next = inherited(this.info, from, ATTRIBUTE.type)?.reference(ATTRIBUTE.type);
      if (next === undefined) return;
      from = this.info.entry(next);
    }
    throw damaged('.debug_info', 'a type is made of itself');
  }
}

/** Adds a property that is computed when it is first read. */
export function lazily<Made extends object, Key extends string, Value>(
  object: Made,
  key: Key,
  compute: () => Value,
): Made & Readonly<Record<Key, Value>> {
  Object.defineProperty(object, key, {
    enumerable: true,
    configurable: true,
    get: () => {
      const value = compute();
      Object.defineProperty(object, key, { enumerable: true, value });
      return value;
    },
  });
  return object as Made & Readonly<Record<Key, Value>>;
}

function hasChild(entry: Entry, wanted: number): boolean {
  for (const { tag } of entry.children()) if (tag === wanted) return true;
  return false;
}

/** Elements of a dimension; undefined where the program does not say, or computes it. */
function countOf(subrange: Entry): number | undefined {
  const count = subrange.constant(ATTRIBUTE.count);
  const upper = subrange.constant(ATTRIBUTE.upperBound);
  const lower = subrange.constant(ATTRIBUTE.lowerBound) ?? 0n;
  const found = count ?? (upper === undefined ? undefined : signedBound(upper) - lower + 1n);
  return found === undefined || found < 0n || found > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(found);
}

/** Compilers write the bound -1 of an array without elements as all ones. */
function signedBound(bound: bigint): bigint {
  return bound === 0xffff_ffffn || bound === 0xffff_ffff_ffff_ffffn ? -1n : bound;
}
