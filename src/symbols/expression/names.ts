/** What the names in an expression mean: the parser's view of symbols, registers and the event at hand. */

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
  /** A name that exists and resembles one that does not, for error messages. */
  nearest?(name: string): string | undefined;
}
