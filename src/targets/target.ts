/**
 * What a debugger needs of the thing it debugs, in no engine's words: our own machine, and later a gdb stub, a dump or
 * a recording. Everything is asynchronous, because the thing may live in another process; arguments and answers are plain
 * data that a structured clone carries.
 */
import type { Access, AddressSpace } from '../protocol/address';
import type { DevicesAnswer } from '../protocol/devices';
import type { ExitDescription, ExitsAnswer, ExitsQuery } from '../protocol/exit';
import type { InterruptsAnswer } from '../protocol/interrupts';
import type { MappingsAnswer, MappingsQuery, MemoryMapAnswer } from '../protocol/mappings';
import type { VmcsAnswer } from '../protocol/vmcs';
import type { WalkAnswer } from '../protocol/walk';
import type { Expression, HitCondition, LogTemplate, Value } from '../symbols/expression/ast';

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
  /** Width in bits: up to 64, 80 (x87) or 128 (XMM). */
  readonly bits: number;
  readonly fields?: readonly RegisterField[] | undefined;
  /** True if `writeRegister` refuses it. */
  readonly readOnly?: boolean | undefined;
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
  /** RSP, RBP and SS.base: linear stack addresses are base + offset, cut to the mode's width. */
  readonly rsp: bigint;
  readonly rbp: bigint;
  readonly stackBase: bigint;
  /** Instructions completed. */
  readonly instructions: number;
  /** Ticks of guest time, 1 ns each. */
  readonly ticks: number;
}

/**
 * How to go on.
 * - `step`: one instruction; `skipInterrupts`: what interrupts it, or handles its faults, runs until it returns. `stepOver`: the same, but calls, software interrupts and repeats run to their end.
 * - `stepRange`: steps until RIP (linear) is outside [start, end); `over`: calls run to their end. What an interrupt or
 *   exception handler does in between counts as outside only if it does not return.
 * - `runTo`: until one of these linear addresses is reached with a linear stack pointer above `stackAbove`, if given.
 * - `stepExit`: to the next VM exit (of these reasons).
 * Breakpoints of every kind stop all of these.
 */
export type Resume =
  | { readonly kind: 'continue' }
  | { readonly kind: 'step'; readonly skipInterrupts?: boolean | undefined }
  | { readonly kind: 'stepOver' }
  | { readonly kind: 'stepRange'; readonly start: bigint; readonly end: bigint; readonly over: boolean }
  | { readonly kind: 'runTo'; readonly linear: readonly bigint[]; readonly stackAbove?: bigint | undefined }
  | { readonly kind: 'stepExit'; readonly reasons?: readonly string[] | undefined };

/** What all kinds of breakpoints share. */
interface BreakpointBase {
  /** The setter's own number; stops and logs name it. */
  readonly id: number;
  /** Stops only where this is not 0. */
  readonly condition?: Expression | undefined;
  /** Counted when the condition holds. */
  readonly hits?: HitCondition | undefined;
  /** Says this instead of stopping. */
  readonly log?: LogTemplate | undefined;
}

/** Stops before the instruction at a linear address. */
export interface CodeBreakpoint extends BreakpointBase {
  readonly linear: bigint;
}

/**
 * Stops after an access to [linear, linear + length). With `space` `physical` `linear` is an address of the machine's own
 * memory, for structures that the hypervisor writes (EPT entries): stops after the VM exit at which the bytes have changed.
 */
export interface DataBreakpoint extends BreakpointBase {
  readonly linear: bigint;
  readonly space?: 'physical' | undefined;
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
}

/**
 * Kinds of events to stop at, and the names that a condition can use besides registers and symbols:
 * - `exit`: any VM exit; `mmio`, `portIo`, `msr`: those for a device's memory, a port, an MSR. Names: `reason` (compared
 *   with the SDM's names, `EPT_VIOLATION`), `qualification`, `gpa`, `gla`, `vector`, `port`, `size`, `write`, `msr`.
 * - `exception`: raised in the guest, before it is delivered. Names: `vector`, `error`, `address` (of a page fault).
 * - `entryFailure`: a VM entry of the guest's own or of the hypervisor that a rule forbids.
 * - `tripleFault`, `reset`: without these filters such an end ends the session instead of stopping.
 */
export const EVENT_KINDS = [
  'exit',
  'entryFailure',
  'exception',
  'tripleFault',
  'reset',
  'mmio',
  'portIo',
  'msr',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** Stops at an event. */
export interface EventBreakpoint extends BreakpointBase {
  readonly kind: EventKind;
}

/** All breakpoints of one debugger; a target with several debuggers stops at anybody's. */
export interface BreakpointSet {
  readonly code: readonly CodeBreakpoint[];
  readonly data: readonly DataBreakpoint[];
  readonly events: readonly EventBreakpoint[];
  /** Stops after each load of CR3 and where paging is switched on, too, with reason `address space`: for who looks for a kernel that moves itself. */
  readonly addressSpaces: boolean;
}

/** An exception that the guest has raised. SDM Vol. 3A 6.3, 6.13. */
export interface GuestException {
  readonly vector: number;
  /** `#PF`. */
  readonly name: string;
  readonly errorCode?: number | undefined;
  /** The linear address that a page fault is about. */
  readonly address?: bigint | undefined;
}

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

/** Why a target stopped. `ids` are those of the asking debugger's breakpoints that were met; `note` says what else. */
export type Stop = { readonly ids?: readonly number[] | undefined; readonly note?: string | undefined } & (
  | { readonly reason: 'step' | 'pause' | 'address space' }
  /** Before the instruction at this linear address. */
  | { readonly reason: 'breakpoint'; readonly linear: bigint }
  | {
      readonly reason: 'data breakpoint';
      readonly linear: bigint;
      readonly space?: 'physical' | undefined;
      readonly length: number;
      readonly isWrite: boolean;
    }
  | { readonly reason: 'vm exit'; readonly exit: ExitDescription }
  /** Before the exception is delivered; RIP is at the instruction that raised it (after it, for a trap). */
  | { readonly reason: 'exception'; readonly exception: GuestException }
  | { readonly reason: 'entry failure'; readonly text: string }
  | { readonly reason: 'ended'; readonly end: End }
);

/** How far a target has come. */
export interface Counters {
  readonly instructions: number;
  /** Nanoseconds of guest time. */
  readonly ticks: number;
  /** VM exits; 0 when the machine is bare. */
  readonly exits: number;
}

/** What a target does at the moment. */
export interface TargetState extends Counters {
  readonly running: boolean;
  /** The last stop, if it has run at all. */
  readonly stop?: Stop | undefined;
}

/** What a target tells of itself. */
export type TargetEvent =
  /** Somebody let it go. */
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped'; readonly thread: number; readonly stop: Stop }
  /** What the guest sent on its serial line, in order. */
  | { readonly kind: 'serial'; readonly bytes: Uint8Array }
  /** A log point was met. */
  | { readonly kind: 'log'; readonly id: number; readonly text: string }
  /** Another debugger edited the state. */
  | { readonly kind: 'edited' }
  /** The target is gone without being asked to; how far it had come when it was last heard of; `died`: it said no word. */
  | { readonly kind: 'closed'; readonly reason: string; readonly last: Counters; readonly died?: boolean | undefined };

/** One vCPU. */
export interface TargetThread {
  /** From 1. */
  readonly id: number;
  readonly name: string;
}

/**
 * What another engine's guest may lack. `events`: stops at events; `exits`: VM exits and their VMCS; `devices`: registers
 * of devices, and the way of interrupts; `serial`: its serial line; `counters`: how many instructions it has run;
 * `running`: it is a state at rest that never goes on; `editing`: nothing of it can be changed; `ending`: it outlives us.
 */
export type Lack = 'events' | 'exits' | 'devices' | 'serial' | 'counters' | 'running' | 'editing' | 'ending';

/** What a target is. */
export interface TargetDescription {
  /** `tour.elf`; unique among machines only together with what names the process. */
  readonly name: string;
  /** Path of the kernel's file. */
  readonly kernel: string;
  readonly memoryBytes: number;
  /** No hypervisor of ours: no exits, no VMCS. */
  readonly bare: boolean;
  /** What it cannot do of what our own machines can; nothing if left out. */
  readonly lacks?: readonly Lack[] | undefined;
}

/** A stopped or running guest. Every method may reject with a UserError; a thread id that is not there is one. */
export interface Target {
  describe(): Promise<TargetDescription>;
  state(): Promise<TargetState>;
  threads(): Promise<readonly TargetThread[]>;
  /** Hands over what happens from now on, in order; at most one listener. */
  onEvent(listener: (event: TargetEvent) => void): void;

  /** Lets the guest go on; a `stopped` follows. Rejects with a UserError if it runs, has ended, or cannot do that. */
  resume(thread: number, how: Resume): Promise<void>;
  /** Makes the run at hand stop soon with reason `pause`; without one it does nothing. */
  pause(): Promise<void>;
  /** Replaces this debugger's breakpoints, also while the guest runs. Hit counts of ids that stay go on. */
  setBreakpoints(breakpoints: BreakpointSet): Promise<void>;

  position(thread: number): Promise<Position>;
  /** The groups of registers that there are, in the order in which they are shown. */
  registerGroups(thread: number): Promise<readonly string[]>;
  registers(thread: number, group: string): Promise<readonly Register[]>;
  /** Writes a register of a group (`VMCS` too); gives what it holds then. */
  writeRegister(thread: number, group: string, name: string, value: bigint): Promise<bigint>;
  /** Computes an expression over registers and memory as they are. */
  evaluate(thread: number, expression: Expression): Promise<Value>;

  /** Up to `length` bytes, fewer where memory ends; no side effects. Linear: through the thread's current paging. */
  readMemory(thread: number, space: AddressSpace, address: bigint, length: number): Promise<Uint8Array>;
  /** Writes regardless of the guest's page permissions; gives the number of bytes written, fewer where memory ends. */
  writeMemory(thread: number, space: AddressSpace, address: bigint, bytes: Uint8Array): Promise<number>;
  walk(thread: number, space: 'linear' | 'guestPhysical', address: bigint, access: Access): Promise<WalkAnswer>;
  mappings(thread: number, query: MappingsQuery): Promise<MappingsAnswer>;
  memoryMap(): Promise<MemoryMapAnswer>;

  /** The last VM exit, or undefined before the first one. */
  lastExit(thread: number): Promise<ExitDescription | undefined>;
  exits(query: ExitsQuery): Promise<ExitsAnswer>;
  vmcs(thread: number): Promise<VmcsAnswer>;
  devices(): Promise<DevicesAnswer>;
  interrupts(): Promise<InterruptsAnswer>;
  /** Writes a device's register, by name, as software would; absent where that cannot be. */
  writeDevice?(device: string, register: string, value: bigint): Promise<void>;

  /** Queues bytes for the guest's serial line. */
  sendSerial(bytes: Uint8Array): Promise<void>;

  /** Lets go of the guest, which goes on as it is if it has a process of its own, else ends. */
  detach(): Promise<void>;
  /** Ends the guest and gives everything back. */
  dispose(): Promise<void>;
}
