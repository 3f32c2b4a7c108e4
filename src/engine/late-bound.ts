/** The interpreter's imports of slow functions. */
import { SLOW_FUNCTIONS } from '../isa/slow';
import type { Outcome, SlowFunctions } from '../isa/slow';

type AnySlow = (...args: readonly (number | bigint)[]) => Outcome;

/** Imports for all slow functions, though the processor that implements them is made after the interpreter. */
export function lateBound(slow: () => SlowFunctions): Record<string, AnySlow> {
  let functions: Readonly<Record<string, AnySlow>> | undefined;
  // Each keeps its own: a look-up by name at every call would cost more than most of them do.
  const bind = (name: string): AnySlow => {
    let own: AnySlow | undefined;
    return (a, b, c, d, e, f) => {
      own ??= (functions ??= slow() as unknown as Readonly<Record<string, AnySlow>>)[name]!;
      return own(a!, b!, c!, d!, e!, f!);
    };
  };
  return Object.fromEntries(Object.keys(SLOW_FUNCTIONS).map((name) => [name, bind(name)]));
}
