/** A little program and machine that the tests of expressions share. */
import { UserError } from '../../../src/common/errors';
import type { AddressSpace } from '../../../src/protocol/address';
import type { Scope } from '../../../src/symbols/expression/evaluate';
import type { ExpressionNames, NamedPlace } from '../../../src/symbols/expression/names';

const SYMBOLS: Readonly<Record<string, NamedPlace>> = {
  main: { address: 0xffffffff81000000n },
  stub: { address: 0x2000n },
  jiffies: { address: 0x1000n, size: 8 },
  flag: { address: 0x1008n, size: 1 },
  table: { address: 0x1010n, size: 64 },
  'count.0': { address: 0x1020n, size: 4 },
  rbx: { address: 0x1010n },
  x: { address: 0x1018n },
};

const REGISTERS: Readonly<Record<string, { value: bigint; bits: number }>> = {
  rax: { value: 0xfffffffffffffffen, bits: 64 },
  eax: { value: 0xfffffffen, bits: 32 },
  al: { value: 0xfen, bits: 8 },
  rbx: { value: 3n, bits: 64 },
  rip: { value: 0xffffffff81000010n, bits: 64 },
  cs: { value: 0x10n, bits: 16 },
  'cs.base': { value: 0n, bits: 64 },
  xmm0: { value: 1n << 100n, bits: 128 },
};

const VARIABLES: Readonly<Record<string, bigint>> = { vector: 14n, reason: 48n, gpa: 0xfee00000n };

export const NAMES: ExpressionNames = {
  symbol: (name) => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : undefined),
  register: (name) => Object.hasOwn(REGISTERS, name),
  constant: (name) => (name === 'EPT_VIOLATION' ? 48n : undefined),
  variables: new Set([...Object.keys(VARIABLES), 'gla']),
  nearest: (name) => (name === 'jiffie' ? 'jiffies' : undefined),
};

/** Bytes at 0x1000-0x107f of each space: linear n, guest-physical n + 1, physical n + 2. */
const BASE = 0x1000n;
const BYTES = 128;

function read(space: AddressSpace, address: bigint, length: number): Uint8Array {
  const shift = { linear: 0, guestPhysical: 1, physical: 2 }[space];
  const at = Number(address - BASE);
  if (address < BASE || at >= BYTES) return new Uint8Array(0);
  return Uint8Array.from({ length: Math.min(length, BYTES - at) }, (_, index) => at + index + shift);
}

export const SCOPE: Scope = {
  register: (name) => REGISTERS[name],
  variable: (name) => VARIABLES[name],
  read,
};

/** A scope whose linear memory from 0x1000 on holds a text. */
export const scopeWithText = (text: string): Scope => ({
  ...SCOPE,
  read: (_space, address, length) => {
    const at = Number(address - BASE);
    return at < 0 ? new Uint8Array(0) : Uint8Array.from(Buffer.from(text, 'latin1')).slice(at, at + length);
  },
});

/** What `compute` gives, or the sentence of the UserError that it throws. */
export function outcome(compute: () => string): string {
  try {
    return compute();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
