// Tiny guests, in 64-bit mode unless told otherwise, for tests of the debugger, written as listings, and the expressions that tests use.
import type { BinaryOperator, Expression } from '../../../src/symbols/expression/ast';
import { Machine } from '../../../src/machine/machine';
import { assembleListing, ORIGIN } from '../../vmm/listing';
import { TestDebugger } from '../debugger';

const MIB = 1 << 20;
/** Linear address of a tiny guest's first byte. */
export const CODE = BigInt(ORIGIN.long64);
/** Free memory for data, and the top of a stack. */
export const DATA = 0x200000n;

/** A debugger at a tiny guest. */
export function tiny(
  listing: string,
  { bare = false, mode = 'long64' }: { bare?: boolean; mode?: 'protected32' | 'long64' } = {},
): TestDebugger {
  const { bytes } = assembleListing(listing);
  return TestDebugger.at(
    (onSerial) =>
      new Machine({
        kernel: bytes,
        boot: { format: 'flat', flat: { address: ORIGIN[mode], mode } },
        memoryBytes: 4 * MIB,
        bare,
        onSerial,
      }),
    { name: 'tiny', kernel: 'tiny', memoryBytes: 4 * MIB, bare },
  );
}

export const register = (name: string): Expression => ({ kind: 'register', name });
export const variable = (name: string): Expression => ({ kind: 'variable', name });
export const number = (value: number | bigint): Expression => ({
  kind: 'constant',
  value: BigInt(value),
  type: { bits: 64, signed: false },
});
export const binary = (left: Expression, operator: BinaryOperator, right: Expression): Expression => ({
  kind: 'binary',
  operator,
  left,
  right,
});
/** `left == right`. */
export const equal = (left: Expression, right: number | bigint): Expression => binary(left, '==', number(right));

/** Ends a guest by isa-debug-exit. */
export const END = `
  66baf400 mov dx, 0xf4
  ee out dx, al`;

/** Where the handler of a faulty guest begins. */
export const HANDLER = 0x202000n;
/** Its interrupt-descriptor table, linear. */
export const IDT = 0x201000n;
const IDTR = 0x2007f0n;
const LIDT = `
  bc00382000 mov esp, 0x203800
  0f011c25f0072000 lidt [0x2007f0]`;
/** Where the instruction behind `LIDT` stands. */
export const BODY = CODE + 13n;

/** A guest whose handler, for all vectors up to 14, drops `drop` bytes of error code and skips `length` bytes. */
export function faulty(body: string, length: number, drop: number, bare = false): TestDebugger {
  const guest = tiny(`${LIDT}\n${body}\n${END}`, { bare });
  const { machine } = guest;
  const idtr = Buffer.alloc(10);
  idtr.writeUInt16LE(15 * 16 - 1, 0);
  idtr.writeBigUInt64LE(IDT, 2);
  machine.writeMemory('guestPhysical', IDTR, idtr);
  const gate = Buffer.alloc(16);
  gate.writeUInt16LE(Number(HANDLER & 0xffffn), 0);
  gate.writeUInt16LE(
    machine.asGuest(() => machine.state.selector(1)),
    2,
  );
  gate.writeUInt16LE(0x8e00, 4);
  gate.writeUInt16LE(Number(HANDLER >> 16n), 6);
  for (let vector = 0n; vector < 15n; vector++) machine.writeMemory('guestPhysical', IDT + vector * 16n, gate);
  const handler = [0x48, 0x83, 0xc4, drop, 0x48, 0x83, 0x04, 0x24, length, 0x48, 0xcf];
  machine.writeMemory('guestPhysical', HANDLER, Uint8Array.from(handler));
  return guest;
}
