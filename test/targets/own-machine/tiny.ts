// Tiny guests in 64-bit mode for tests of the debugger, written as listings, and the expressions that tests use.
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
export function tiny(listing: string, bare = false): TestDebugger {
  const { bytes } = assembleListing(listing);
  return TestDebugger.at(
    (onSerial) =>
      new Machine({
        kernel: bytes,
        boot: { format: 'flat', flat: { address: ORIGIN.long64, mode: 'long64' } },
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
