/** What the page of one item of the tree (a machine, a container, a pod) is shown and says: plain data over `postMessage`. */

/** A value over time, for small charts: the engine's own figures. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: 'bytes' | 'bytes/s' | 'cores' | 'count' | 'operations/s';
  /** The limit that the engine enforces, in the same unit. */
  readonly limit?: number | undefined;
}

/** All values at one time. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly metrics: readonly Metric[];
}

/** Something that has happened. */
export interface ShownEvent {
  /** ISO 8601. */
  readonly time: string;
  readonly text: string;
  readonly isWarning: boolean;
}

/** A table of details of one item: `[layers, size]` and rows, or named values where there are no columns. */
export interface DetailSection {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Something that can be done to the item now. */
export interface ShownAction {
  readonly id: string;
  readonly title: string;
}

/** The item itself. */
export interface ShownItem {
  readonly label: string;
  /** The engine's word for what it is. */
  readonly kind: string;
  /** The engine that has it. */
  readonly engine: string;
  readonly description: string;
  readonly state: string;
  readonly actions: readonly ShownAction[];
}

/** What names the item, kept by the page so that it can come back with its window. */
export interface ItemName {
  readonly provider: string;
  readonly item: string;
}

/** What the window says to the page. */
export type ToDetails =
  | { readonly kind: 'item'; readonly name: ItemName; readonly item: ShownItem }
  | { readonly kind: 'sections'; readonly sections: readonly DetailSection[] }
  /** Values, the oldest first: those since the page was opened come at once, then one after the other. */
  | { readonly kind: 'samples'; readonly samples: readonly Sample[] }
  | { readonly kind: 'events'; readonly events: readonly ShownEvent[] }
  /** A sentence on why nothing can be read; empty once it can. */
  | { readonly kind: 'trouble'; readonly text: string };

/** What the page says to the window. */
export type FromDetails = { readonly kind: 'ready' } | { readonly kind: 'act'; readonly action: string };
