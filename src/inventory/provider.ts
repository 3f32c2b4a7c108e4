/**
 * What the tree of machines and containers asks of each engine: our own machines, QEMU, libvirt, Docker, Podman,
 * Kubernetes. A provider keeps nothing that its engine knows, speaks the engine's own words, and knows nothing of
 * VS Code: whatever it wants of the user goes through `Desk`. A provider is made cheaply; its client loads with `connect`.
 *
 * A provider that fails or hangs harms no other: every call takes a signal, and whoever calls sets a time limit.
 */
import type { DetailSection, Metric } from '../protocol/details';
import type { Disposable } from './disposable';

export type { DetailSection, Metric } from '../protocol/details';

/** What kind of engine a provider speaks to, shown beside its name. */
export type EngineKind =
  | 'emulator'
  | 'type 1 hypervisor'
  | 'type 2 hypervisor'
  | 'system container engine'
  | 'container engine'
  | 'orchestrator';

/** A state as the tree colours it; `stateText` of the item is the engine's own word. */
export type ItemState = 'running' | 'paused' | 'stopped' | 'failed' | 'changing' | 'unknown';

/** One row of the tree, as plain data. */
export interface Item {
  /** Names the item within its provider, as long as the engine keeps it. */
  readonly id: string;
  /** The engine's word for what it is: `container`, `pod`, `domain`; a `folder` groups others. */
  readonly kind: string;
  readonly label: string;
  /** Beside the label, short: the engine's word for the state, an image, a size. */
  readonly description?: string | undefined;
  readonly state?: ItemState | undefined;
  /** More about it, one `name: value` a line, shown when the pointer rests on it. */
  readonly facts?: readonly Fact[] | undefined;
  /** A codicon's name, such as `vm`. */
  readonly icon: string;
  readonly hasChildren: boolean;
  /** Ids of the actions that are possible in its present state. */
  readonly actions: readonly string[];
  /** The engine's labels, for filter and grouping. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A named value of an item. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Something that can be done to items, or to the engine when `on` is empty. */
export interface Action {
  /** Unique within its provider: `start`. */
  readonly id: string;
  /** Title case, as menus have it: `Start`. */
  readonly title: string;
  /** A codicon's name. */
  readonly icon: string;
  /** Kinds of items it applies to; the engine itself where it is empty. */
  readonly on: readonly string[];
  /** Where menus put it: `inline` also shows its icon in the row, `danger` is a last group of its own. */
  readonly group: 'inline' | 'state' | 'show' | 'change' | 'danger';
  /** Whether it takes several items at once. */
  readonly severalItems?: boolean | undefined;
}

/** One thing to choose from. */
export interface Choice<T> {
  readonly label: string;
  readonly description?: string | undefined;
  readonly value: T;
}

/** A two-way stream of bytes, such as a shell in a container or a serial line. */
export interface ByteStream extends Disposable {
  onData(listener: (bytes: Uint8Array) => void): Disposable;
  /** Called once: with a sentence where there is more to say than that it ended. */
  onEnd(listener: (why: string | undefined) => void): Disposable;
  write(bytes: Uint8Array): void;
  /** Characters. Without effect where the engine knows no size. */
  resize?(columns: number, rows: number): void;
}

/** What actions may ask of the user and show: the window's side. A refusal (Escape) resolves to undefined. */
export interface Desk {
  /** Asks before something that cannot be undone. `detail` says what goes, `verb` names the button. */
  confirm(question: string, detail: string, verb: string): Promise<boolean>;
  choose<T>(title: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  chooseSeveral<T>(title: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined>;
  /** `check` gives a sentence for what is wrong, while the user types. */
  ask(
    title: string,
    options: { readonly value?: string; readonly placeholder?: string; check?(text: string): string | undefined },
  ): Promise<string | undefined>;
  chooseFile(
    title: string,
    options: { readonly save?: boolean; readonly folder?: boolean },
  ): Promise<string | undefined>;
  /**
   * A terminal over a stream: a shell, a log that is followed, a serial line. `reopens`: the same action on the same item
   * gives this terminal again, with all that it has shown, so that it can come back with a window that was reloaded.
   */
  openTerminal(title: string, stream: ByteStream, reopens?: boolean): void;
  /** A read-only document; `language` is VS Code's identifier, such as `json`. */
  openDocument(title: string, language: string, text: string): Promise<void>;
  /** An editor whose text `save` takes; what it rejects with is shown, and the text stays. */
  editDocument(title: string, language: string, text: string, save: (text: string) => Promise<void>): Promise<void>;
  /** Two texts beside each other; resolves to whether the user accepts the right one, with `verb` as the button. */
  compare(title: string, language: string, left: string, right: string, verb?: string): Promise<boolean>;
  /** Starts a debug session of type `vmxray` with this configuration. */
  debug(configuration: Readonly<Record<string, unknown>>): Promise<void>;
  /** A sentence that something has gone well, or what is to know. */
  tell(sentence: string): void;
}

/** What a running action is given. */
export interface ActionRun {
  readonly desk: Desk;
  /** Aborted when the user gives up. */
  readonly signal: AbortSignal;
  /** A few words on what is being done; a fraction from 0 to 1 where it is known. */
  progress(words: string, fraction?: number): void;
}

/** Something that happened, as the engine tells it. */
export interface EngineEvent {
  /** ISO 8601. */
  readonly time: string;
  readonly item?: string | undefined;
  readonly text: string;
  readonly isWarning: boolean;
}

/** What has changed: the ids of items to be read again, or everything. */
export type InventoryChange = readonly string[] | 'all';

/** One engine. All methods reject with UserErrors that say what is wrong and what to try. */
export interface Provider extends Disposable {
  /** Unique, such as `docker:default`. */
  readonly id: string;
  /** `Docker`, `Kubernetes: kind-lab`. */
  readonly label: string;
  readonly kind: EngineKind;
  readonly actions: readonly Action[];
  /** Connects, or finds that it still is. Gives the engine's version. */
  connect(signal: AbortSignal): Promise<string>;
  /** Rows under an item, or the top rows. */
  children(parent: string | undefined, signal: AbortSignal): Promise<readonly Item[]>;
  /**
   * Hears of changes by the engine's own events: of rows that changed, came or went, and of those that hold them.
   * `onLost` is called once when the connection breaks; the watch then tries again with growing pauses until it is
   * disposed of, and says `all` when it is back.
   */
  watch(onChange: (change: InventoryChange) => void, onLost: (why: Error) => void): Disposable;
  /** Does an action to items that it applies to; resolves when the engine has done it. */
  run(action: string, items: readonly string[], run: ActionRun): Promise<void>;
  /** What is known of an item, in sections. */
  details(item: string, signal: AbortSignal): Promise<readonly DetailSection[]>;
  /** Present figures of an item; undefined where the engine has none for it. */
  metrics(item: string, signal: AbortSignal): Promise<readonly Metric[] | undefined>;
  /** The engine's events from now on; undefined where it tells none. */
  events?(listener: (event: EngineEvent) => void): Disposable;
}
