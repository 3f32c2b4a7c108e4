/**
 * Structures, unions, classes and enumerations with their members. Sources: DWARF 5 sections 5.7, 5.8, 5.7.10 (variant
 * parts); DWARF 3 section 5.5.6 (DW_AT_bit_offset). A base class is a member without a name; members that lie at one place
 * with different meanings (Rust's enums) name the number that tells which of them is there. NOT IMPLEMENTED: virtual base
 * classes, whose place the program computes; variants for lists of values (DW_AT_discr_list).
 */
import { ByteReader, damaged } from '../byte-reader';
import type { Enumerator, Member, Type } from '../types/type';
import { baseTypeOf } from './base-types';
import type { Entry } from './entry';
import { FORM } from './forms';
import { ATTRIBUTE, TAG } from './tags';
import type { DwarfTypes } from './types';
import { lazily } from './types';

/** Members of one type; the largest real ones have some thousands. */
const MAX_MEMBERS = 100_000;
/** Variant parts within each other, and names of the integer that an enumeration is. */
const MAX_NESTED = 16;
/** DW_OP_*, as DWARF 2 writes a member's place. */
const OP_CONSTU = 0x10;
const OP_PLUS_UCONST = 0x23;

/** The type of a structure, a union or a class. */
export function aggregateOf(entry: Entry, types: DwarfTypes): Type {
  const kind = entry.tag === TAG.unionType ? 'union' : entry.tag === TAG.classType ? 'class' : 'struct';
  const name = types.names.of(entry);
  // A type that is declared only is looked for when somebody asks what is in it: the names of all units take a second.
  const body = lazily({}, 'entry', () => definitionOf(entry, name, types));
  const whole = lazily({ kind, name } as const, 'size', () => sizeOf(body.entry));
  return lazily(whole, 'members', () => (body.entry ? membersOf(body.entry, types) : []));
}

/** The type of an enumeration. */
export function enumOf(entry: Entry, types: DwarfTypes): Type {
  const name = types.names.of(entry);
  const body = entry.flag(ATTRIBUTE.declaration) ? definitionOf(entry, name, types) : entry;
  const base = body && baseOf(body, types);
  const size = sizeOf(body) ?? (base?.kind === 'integer' ? base.size : 4);
  const told = base?.kind === 'integer' ? base.isSigned : undefined;
  const values = enumeratorsOf(body);
  const isSigned = told ?? values.some(({ value }) => value < 0n);
  const bits = Math.min(64, size * 8);
  const fit = ({ name: valueName, value }: Enumerator): Enumerator => ({
    name: valueName,
    value: isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  });
  return { kind: 'enum', name, size, isSigned, values: values.map(fit) };
}

function strip(type: Type): Type {
  let inner = type;
  for (let depth = 0; depth < 100 && 'to' in inner && inner.kind !== 'pointer'; depth += 1) inner = inner.to;
  return inner;
}

/** What an enumeration is made of, if it says so. */
function baseOf(entry: Entry, types: DwarfTypes): Type | undefined {
  let from = entry;
  for (let depth = 0; depth < MAX_NESTED; depth += 1) {
    const next = from.reference(ATTRIBUTE.type);
    if (next === undefined) return undefined;
    from = types.info.entry(next);
    if (from.tag === TAG.baseType) return baseTypeOf(from);
  }
  return undefined;
}

/** The entry that says what is in a type; undefined if the program only declares it. */
function definitionOf(entry: Entry, name: string | undefined, types: DwarfTypes): Entry | undefined {
  const bySignature = entry.reference(ATTRIBUTE.signature);
  if (bySignature !== undefined) return types.info.entry(bySignature);
  if (!entry.flag(ATTRIBUTE.declaration)) return entry;
  const offset = name === undefined ? undefined : types.definition(entry.tag, name);
  return offset === undefined ? undefined : types.info.entry(offset);
}

function sizeOf(entry: Entry | undefined): number | undefined {
  const bytes = entry?.number(ATTRIBUTE.byteSize);
  const bits = entry?.number(ATTRIBUTE.bitSize);
  return bytes ?? (bits === undefined ? undefined : Math.ceil(bits / 8));
}

function enumeratorsOf(entry: Entry | undefined): Enumerator[] {
  const values: Enumerator[] = [];
  for (const child of entry?.children() ?? []) {
    if (child.tag !== TAG.enumerator) continue;
    values.push({ name: child.string(ATTRIBUTE.name) ?? '', value: child.constant(ATTRIBUTE.constValue) ?? 0n });
    if (values.length > MAX_MEMBERS) throw damaged('.debug_info', 'an enumeration is absurdly big');
  }
  return values;
}

function membersOf(entry: Entry, types: DwarfTypes): Member[] {
  const members: Member[] = [];
  addMembers(entry, types, members, undefined, 0);
  return members;
}

function addMembers(
  parent: Entry,
  types: DwarfTypes,
  members: Member[],
  onlyIf: Member['onlyIf'],
  depth: number,
): void {
  for (const child of parent.children()) {
    if (members.length > MAX_MEMBERS) throw damaged('.debug_info', 'a structure has absurdly many members');
    if (child.tag === TAG.member || child.tag === TAG.inheritance) {
      const member = memberOf(child, types, onlyIf);
      if (member) members.push(member);
    } else if (child.tag === TAG.variantPart && depth < MAX_NESTED) addVariants(child, types, members, depth + 1);
  }
}

/** Undefined for what lies outside of the value: static members, virtual base classes. */
function memberOf(entry: Entry, types: DwarfTypes, onlyIf: Member['onlyIf']): Member | undefined {
  if (entry.flag(ATTRIBUTE.external) || entry.flag(ATTRIBUTE.declaration)) return undefined;
  const bitOffset = bitOffsetOf(entry, types);
  if (bitOffset === undefined) return undefined;
  const name = entry.tag === TAG.inheritance ? undefined : entry.string(ATTRIBUTE.name);
  const bitSize = entry.number(ATTRIBUTE.bitSize);
  const place = { name: name || undefined, bitOffset, bitSize, ...(onlyIf && { onlyIf }) };
  return lazily(place, 'type', () => types.of(entry));
}

function bitOffsetOf(entry: Entry, types: DwarfTypes): number | undefined {
  const inBits = entry.number(ATTRIBUTE.dataBitOffset);
  if (inBits !== undefined) return inBits;
  const start = entry.has(ATTRIBUTE.dataMemberLocation) ? byteOffsetOf(entry) : 0;
  if (start === undefined) return undefined;
  const fromHighest = entry.number(ATTRIBUTE.bitOffset);
  if (fromHighest === undefined) return start * 8;
  // DWARF 2 and 3 count a bit-field's place from the highest bit of the integer that it is a part of.
  const integer = strip(types.of(entry));
  const size = entry.number(ATTRIBUTE.byteSize) ?? ('size' in integer ? integer.size : undefined) ?? 0;
  return start * 8 + size * 8 - fromHighest - (entry.number(ATTRIBUTE.bitSize) ?? 0);
}

function byteOffsetOf(entry: Entry): number | undefined {
  const form = entry.form(ATTRIBUTE.dataMemberLocation);
  // An offset of DWARF 2 and 3 in these forms may be a location list; no compiler writes one for a member.
  if (form === FORM.secOffset || form === FORM.loclistx) return undefined;
  const block = entry.block(ATTRIBUTE.dataMemberLocation);
  if (!block) return entry.number(ATTRIBUTE.dataMemberLocation);
  const reader = new ByteReader(block, "A member's place");
  const operation = reader.u8();
  if (operation !== OP_PLUS_UCONST && operation !== OP_CONSTU) return undefined;
  const offset = reader.uleb();
  return reader.remaining <= 1 ? offset : undefined;
}

function addVariants(part: Entry, types: DwarfTypes, members: Member[], depth: number): void {
  const discriminantAt = part.reference(ATTRIBUTE.discr);
  const discriminantEntry = discriminantAt === undefined ? undefined : types.info.entry(discriminantAt);
  const found = discriminantEntry?.tag === TAG.member ? memberOf(discriminantEntry, types, undefined) : undefined;
  const discriminant =
    found && lazily({ ...withoutType(found), name: found.name ?? '<discriminant>' }, 'type', () => found.type);
  if (discriminant) members.push(discriminant);
  for (const variant of part.children()) {
    if (variant.tag !== TAG.variant) continue;
    const value = variant.constant(ATTRIBUTE.discrValue);
    addMembers(variant, types, members, discriminant && { discriminant, value }, depth);
  }
}

function withoutType({ bitOffset, bitSize }: Member) {
  return { bitOffset, bitSize };
}
