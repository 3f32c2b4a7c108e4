/** What values are shown with: the guest at a stop, seen from one frame, and what is known of its program. */
import type { AddressSpace } from '../../protocol/address';
import type { Expression, Value } from '../../symbols/expression/ast';
import type { ExpressionNames } from '../../symbols/expression/names';

/** The stopped guest from a frame's point of view. Everything rejects with UserErrors. */
export interface ValueReader {
  /** Computes with the frame's registers. */
  evaluate(expression: Expression): Promise<Value>;
  /** Up to `length` bytes, fewer where memory ends. */
  read(space: AddressSpace, address: bigint, length: number): Promise<Uint8Array>;
  /** Writes all bytes and tells whoever shows them. */
  write(space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<void>;
  /** Writes a register by its lower-case name, and gives what it holds then; refused where it lies on the stack. */
  writeRegister(name: string, value: bigint): Promise<Value>;
}

/** A reader with the names of the program. */
export interface ValueContext {
  readonly reader: ValueReader;
  readonly names: ExpressionNames;
  /** The symbol that a linear address lies in, with the distance. */
  symbolAt(linear: bigint): string | undefined;
}

/**
 * How numbers are written: `x` hexadecimal, `d` decimal, `b` binary, `o` octal, `c` as a character; `s`: what is pointed to
 * is a string; `h`: integers in hexadecimal, the rest as usual.
 */
export type ValueFormat = 'x' | 'd' | 'b' | 'o' | 'c' | 's' | 'h' | '';

const SUFFIX = /^(.*\S)\s*,\s*([xdbocs])\s*$/s;

/** Splits `expression,x` into the expression and its format; without a suffix the format is `otherwise`. */
export function splitFormat(
  text: string,
  otherwise: ValueFormat,
): { readonly text: string; readonly format: ValueFormat } {
  const match = SUFFIX.exec(text);
  return match ? { text: match[1]!, format: match[2] as ValueFormat } : { text, format: otherwise };
}
