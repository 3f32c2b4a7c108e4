/**
 * VM exits on the wire: `vmxray/stepExit`, `vmxray/exit` and `vmxray/exits`. Names and fields: SDM Vol. 3C 28.2, Vol. 3D appendix C.
 */
import type { Hex } from './address';

/** Arguments of `vmxray/stepExit`: run to the next VM exit. */
export interface StepExitArguments {
  readonly threadId: number;
  /** Stop only at exits of these reasons: the SDM's names or basic exit reason numbers as text. */
  readonly reasons?: readonly string[];
}

/** Arguments of `vmxray/exit`: the last exit of a vCPU. */
export interface ExitArguments {
  readonly threadId: number;
}

/** One VM exit. */
export interface ExitDescription {
  /** Running number of the exit since the machine started, from 0; decimal. */
  readonly number: string;
  /** Basic exit reason, 0 to 68. */
  readonly reason: number;
  /** The SDM's name of the reason. */
  readonly name: string;
  readonly qualification: Hex;
  /** The qualification's fields by name; empty where it is one value or unused. */
  readonly qualificationFields: Readonly<Record<string, number>>;
  /** The qualification in words; may be empty. */
  readonly qualificationText: string;
  /** Guest RIP at the exit. */
  readonly rip: Hex;
  /** VM-exit instruction length in bytes; 0 where the reason has none. */
  readonly instructionLength: number;
  /** Guest-linear address field, where the reason has one. */
  readonly guestLinear?: Hex;
  /** Guest-physical address field, where the reason has one. */
  readonly guestPhysical?: Hex;
  /** Instructions completed before the exit; decimal. */
  readonly instructions: string;
  /** Ticks (ns of guest time) at the exit; decimal. */
  readonly ticks: string;
  /** What the hypervisor did, in words. */
  readonly action: string;
}

/** Answer of `vmxray/exit`; no exit yet: `exit` is absent. */
export interface ExitAnswer {
  readonly exit?: ExitDescription;
}

/** Arguments of `vmxray/exits`: a part of the exit log, which keeps the last exits only. */
export interface ExitsQuery {
  /** Number of the first exit wanted; the last `count` ones if left out. */
  readonly start?: number;
  /** Most exits to give; 100 if left out, 10,000 at most. */
  readonly count?: number;
  /** Only exits of these reasons: the SDM's names or numbers as text. */
  readonly reasons?: readonly string[];
}

/** Answer of `vmxray/exits`, and body of the event `vmxray/exitsAdded`. */
export interface ExitsAnswer {
  readonly exits: readonly ExitDescription[];
  /** Number of the oldest exit that the log still holds; decimal. */
  readonly first: string;
  /** Number of exits since the machine's start; decimal. */
  readonly total: string;
  /** Exact totals since the machine's start by the SDM's name of the reason; decimal. */
  readonly totals: Readonly<Record<string, string>>;
}
