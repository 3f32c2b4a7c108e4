/**
 * What a machine's process (`vmxray host`) and its clients say to one another, and how a running machine is found.
 *
 * On the socket every message is a frame: its length in bytes (4, little-endian), then its bytes. The first one each way,
 * hello and its answer, is JSON in UTF-8, so that any version can read it; all others are structured clones, since both
 * ends are the same version by then. `Event` and `Counters` are the target's types, which lie above this floor.
 */

/** First frame of a client. */
export interface HostHello {
  readonly product: 'vmxray';
  /** The product's version: both ends must have the same. */
  readonly version: string;
  /** Version of the structured clone's wire format, which is the JavaScript engine's. */
  readonly clone: number;
  /** Who it is, in a few words for people. */
  readonly who?: string | undefined;
}

/** One client of a machine. */
export interface ClientEntry {
  /** In its own words; empty if it said none. */
  readonly who: string;
  /** When it came: an ISO time. */
  readonly since: string;
}

/** The host's answer to the hello; it hangs up after a refusal. */
export type HostWelcome<Counters> =
  | { readonly kind: 'welcome'; readonly pid: number; readonly counters: Counters }
  | { readonly kind: 'refused'; readonly code: string; readonly sentence: string };

/** A client's call of one of the target's methods. */
export interface HostRequest {
  /** The client's running number; the answer names it. */
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What the host says after its welcome. Answers come when they are ready, events in order. */
export type HostMessage<Event, Counters> =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** A user's mistake. */
  | { readonly kind: 'refusal'; readonly id: number; readonly code: string; readonly sentence: string }
  /** A bug in the host. */
  | { readonly kind: 'failure'; readonly id: number; readonly message: string; readonly stack: string }
  | { readonly kind: 'event'; readonly event: Event }
  /** Twice a second while the guest runs, and at each stop. */
  | { readonly kind: 'counters'; readonly counters: Counters }
  /** The machine ends, and why; the host hangs up next. */
  | { readonly kind: 'closing'; readonly reason: string; readonly counters: Counters };

/** What the launcher tells the process that it has forked, over Node's own channel. */
export interface HostOrder<Settings, Pace> {
  readonly version: string;
  readonly settings: Settings;
  readonly pace: Pace;
  /** Stays without a client too, until it is told to end. */
  readonly keep: boolean;
  /** How long it waits for a client otherwise, in milliseconds. */
  readonly graceMs: number;
  /** The folder of sockets, which is the user's alone. */
  readonly folder: string;
  /** Names the machine's files in that folder. */
  readonly id: string;
}

/** What the forked process reports once: it listens, or why it does not. */
export type HostReport =
  | { readonly kind: 'ready'; readonly entry: MachineEntry }
  | { readonly kind: 'refusal'; readonly code: string; readonly sentence: string }
  | { readonly kind: 'failure'; readonly message: string; readonly stack: string };

/** A running machine as its file in the folder of sockets describes it, in JSON. */
export interface MachineEntry {
  /** Names the machine's files: 8 hexadecimal digits. */
  readonly id: string;
  /** `tour.elf`. */
  readonly name: string;
  /** Path of the kernel's file. */
  readonly kernel: string;
  readonly pid: number;
  /** Path of the Unix socket, or the named pipe. */
  readonly socket: string;
  /** When it was started: an ISO time. */
  readonly started: string;
  /** The product's version. */
  readonly version: string;
}
