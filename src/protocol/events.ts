/**
 * Events that a client gets while it asks for them with `vmxray/subscribe`, each at most ten times a second:
 * `vmxray/state` and `vmxray/counters` when they have changed, `vmxray/exitsAdded` with the exits since the last one.
 */

/** The events that can be asked for. */
export const SUBSCRIBABLE = ['state', 'counters', 'exitsAdded'] as const;

export type Subscribable = (typeof SUBSCRIBABLE)[number];

/** Arguments of `vmxray/subscribe`: replaces what was asked for before. */
export interface SubscribeArguments {
  readonly events: readonly Subscribable[];
}

/** Body of `vmxray/state`. */
export interface StateEvent {
  readonly running: boolean;
}

/** Body of `vmxray/counters`; decimal. */
export interface CountersEvent {
  readonly instructions: string;
  /** Nanoseconds of guest time. */
  readonly ticks: string;
  readonly exits: string;
}
