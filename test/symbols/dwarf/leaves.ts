// The numbers that a variable consists of, read through its place and its type: to be compared with another debugger's.
import { UserError } from '../../../src/common/errors';
import { evaluate, type Scope } from '../../../src/symbols/expression/evaluate';
import type { Place } from '../../../src/symbols/types/place';
import type { Member, Type } from '../../../src/symbols/types/type';

/** What can be read of a frame: its registers, memory, values on entry. */
export type FrameScope = Scope;

/** Bits of a value, and which of them are known. */
interface Bits {
  readonly value: bigint;
  readonly known: bigint;
}

const NOTHING: Bits = { value: 0n, known: 0n };
const ELEMENTS = 8;
const DEPTH = 6;

/** Path to decimal number (floating point by its bits), null for what is not known. */
export type Leaves = Record<string, string | null>;

/** All numbers of a value; a float of more than 8 bytes is not looked into. */
export function leavesOf(type: Type, place: Place, scope: FrameScope): Leaves {
  const size = sizeOf(type);
  if (size === undefined) return {};
  const leaves: Leaves = {};
  collect(type, bitsOf(place, size, scope), 0, '', leaves, 0);
  return leaves;
}

/** Bytes of a value; undefined where the type does not tell. */
export function sizeOf(type: Type): number | undefined {
  switch (type.kind) {
    case 'array': {
      const of = sizeOf(type.of);
      return of === undefined || type.count === undefined ? undefined : of * type.count;
    }
    case 'void':
    case 'function':
      return undefined;
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic':
      return sizeOf(type.to);
    default:
      return type.size;
  }
}

function collect(type: Type, bits: Bits, offset: number, path: string, leaves: Leaves, depth: number): void {
  if (depth > DEPTH) return;
  switch (type.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic':
      return collect(type.to, bits, offset, path, leaves, depth);
    case 'struct':
    case 'union':
    case 'class':
      for (const member of type.members) collectMember(member, bits, offset, path, leaves, depth);
      return;
    case 'array': {
      const size = sizeOf(type.of) ?? 0;
      for (let index = 0; index < Math.min(type.count ?? 0, ELEMENTS); index += 1) {
        collect(type.of, bits, offset + index * size * 8, `${path}[${index}]`, leaves, depth + 1);
      }
      return;
    }
    case 'integer':
    case 'enum':
      leaves[path] = number(bits, offset, type.size * 8, type.isSigned);
      return;
    case 'pointer':
      leaves[path] = number(bits, offset, type.size * 8, false);
      return;
    case 'float':
      leaves[path] = type.size > 8 ? 'long double' : number(bits, offset, type.size * 8, false);
      return;
    default:
      leaves[path] = 'other';
  }
}

function collectMember(member: Member, bits: Bits, offset: number, path: string, leaves: Leaves, depth: number): void {
  const name = `${path}.${member.name ?? '#'}`;
  const start = offset + member.bitOffset;
  if (member.bitSize === undefined) return collect(member.type, bits, start, name, leaves, depth + 1);
  leaves[name] = number(bits, start, member.bitSize, isSigned(member.type));
}

function isSigned(type: Type): boolean {
  if ('to' in type && type.kind !== 'pointer') return isSigned(type.to);
  return 'isSigned' in type && type.isSigned;
}

function number({ value, known }: Bits, offset: number, bits: number, signed: boolean): string | null {
  const part = (of: bigint): bigint => BigInt.asUintN(bits, of >> BigInt(offset));
  if (part(known) !== (1n << BigInt(bits)) - 1n) return null;
  return String(signed ? BigInt.asIntN(bits, part(value)) : part(value));
}

function bitsOf(place: Place, size: number, scope: FrameScope): Bits {
  const all = (value: bigint, bits: number): Bits => ({
    value: BigInt.asUintN(bits, value),
    known: (1n << BigInt(bits)) - 1n,
  });
  switch (place.kind) {
    case 'memory': {
      const address = computed(() => BigInt.asUintN(64, evaluate(place.address, scope).value));
      const bytes = address === undefined ? undefined : scope.read('linear', address, size);
      return bytes && bytes.length === size ? all(littleEndian(bytes), size * 8) : NOTHING;
    }
    case 'register': {
      const register = scope.register(place.name);
      return register ? all(register.value, register.bits) : NOTHING;
    }
    case 'value': {
      const value = computed(() => evaluate(place.value, scope).value);
      return value === undefined ? NOTHING : all(value, Math.max(64, size * 8));
    }
    case 'bytes':
      return all(littleEndian(place.bytes), place.bytes.length * 8);
    case 'pieces': {
      let at = 0n;
      let whole = NOTHING;
      for (const piece of place.pieces) {
        const part = bitsOf(piece.place, Math.ceil(piece.bits / 8), scope);
        const cut = (of: bigint): bigint => BigInt.asUintN(piece.bits, of) << at;
        whole = { value: whole.value | cut(part.value), known: whole.known | cut(part.known) };
        at += BigInt(piece.bits);
      }
      return whole;
    }
    case 'absent':
      return NOTHING;
  }
}

function computed(compute: () => bigint): bigint | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
