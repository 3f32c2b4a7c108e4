/**
 * Checks of plain data from another process against TypeScript's types: each check is tied by its type to what it
 * checks, so that an interface that grows does not compile until its check has grown too.
 */

// Deeper than any expression that a person writes, and no strain on the stack of who computes it.
const MAX_DEPTH = 200;
const MAX_PARTS = 1_000_000;

/** How far one check has gone: what comes from outside may be a ring, or share its parts. */
class Walk {
  private depth = 0;
  private parts = 0;

  within(check: () => boolean): boolean {
    if (++this.parts > MAX_PARTS || this.depth >= MAX_DEPTH) return false;
    this.depth++;
    const fits = check();
    this.depth--;
    return fits;
  }
}

/** Whether a value is a `T`. */
export type Check<T> = (value: unknown, walk?: Walk) => value is T;

/** The checks of an object's fields. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Check<T[K & keyof T]> };

/** The fields of one kind of a union that `kind` tells apart. */
type KindFields<T extends { readonly kind: string }, K extends string> = Fields<Omit<Extract<T, { kind: K }>, 'kind'>>;

export const text: Check<string> = (value) => typeof value === 'string';
export const flag: Check<boolean> = (value) => typeof value === 'boolean';
export const integer: Check<number> = (value): value is number => Number.isSafeInteger(value);
export const anything: Check<unknown> = (_value): _value is unknown => true;
export const bigint: Check<bigint> = (value) => typeof value === 'bigint';
export const bytes: Check<Uint8Array> = (value) => value instanceof Uint8Array;

/** One of some constants. */
export const oneOf =
  <const T>(...values: readonly T[]): Check<T> =>
  (value): value is T =>
    values.includes(value as T);

/** A `T` or nothing. */
export const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value, walk): value is T | undefined =>
    value === undefined || check(value, walk);

/** One of two shapes. */
export const either =
  <A, B>(a: Check<A>, b: Check<B>): Check<A | B> =>
  (value, walk): value is A | B =>
    a(value, walk) || b(value, walk);

/** An array. */
export const list =
  <T>(check: Check<T>): Check<readonly T[]> =>
  (value, walk = new Walk()): value is readonly T[] =>
    Array.isArray(value) && walk.within(() => value.every((item) => check(item, walk)));

/** An object with these fields; what else it has does not matter. */
export const object =
  <T extends object>(fields: Fields<T>): Check<T> =>
  (value, walk = new Walk()): value is T =>
    typeof value === 'object' && value !== null && walk.within(() => fit(value, fields, walk));

/** A union of objects that `kind` tells apart. */
export const kinds =
  <T extends { readonly kind: string }>(all: { readonly [K in T['kind']]: KindFields<T, K> }): Check<T> =>
  (value, walk = new Walk()): value is T => {
    if (typeof value !== 'object' || value === null) return false;
    const { kind } = value as { kind?: unknown };
    if (typeof kind !== 'string' || !Object.hasOwn(all, kind)) return false;
    return walk.within(() => fit(value, all[kind as T['kind']], walk));
  };

/** A check that is not made yet, for types that contain themselves. */
export const later =
  <T>(check: () => Check<T>): Check<T> =>
  (value, walk): value is T =>
    check()(value, walk);

const fit = (value: object, fields: Readonly<Record<string, Check<unknown>>>, walk: Walk): boolean =>
  Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name], walk));
