/**
 * Structures in a guest's memory, taken apart by the types that the guest's kernel tells of itself, so that no offset
 * depends on a version of Linux. What memory holds is not trusted: sizes are bounded, and what does not fit is undefined.
 */
import { readAll, type ReadLinear } from '../../symbols/kernel/linear-memory';
import { memberNamed } from '../../symbols/types/members';
import { completed, isAggregate, plain, sizeOf } from '../../symbols/types/plain';
import type { AggregateType, ArrayType, Type, TypeSource } from '../../symbols/types/type';
import { decodeUtf8 } from '../../symbols/utf8';

/** The most that is read of one structure, bytes. */
const MAX_STRUCT = 0x1_0000;

/** What is known of a guest that runs Linux. */
export interface LinuxGuest {
  readonly read: ReadLinear;
  readonly types: TypeSource;
  /** Where a symbol of the kernel lies: a linear address. */
  symbol(name: string): bigint | undefined;
}

/** A part of a structure. */
interface Part {
  readonly type: Type;
  /** From the structure's start. */
  readonly bitOffset: number;
  readonly bitSize: number | undefined;
}

/** The bytes of a structure and what they mean. Paths are as in C: `list.next`, `mem[2].size`. */
export class GuestStruct {
  private constructor(
    readonly type: AggregateType,
    /** Linear address. */
    readonly address: bigint,
    private readonly bytes: Uint8Array,
  ) {}

  /** Reads a structure; undefined if it is not in memory, or too large. */
  static async read(read: ReadLinear, type: AggregateType, address: bigint): Promise<GuestStruct | undefined> {
    if (!type.size || type.size > MAX_STRUCT) return undefined;
    const bytes = await readAll(read, address, type.size);
    return bytes && new GuestStruct(type, address, bytes);
  }

  /** An integer, a pointer or an enumeration; unsigned. */
  number(path: string): bigint | undefined {
    const part = this.find(path);
    const type = part && plain(part.type);
    if (!type || (type.kind !== 'integer' && type.kind !== 'pointer' && type.kind !== 'enum')) return undefined;
    const { bitOffset, bitSize = 8 * type.size } = part;
    const first = Math.floor(bitOffset / 8);
    const end = Math.ceil((bitOffset + bitSize) / 8);
    if (bitSize > 64 || end > this.bytes.length) return undefined;
    let value = 0n;
    for (let at = end - 1; at >= first; at -= 1) value = (value << 8n) | BigInt(this.bytes[at]!);
    return BigInt.asUintN(bitSize, value >> BigInt(bitOffset % 8));
  }

  /** The name of an enumeration's value; undefined if it has none. */
  enumerator(path: string): string | undefined {
    const part = this.find(path);
    const type = part && plain(part.type);
    const value = this.number(path);
    if (type?.kind !== 'enum' || value === undefined) return undefined;
    const bits = 8 * type.size;
    return type.values.find((one) => BigInt.asUintN(bits, one.value) === value)?.name;
  }

  /** An array of characters up to its zero byte. */
  text(path: string): string | undefined {
    const part = this.find(path);
    const size = part && sizeOf(part.type);
    if (!part || size === undefined) return undefined;
    const bytes = this.bytes.subarray(part.bitOffset / 8, part.bitOffset / 8 + size);
    const end = bytes.indexOf(0);
    return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
  }

  private find(path: string): Part | undefined {
    return partOf(this.type, path);
  }
}

/** The structure of a name, as the guest's kernel defines it. */
export function structNamed({ types }: Pick<LinuxGuest, 'types'>, name: string): AggregateType | undefined {
  const type = types.typeNamed('struct', name);
  const found = type && plain(type);
  return found && isAggregate(found) ? found : undefined;
}

/** Bytes of a pointer of the guest's kernel. */
export function pointerSize(guest: Pick<LinuxGuest, 'types'>): 4 | 8 {
  return structNamed(guest, 'list_head')?.size === 8 ? 4 : 8;
}

/** Bytes from a structure's start to a member; undefined if it has none of this path. */
export function offsetOf(type: AggregateType, path: string): number | undefined {
  const part = partOf(type, path);
  return part && part.bitOffset / 8;
}

/** The structure that a pointer among the members points to. */
export function structBehind({ types }: Pick<LinuxGuest, 'types'>, type: AggregateType, path: string) {
  const part = partOf(type, path);
  const pointer = part && plain(part.type);
  const target = pointer?.kind === 'pointer' ? completed(pointer.to, types) : undefined;
  return target && isAggregate(target) ? target : undefined;
}

/** The type of an array among the members; undefined if there is no such array. */
export function arrayIn(type: AggregateType, path: string): ArrayType | undefined {
  const part = partOf(type, path);
  const array = part && plain(part.type);
  return array?.kind === 'array' ? array : undefined;
}

function partOf(outer: AggregateType, path: string): Part | undefined {
  let part: Part = { type: outer, bitOffset: 0, bitSize: undefined };
  for (const step of path.match(/[^.[\]]+|\[\d+\]/g) ?? []) {
    const type = plain(part.type);
    const { bitOffset } = part;
    if (step.startsWith('[')) {
      const index = Number(step.slice(1, -1));
      const size = type.kind === 'array' ? sizeOf(type.of) : undefined;
      if (type.kind !== 'array' || size === undefined || index >= (type.count ?? 0)) return undefined;
      part = { type: type.of, bitOffset: bitOffset + 8 * size * index, bitSize: undefined };
    } else {
      const found = isAggregate(type) ? memberNamed(type, step) : undefined;
      if (!found) return undefined;
      part = { type: found.member.type, bitOffset: bitOffset + found.bitOffset, bitSize: found.member.bitSize };
    }
  }
  return part;
}
