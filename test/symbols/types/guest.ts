// A little guest for the types of `sample.ts`: symbols, registers, a frame's variables, and memory with structures.
import type { AddressSpace } from '../../../src/protocol/address';
import type { Expression } from '../../../src/symbols/expression/ast';
import type { Scope } from '../../../src/symbols/expression/evaluate';
import type { ExpressionNames, NamedPlace } from '../../../src/symbols/expression/names';
import { nearest } from '../../../src/symbols/expression/nearest';
import { S64 } from '../../../src/symbols/expression/types';
import type { Place, Variable } from '../../../src/symbols/types/place';
import type { Type } from '../../../src/symbols/types/type';
import { arrayOf, CHAR, FLAGS, INT, POINT, pointerTo, STATE, TASK, TYPES, ULONG } from './sample';

const BASE = 0x1000;
const BYTES = 0x5000;

const SYMBOLS: Readonly<Record<string, NamedPlace>> = {
  init_task: { address: 0x2000n, size: 160 },
  counter: { address: 0x1000n, size: 8 },
  small: { address: 0x1008n, size: 2 },
  mode: { address: 0x100cn, size: 4 },
  pi: { address: 0x1010n, size: 8 },
  names: { address: 0x1020n, size: 32 },
  table_of_int: { address: 0x1040n, size: 32 },
  banner: { address: 0x1060n, size: 12 },
  first: { address: 0x1070n, size: 8 },
  reference: { address: 0x1078n, size: 8 },
  secret: { address: 0x1080n },
  endless: { address: 0x1060n, size: 12 },
  lengthless: { address: 0x1060n },
  untyped: { address: 0x1000n, size: 8 },
  bare: { address: 0x1040n, size: 32 },
  pages: { address: 0x1100n, size: 16 },
  tree: { address: 0x1110n, size: 8 },
  heads: { address: 0x1118n, size: 16 },
  list: { address: 0x1128n, size: 16 },
  runner: { address: 0xffffffff81000000n },
  __per_cpu_offset: { address: 0x1200n, size: 64 },
  current_task: { address: 0x40n, size: 8 },
  per_cpu_count: { address: 0x48n, size: 4 },
  raw_count: { address: 0x48n, size: 4 },
};

const constant = (value: bigint): Expression => ({ kind: 'constant', value, type: S64 });
/** The frame's base register plus a number. */
const stack = (offset: bigint): Expression => ({
  kind: 'binary',
  operator: '+',
  left: { kind: 'register', name: 'rbp' },
  right: constant(offset),
});
const LOCALS: Readonly<Record<string, readonly [Type, Place]>> = {
  i: [INT, { kind: 'register', name: 'rbx' }],
  task: [pointerTo(TASK), { kind: 'register', name: 'rdi' }],
  spot: [POINT, { kind: 'memory', address: stack(-8n) }],
  text: [arrayOf(CHAR, 4), { kind: 'memory', address: stack(-16n) }],
  gone: [INT, { kind: 'absent', why: 'The compiler removed `gone`.' }],
  gone_task: [pointerTo(TASK), { kind: 'absent', why: 'The compiler removed `gone_task`.' }],
  sum: [ULONG, { kind: 'value', value: { kind: 'binary', operator: '*', left: constant(6n), right: constant(7n) } }],
  packed: [POINT, { kind: 'register', name: 'rax' }],
  bytes: [POINT, { kind: 'bytes', bytes: Uint8Array.of(1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff) }],
  halves: [
    POINT,
    {
      kind: 'pieces',
      pieces: [
        { bits: 32, place: { kind: 'register', name: 'rbx' } },
        { bits: 32, place: { kind: 'memory', address: constant(0x1040n) } },
      ],
    },
  ],
  torn: [
    ULONG,
    {
      kind: 'pieces',
      pieces: [
        { bits: 32, place: { kind: 'register', name: 'rbx' } },
        { bits: 32, place: { kind: 'absent', why: 'Half of `torn` is gone.' } },
      ],
    },
  ],
  small_flags: [FLAGS, { kind: 'register', name: 'rbx' }],
  RUNNING: [STATE, { kind: 'value', value: constant(77n) }],
};

const variable = (name: string): Variable | undefined => {
  const found = Object.hasOwn(LOCALS, name) ? LOCALS[name] : undefined;
  return found && { name, kind: 'local', type: found[0], place: found[1] };
};

export const REGISTERS: Record<string, { value: bigint; bits: number }> = {
  rax: { value: 0xffffffff_00000005n, bits: 64 },
  rbx: { value: 0xffffffff_00000003n, bits: 64 },
  rdi: { value: 0x2000n, bits: 64 },
  rbp: { value: 0x3010n, bits: 64 },
};

export const NAMES: ExpressionNames = {
  symbol: (name) => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined),
  register: (name) => Object.hasOwn(REGISTERS, name),
  local: variable,
  types: TYPES,
  perCpuOffset: (name) => (/^(current_task|per_cpu_count|raw_count)$/.test(name) ? SYMBOLS[name]!.address : undefined),
  nearest: (name) => nearest(name, Object.keys(SYMBOLS)),
};
/** Names without a frame. */
export const GLOBAL_NAMES: ExpressionNames = { ...NAMES, local: () => undefined };
export const LOCAL_VARIABLES: readonly Variable[] = Object.keys(LOCALS).map((name) => variable(name)!);

/** The guest's memory, fresh: linear 0x1000-0x5fff; the other spaces show the same bytes. */
export class GuestMemory {
  readonly bytes = new Uint8Array(BYTES);
  private readonly view = new DataView(this.bytes.buffer);

  constructor() {
    this.u64(0x1000, 0x1122334455667788n);
    this.view.setInt16(0x1008 - BASE, -2, true);
    this.u32(0x100c, 4);
    this.view.setFloat64(0x1010 - BASE, 3.5, true);
    for (const [index, name] of ['zero', 'one', 'two'].entries()) {
      this.u64(0x1020 + 8 * index, BigInt(0x1300 + 16 * index));
      this.text(0x1300 + 16 * index, name);
    }
    for (let index = 0; index < 8; index++) this.u32(0x1040 + 4 * index, 10 * index);
    this.text(0x1060, 'Hello\n');
    this.u64(0x1070, 0x2000n);
    this.u64(0x1078, 0x1044n);
    // Processor 0's area is at 0x5000, processor 1's at 0x5800.
    this.u64(0x1200, 0x5000n);
    this.u64(0x1208, 0x5800n);
    this.u64(0x5040, 0x2000n);
    this.u64(0x5840, 0x2100n);
    this.u32(0x5048, 100);
    this.u32(0x5848, 101);
    this.task(0x2000, 1, 'init', { next: 0x2128n, prev: 0x2128n });
    this.task(0x2100, 2, 'child', { next: 0x2028n, prev: 0x2028n });
    this.u32(0x3008, 7);
    this.u32(0x300c, 0xfffffff7);
    this.text(0x3000, 'abcd');
  }

  u32(address: number, value: number): void {
    this.view.setUint32(address - BASE, value, true);
  }

  u64(address: number, value: bigint): void {
    this.view.setBigUint64(address - BASE, value, true);
  }

  text(address: number, text: string): void {
    this.bytes.set(Buffer.from(text, 'latin1'), address - BASE);
  }

  read(_space: AddressSpace, address: bigint, length: number): Uint8Array {
    const at = address - BigInt(BASE);
    if (at < 0n || at >= BigInt(BYTES)) return new Uint8Array(0);
    return this.bytes.slice(Number(at), Math.min(BYTES, Number(at) + length));
  }

  scope(): Scope {
    return {
      register: (name) => REGISTERS[name],
      variable: () => undefined,
      read: (...place) => this.read(...place),
    };
  }

  /** A `struct task` of the sample. */
  private task(address: number, pid: number, comm: string, tasks: { next: bigint; prev: bigint }): void {
    this.u32(address, pid);
    this.u32(address + 4, 1);
    this.text(address + 8, comm);
    this.u64(address + 24, 0x2000n);
    this.u64(address + 32, 0x1310n);
    this.u64(address + 40, tasks.next);
    this.u64(address + 48, tasks.prev);
    this.u64(address + 56, 0x0000000a0000000bn);
    // nice = -3, idle = 1, prio = 0x54321.
    this.u32(address + 64, 0b101 | (1 << 3) | (0x54321 << 4));
    this.u32(address + 68, 5);
    this.u64(address + 72, 0xffffffff81000000n);
    for (let index = 0; index < 6; index++) this.u32(address + 80 + 4 * index, index + 1);
    this.u32(address + 104, 8);
    this.u32(address + 108, 9);
    this.view.setFloat64(address + 112 - BASE, 0.25, true);
    this.bytes[address + 120 - BASE] = 1;
    this.bytes[address + 121 - BASE] = 0x41;
  }
}
