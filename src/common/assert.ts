/** Assertions: the third kind of trouble, a bug of ours (never a guest's fault and never a user's mistake). */

/** Throws when `condition` is false. The message is for the developer who reads the bug report. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected value ${String(value)}`);
}
