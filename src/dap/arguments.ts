/** A request's arguments, which come from outside: each is read by name, type and bounds. */
import { badArgument } from './errors';

/** Bounds of a whole number; `otherwise` stands in for one that is left out. */
export interface IntegerBounds {
  readonly min: number;
  readonly max: number;
  readonly otherwise?: number;
}

/** Arguments of one request. Every method throws a UserError (`request/argument`) for what does not fit. */
export class Arguments {
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(raw: unknown) {
    if (raw !== undefined && raw !== null && (typeof raw !== 'object' || Array.isArray(raw)))
      throw badArgument('arguments', 'an object');
    this.values = (raw ?? {}) as Record<string, unknown>;
  }

  /** All names and values as they came. */
  entries(): [string, unknown][] {
    return Object.entries(this.values);
  }

  /** True if the argument is there. */
  has(name: string): boolean {
    return this.own(name) !== undefined;
  }

  /** An object that must be there. */
  object(name: string): Arguments {
    const value = this.own(name);
    if (typeof value !== 'object' || Array.isArray(value)) throw badArgument(name, 'an object');
    return new Arguments(value);
  }

  text(name: string): string {
    const value = this.own(name);
    if (typeof value !== 'string') throw badArgument(name, 'text');
    return value;
  }

  /** One of `choices`; the first one if left out. */
  choice<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.own(name) ?? choices[0];
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw badArgument(name, `one of ${choices.join(', ')}`);
    return choice;
  }

  integer(name: string, { min, max, otherwise }: IntegerBounds): number {
    const value = this.own(name) ?? otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw badArgument(name, `a whole number from ${min} to ${max}`);
    return value;
  }

  /** True or false; false if left out. */
  flag(name: string): boolean {
    const value = this.own(name) ?? false;
    if (typeof value !== 'boolean') throw badArgument(name, 'true or false');
    return value;
  }

  /** A list of at most `max` texts, undefined if left out. */
  texts(name: string, max: number): readonly string[] | undefined {
    const value = this.own(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length > max || !value.every((item) => typeof item === 'string'))
      throw badArgument(name, `a list of at most ${max} texts`);
    return value;
  }

  /** A list of at most `max` objects, empty if left out. */
  objects(name: string, max: number): readonly Arguments[] {
    const value = this.own(name) ?? [];
    if (!Array.isArray(value) || value.length > max) throw badArgument(name, `a list of at most ${max} objects`);
    return value.map((item) => new Arguments(item));
  }

  // Only what the message itself says: `__proto__` and `constructor` are names like any other.
  private own(name: string): unknown {
    return Object.hasOwn(this.values, name) ? (this.values[name] ?? undefined) : undefined;
  }
}
