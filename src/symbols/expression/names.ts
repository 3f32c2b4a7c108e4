/** What the names in an expression mean: the parser's view of symbols, registers and the event at hand. */

import type { Variable } from '../types/place';
import type { TypeSource } from '../types/type';

/** A symbol of the guest's program. */
export interface NamedPlace {
  /** Linear, with the program's slide applied. */
  readonly address: bigint;
  /** Bytes of a variable; undefined for a function, and if the program does not say. */
  readonly size?: number | undefined;
}

/** Looks names up while an expression is parsed. */
export interface ExpressionNames {
  /** Case counts. */
  symbol(name: string): NamedPlace | undefined;
  /** True if `name`, in lower case, is a register. */
  register(name: string): boolean;
  /** Numbers with names, such as `EPT_VIOLATION`. */
  constant?(name: string): bigint | undefined;
  /** Names that the event at hand gives a value to, such as `vector`. */
  readonly variables?: ReadonlySet<string> | undefined;
  /** A variable or parameter of the frame at hand, the innermost of its name. */
  local?(name: string): Variable | undefined;
  /** The types of the program. */
  readonly types?: TypeSource | undefined;
  /** Bytes from the start of a processor's per-CPU area, without any slide; undefined for what is no per-CPU variable. */
  perCpuOffset?(name: string): bigint | undefined;
  /** The number that Linux has for the processor at hand; 0 unless given. */
  readonly cpu?: number | undefined;
  /** A name that exists and resembles one that does not, for error messages. */
  nearest?(name: string): string | undefined;
}
