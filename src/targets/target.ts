/**
 * What a debugger needs of the thing it debugs, in no engine's words: our own machine, and later a gdb stub, a dump or
 * a recording. Everything is asynchronous, because the thing may live in another process.
 */
import type { Access, AddressSpace } from '../protocol/address';
import type { ExitDescription } from '../protocol/exit';
import type { WalkAnswer } from '../protocol/walk';

/** A field of a register: bits `high`..`low`, inclusive. */
export interface RegisterField {
  readonly name: string;
  readonly high: number;
  readonly low: number;
  readonly meaning?: string | undefined;
  /** Names of the field's values, by value. */
  readonly values?: Readonly<Record<number, string>> | undefined;
}

/** One register with its current value. */
export interface Register {
  /** The group it is shown in: `General`, `Flags`, `Segments`, `Control`, ... */
  readonly group: string;
  /** The SDM's name. */
  readonly name: string;
  readonly value: bigint;
  /** Width in bits. */
  readonly bits: number;
  readonly fields?: readonly RegisterField[] | undefined;
}

/** Where a vCPU stands. */
export interface Position {
  /** RIP: offset in the code segment. */
  readonly rip: bigint;
  /** Linear address of the next instruction. */
  readonly linear: bigint;
  /** Size of the code segment. */
  readonly codeBits: 16 | 32 | 64;
  /** The mode in words: `64-bit mode, ring 0`. */
  readonly mode: string;
  /** Instructions completed. */
  readonly instructions: number;
  /** Ticks of guest time, 1 ns each. */
  readonly ticks: number;
}

/** How to go on. `stepOver` runs calls, software interrupts and repeated instructions to their end. */
export type Resume =
  | { readonly kind: 'continue' }
  | { readonly kind: 'step' }
  | { readonly kind: 'stepOver' }
  | { readonly kind: 'stepExit'; readonly reasons?: readonly string[] | undefined };

/** How a guest's run can end. */
export type EndReason =
  'powered off' | 'debug exit' | 'triple fault' | 'reset' | 'halted' | 'vm entry failed' | 'stuck';

/** The guest's end. */
export interface End {
  readonly reason: EndReason;
  /** One sentence: what happened, where. */
  readonly text: string;
  /** What the guest wrote to isa-debug-exit. */
  readonly debugExit?: number | undefined;
}

/** Why a target stopped. */
export type Stop =
  | { readonly reason: 'step' | 'pause' }
  /** At an instruction breakpoint, before the instruction at this linear address. */
  | { readonly reason: 'instruction breakpoint'; readonly linear: bigint }
  | { readonly reason: 'vm exit'; readonly exit: ExitDescription }
  | { readonly reason: 'ended'; readonly end: End };

/** A guest that has been let go. */
export interface Run {
  /** Resolves to why it stopped; rejects only for a bug in the machine. */
  readonly stopped: Promise<Stop>;
}

/** One vCPU. */
export interface TargetThread {
  /** From 1. */
  readonly id: number;
  readonly name: string;
}

/** A stopped or running guest. Every method may reject with a UserError; a thread id that is not there is one. */
export interface Target {
  threads(): Promise<readonly TargetThread[]>;

  /** Lets the guest go on, one run at a time; rejects with a UserError for what it cannot do, and nothing has run then. */
  resume(thread: number, how: Resume): Promise<Run>;
  /** Makes the run at hand stop soon with reason `pause`; without one it does nothing. */
  pause(): void;

  position(thread: number): Promise<Position>;
  registers(thread: number): Promise<readonly Register[]>;
  /** Replaces the instruction breakpoints, by linear address. */
  setBreakpoints(linear: readonly bigint[]): Promise<void>;

  /** Up to `length` bytes, fewer where memory ends; no side effects. Linear: through the thread's current paging. */
  readMemory(thread: number, space: AddressSpace, address: bigint, length: number): Promise<Uint8Array>;
  walk(thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer>;
  /** The last VM exit, or undefined before the first one. */
  lastExit(thread: number): Promise<ExitDescription | undefined>;

  /** Called with what the guest sends on its serial line, in order; at most one listener. */
  onSerial(listener: (bytes: Uint8Array) => void): void;
  /** Queues bytes for the guest's serial line. */
  sendSerial(bytes: Uint8Array): void;

  /** Ends the guest and gives everything back; the run at hand stops with reason `pause`. */
  dispose(): Promise<void>;
}
