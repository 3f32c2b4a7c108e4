// What the lab answers when a machine cannot provide a thing: a reason, which a skipped test prints.

/** Thrown while a thing of the lab is being provided; the message completes "skipped: ...". */
export class Missing extends Error {}

/** The answer of the lab for a thing that this machine cannot provide, with the reason. */
export interface Absent {
  missing: string;
}

/** A thing of the lab, or why it is absent. */
export type Provided<T> = T | Absent;

/** True for an absent thing. */
export function isAbsent(thing: unknown): thing is Absent {
  return typeof thing === 'object' && thing !== null && 'missing' in thing;
}
