// BTF made by hand, record by record as include/uapi/linux/btf.h of Linux has them.
import { Bytes } from '../elf-image';

/** A record; types are numbers, the first record's is 1. */
export type BtfRecord =
  | {
      readonly kind: 'integer';
      readonly name: string;
      readonly size: number;
      readonly bits?: number;
      readonly encoding?: number;
      readonly bitOffset?: number;
    }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'pointer' | 'const' | 'volatile' | 'restrict'; readonly to: number }
  | { readonly kind: 'typedef' | 'typeTag'; readonly name: string; readonly to: number }
  | { readonly kind: 'array'; readonly of: number; readonly index: number; readonly count: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly BtfRecordMember[];
    }
  | { readonly kind: 'forward'; readonly name: string; readonly isUnion?: boolean }
  | {
      readonly kind: 'enum' | 'enum64';
      readonly name: string;
      readonly size: number;
      readonly isSigned?: boolean;
      readonly values: Readonly<Record<string, bigint>>;
    }
  | {
      readonly kind: 'prototype';
      readonly returns: number;
      readonly parameters: readonly (readonly [name: string, type: number])[];
    }
  | { readonly kind: 'function'; readonly name: string; readonly prototype: number }
  | { readonly kind: 'variable'; readonly name: string; readonly type: number }
  | {
      readonly kind: 'section';
      readonly name: string;
      readonly variables: readonly (readonly [type: number, offset: number, size: number])[];
    }
  | { readonly kind: 'declarationTag'; readonly name: string; readonly of: number };

/** A member at a bit; with a width in a structure whose members say their widths. */
export type BtfRecordMember = readonly [name: string, type: number, bitOffset: number, bitSize?: number];

const INT = 1;
const LONG = 2;
const CHAR = 3;
const POINTER = 6;
/** A record of every kind, as a kernel has them. */
export const KERNEL_TYPES: readonly BtfRecord[] = [
  { kind: 'integer', name: 'int', size: 4, encoding: 1 },
  { kind: 'integer', name: 'long unsigned int', size: 8 },
  { kind: 'integer', name: 'char', size: 1, encoding: 1 },
  { kind: 'integer', name: '_Bool', size: 1, encoding: 4 },
  { kind: 'float', name: 'double', size: 8 },
  { kind: 'pointer', to: 7 },
  // 7: struct node { struct node *next; int value : 3; int : 0; union { long key; char text[16]; }; char tail[]; }
  {
    kind: 'struct',
    name: 'node',
    size: 32,
    members: [
      ['next', POINTER, 0, 0],
      ['value', INT, 64, 3],
      ['', 8, 128, 0],
      ['tail', 10, 256, 0],
    ],
  },
  {
    kind: 'union',
    name: '',
    size: 16,
    members: [
      ['key', LONG, 0],
      ['text', 9, 0],
    ],
  },
  { kind: 'array', of: CHAR, index: INT, count: 16 },
  { kind: 'array', of: CHAR, index: INT, count: 0 },
  // 11
  { kind: 'enum', name: 'state', size: 4, values: { RUNNING: 0n, HUGE: 0xffff_ffffn } },
  { kind: 'enum', name: 'error', size: 4, isSigned: true, values: { NOTHING: 0n, WRONG: -22n } },
  { kind: 'enum64', name: 'mask', size: 8, values: { ALL: 0xffff_ffff_ffff_ffffn } },
  { kind: 'enum64', name: 'wide', size: 8, isSigned: true, values: { LEAST: -(1n << 63n) } },
  { kind: 'typedef', name: 'node_t', to: 7 },
  { kind: 'const', to: 15 },
  { kind: 'volatile', to: INT },
  { kind: 'restrict', to: POINTER },
  // 19: a pointer as `struct node __rcu *`.
  { kind: 'typeTag', name: 'rcu', to: 20 },
  { kind: 'typeTag', name: 'percpu', to: 7 },
  { kind: 'pointer', to: 19 },
  { kind: 'forward', name: 'secret' },
  { kind: 'forward', name: 'hidden', isUnion: true },
  // 24
  {
    kind: 'prototype',
    returns: 0,
    parameters: [
      ['format', 21],
      ['', 0],
    ],
  },
  { kind: 'function', name: 'printk', prototype: 24 },
  { kind: 'variable', name: 'current_node', type: 21 },
  { kind: 'section', name: '.data..percpu', variables: [[26, 0x1fb80, 8]] },
  { kind: 'declarationTag', name: 'kfunc', of: 25 },
  // 29: as before structures said the widths of their fields.
  { kind: 'integer', name: 'int', size: 4, bits: 5, bitOffset: 2, encoding: 1 },
  { kind: 'typedef', name: 'five', to: 29 },
  {
    kind: 'struct',
    name: 'old',
    size: 4,
    members: [
      ['low', 29, 0],
      ['high', 30, 5],
      ['whole', INT, 0],
    ],
  },
  { kind: 'pointer', to: 0 },
  { kind: 'struct', name: 'state', size: 0, members: [] },
  { kind: 'enum', name: 'later', size: 4, values: {} },
  { kind: 'enum', name: 'later', size: 4, values: { SOON: 1n } },
  { kind: 'prototype', returns: INT, parameters: [] },
];

const KINDS = (
  'void integer pointer array struct union enum forward typedef volatile const restrict function prototype variable ' +
  'section float declarationTag typeTag enum64'
).split(' ');

/** The bytes of these records; `base` is the length of the strings that they stand on. */
export function btfImage(records: readonly BtfRecord[], base = 0): Uint8Array {
  const strings = new Bytes();
  // An empty name is offset 0, in the kernel's own strings.
  if (base === 0) strings.u8(0);
  const string = (name: string): number => {
    if (name === '') return 0;
    const offset = base + strings.length;
    strings.text(name);
    return offset;
  };
  const types = new Bytes();
  for (const record of records) write(types, record, string);
  return new Bytes()
    .number(0xeb9f, 2)
    .u8(1, 0)
    .number(24, 4)
    .number(0, 4)
    .number(types.length, 4)
    .number(types.length, 4)
    .number(strings.length, 4)
    .bytes(types.finish())
    .bytes(strings.finish())
    .finish();
}

/** Bytes of the strings of a table, on which a module's table stands. */
export function stringsOf(image: Uint8Array): number {
  return new DataView(image.buffer, image.byteOffset).getUint32(20, true);
}

function write(types: Bytes, record: BtfRecord, string: (name: string) => number): void {
  const head = (parts: number, value: number, flag = false): Bytes =>
    types
      .number('name' in record ? string(record.name) : 0, 4)
      .number(parts, 3)
      .u8(KINDS.indexOf(record.kind) | (flag ? 0x80 : 0))
      .number(value, 4);
  switch (record.kind) {
    case 'integer': {
      const { size, bits = 8 * size, encoding = 0, bitOffset = 0 } = record;
      head(0, size).u8(bits, 0, bitOffset, encoding);
      break;
    }
    case 'float':
      head(0, record.size);
      break;
    case 'array':
      head(0, 0).number(record.of, 4).number(record.index, 4).number(record.count, 4);
      break;
    case 'struct':
    case 'union': {
      const flag = record.members.some((member) => member.length === 4);
      head(record.members.length, record.size, flag);
      for (const [name, type, bitOffset, bitSize = 0] of record.members) {
        types.number(string(name), 4).number(type, 4);
        types.number(bitOffset, 3).u8(flag ? bitSize : bitOffset >>> 24);
      }
      break;
    }
    case 'forward':
      head(0, 0, record.isUnion);
      break;
    case 'enum':
    case 'enum64': {
      const values = Object.entries(record.values);
      head(values.length, record.size, record.isSigned);
      for (const [name, value] of values) types.number(string(name), 4).number(value, record.kind === 'enum' ? 4 : 8);
      break;
    }
    case 'prototype':
      head(record.parameters.length, record.returns);
      for (const [name, type] of record.parameters) types.number(string(name), 4).number(type, 4);
      break;
    case 'function':
      head(1, record.prototype);
      break;
    case 'variable':
      head(0, record.type).number(0, 4);
      break;
    case 'section':
      head(record.variables.length, 0);
      for (const [type, offset, size] of record.variables) types.number(type, 4).number(offset, 4).number(size, 4);
      break;
    case 'declarationTag':
      head(0, record.of).number(0xffff_ffff, 4);
      break;
    default:
      head(0, record.to);
  }
}
