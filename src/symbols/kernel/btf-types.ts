/**
 * Types out of BTF's records, in the shape that all sources of types share. Source: Linux Documentation/bpf/btf.rst,
 * section "Type Encoding". Tags at types (`__user`, `__rcu`) and at declarations are passed over. BTF does not tell an
 * array of no elements from one whose length the program leaves open: both have no count.
 */
import type { ByteReader } from '../byte-reader';
import type { Enumerator, Member, Parameter, Type } from '../types/type';
import { type BtfHead, type BtfId, type BtfTable, damagedBtf } from './btf-table';

const INTEGER_SIGNED = 1;
const INTEGER_CHAR = 2;
const INTEGER_BOOL = 4;
/** Chains of tags, typedefs and qualifiers are shorter. */
const DEEPEST = 64;
/** Few compilers mark characters as such. */
const CHARACTERS = ['char', 'signed char', 'unsigned char'];

/** What types refer to. */
export interface BtfContext {
  readonly table: BtfTable;
  /** Bytes. */
  readonly pointerSize: number;
  /** The type of a number, the same object every time. */
  type(id: BtfId): Type;
}

/** The type of one record. Throws the `damaged` UserError: cut, or no type (a section, a tag at a declaration). */
export function makeType(context: BtfContext, id: BtfId): Type {
  const { table } = context;
  const head = table.head(id);
  const { kind, value, flag } = head;
  const name = table.name(head.name);
  const named = name || undefined;
  const to = (): Type => context.type(value);
  switch (kind) {
    case 'void':
      return { kind };
    case 'integer': {
      const encoding = (table.body(id).u32() >>> 24) & 15;
      const isCharacter = (encoding & INTEGER_CHAR) !== 0 || CHARACTERS.includes(name);
      const shown = encoding & INTEGER_BOOL ? 'boolean' : isCharacter ? 'character' : 'number';
      return { kind, name, size: value, isSigned: (encoding & INTEGER_SIGNED) !== 0, shown };
    }
    case 'float':
      return { kind, name, size: value };
    case 'pointer':
      return {
        kind,
        size: context.pointerSize,
        get to() {
          return to();
        },
      };
    case 'array':
      return arrayOf(context, table.body(id));
    case 'struct':
    case 'union': {
      const members = once(() => membersOf(context, id, head));
      return {
        kind,
        name: named,
        size: value,
        get members() {
          return members();
        },
      };
    }
    case 'forward':
      return { kind: flag ? 'union' : 'struct', name: named, size: undefined, members: [] };
    case 'enum':
    case 'enum64': {
      const values = once(() => enumeratorsOf(table, id, head));
      return {
        kind: 'enum',
        name: named,
        size: value,
        isSigned: flag,
        get values() {
          return values();
        },
      };
    }
    case 'typedef':
      return {
        kind,
        name,
        get to() {
          return to();
        },
      };
    case 'const':
    case 'volatile':
    case 'restrict':
      return {
        kind,
        get to() {
          return to();
        },
      };
    case 'prototype': {
      const signature = once(() => parametersOf(context, id, head));
      return {
        kind: 'function',
        get returns() {
          return to();
        },
        get parameters() {
          return signature().parameters;
        },
        get isVariadic() {
          return signature().isVariadic;
        },
      };
    }
    case 'typeTag':
    case 'function':
    case 'variable':
      return context.type(behind(table, value));
    default:
      throw damagedBtf(`type ${id} in it, which others name, is none`);
  }
}

/** The number of a type behind tags, so that a chain of them without end is found. */
function behind(table: BtfTable, id: BtfId): BtfId {
  let at = id;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const { kind, value } = table.head(at);
    if (kind === 'function' || kind === 'variable') throw damagedBtf('a function or variable in it is used as a type');
    if (kind !== 'typeTag') return at;
    at = value;
  }
  throw damagedBtf('a type in it is made of itself');
}

function arrayOf(context: BtfContext, body: ByteReader): Type {
  const of = body.u32();
  body.skip(4);
  const count = body.u32() || undefined;
  return {
    kind: 'array',
    get of() {
      return context.type(of);
    },
    count,
  };
}

function membersOf(context: BtfContext, id: BtfId, { parts, flag }: BtfHead): Member[] {
  const { table } = context;
  const body = table.body(id);
  return Array.from({ length: parts }, () => {
    const name = table.name(body.u32()) || undefined;
    const type = body.u32();
    const place = body.u32();
    // With the flag the upper 8 bits are the size of a bit-field; before there was one, integers said it themselves.
    const field = flag
      ? { bitOffset: place & 0xff_ffff, bitSize: place >>> 24 || undefined }
      : fieldOf(table, type, place);
    return {
      name,
      get type() {
        return context.type(type);
      },
      ...field,
    };
  });
}

/** A member whose integer type has fewer bits than its bytes hold. */
function fieldOf(table: BtfTable, id: BtfId, bitOffset: number): Pick<Member, 'bitOffset' | 'bitSize'> {
  let at = id;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const { kind, value } = table.head(at);
    if (kind === 'integer') {
      const data = table.body(at).u32();
      const bits = data & 0xff;
      return bits === 8 * value ? { bitOffset } : { bitOffset: bitOffset + ((data >>> 16) & 0xff), bitSize: bits };
    }
    if (kind !== 'typedef' && kind !== 'const' && kind !== 'volatile' && kind !== 'typeTag') break;
    at = value;
  }
  return { bitOffset };
}

function enumeratorsOf(table: BtfTable, id: BtfId, { kind, parts, flag }: BtfHead): Enumerator[] {
  const body = table.body(id);
  return Array.from({ length: parts }, () => {
    const name = table.name(body.u32());
    const value = kind === 'enum' ? BigInt(body.u32()) : body.u64();
    return { name, value: flag ? BigInt.asIntN(kind === 'enum' ? 32 : 64, value) : value };
  });
}

function parametersOf(
  context: BtfContext,
  id: BtfId,
  { parts }: BtfHead,
): { parameters: Parameter[]; isVariadic: boolean } {
  const { table } = context;
  const body = table.body(id);
  const all = Array.from({ length: parts }, () => ({ name: table.name(body.u32()) || undefined, type: body.u32() }));
  const last = all.at(-1);
  const isVariadic = last?.type === 0 && last.name === undefined;
  const parameters = (isVariadic ? all.slice(0, -1) : all).map(({ name, type }) => ({
    name,
    get type() {
      return context.type(type);
    },
  }));
  return { parameters, isVariadic };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
