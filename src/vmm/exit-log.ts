/**
 * The log of VM exits: columns in a bounded ring, and totals by reason that never forget. What an exit was is in the SDM's
 * fields; what the hypervisor did about it is an `ExitAction`.
 */
import { EXIT_REASONS } from '../cpu/vmx/exit-reasons';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';

/** What the hypervisor did about an exit. */
export const ExitAction = {
  /** Nothing: the guest goes on. */
  Resumed: 0,
  /** Carried out the instruction itself. */
  Emulated: 1,
  /** Let the guest's instruction run once with this interception off or its page routed to the bus. */
  RanOne: 2,
  /** Filled in or repaired an EPT entry. */
  Mapped: 3,
  /** Gave the guest an exception. */
  Injected: 4,
  /** Let the guest sleep. */
  Halted: 5,
  /** Ran what was due on the board. */
  ServedBoard: 6,
  /** Stopped the machine. */
  Stopped: 7,
} as const;

export type ExitAction = (typeof ExitAction)[keyof typeof ExitAction];

/** One exit as the log gives it. 64-bit values are unsigned. */
export interface ExitEntry {
  /** Running number, from 0. */
  readonly number: number;
  /** The exit-reason field: basic reason in bits 15:0, bit 31 a failed VM entry. */
  readonly reason: number;
  readonly qualification: bigint;
  readonly rip: bigint;
  /** Bytes; 0 where the exit has none. */
  readonly instructionLength: number;
  readonly guestLinear: bigint;
  readonly guestPhysical: bigint;
  /** Interruption information, 0 if not valid. */
  readonly interruption: number;
  /** Instructions completed before the exit. */
  readonly instructions: number;
  readonly ticks: number;
  readonly action: ExitAction;
}

/** Columns of a row, in words; the last four take two each. */
const REASON = 0;
const LENGTH = 1;
const INTERRUPTION = 2;
const QUALIFICATION = 3;
const RIP = 5;
const LINEAR = 7;
const PHYSICAL = 9;
const WORDS = 11;
/** The words of the VMCS that a row of the log is made of, in order. */
const SOURCES = Int32Array.from([
  ...[F.EXIT_REASON.word, F.EXIT_INSTRUCTION_LENGTH.word, F.EXIT_INTERRUPTION_INFORMATION.word],
  ...[F.EXIT_QUALIFICATION, F.GUEST_RIP, F.GUEST_LINEAR_ADDRESS, F.GUEST_PHYSICAL_ADDRESS].flatMap(({ word }) => [
    word,
    word + 1,
  ]),
]);

/** A plain copy of the log, for snapshots. */
export interface ExitLogState {
  readonly count: number;
  readonly totals: readonly number[];
}

/** Bounded memory of exits. */
export class ExitLog {
  private readonly words: Uint32Array;
  private readonly clocks: Float64Array;
  private readonly actions: Uint8Array;
  private readonly totals = new Float64Array(EXIT_REASONS.length);
  private total = 0;
  private firstKept = 0;

  /** Keeps the last `capacity` exits. */
  constructor(readonly capacity: number) {
    this.words = new Uint32Array(capacity * WORDS);
    this.clocks = new Float64Array(capacity * 2);
    this.actions = new Uint8Array(capacity);
  }

  /** Number of exits since the machine's start. */
  get count(): number {
    return this.total;
  }

  /** Number of the oldest exit that is kept. */
  get first(): number {
    return Math.max(this.firstKept, this.total - this.capacity);
  }

  /** Notes the exit that `vmcs` describes. */
  record(vmcs: Vmcs, instructions: number, ticks: number): void {
    const slot = this.total % this.capacity;
    const at = slot * WORDS;
    for (let column = 0; column < WORDS; column++) this.words[at + column] = vmcs.words[SOURCES[column]!]!;
    this.clocks[slot * 2] = instructions;
    this.clocks[slot * 2 + 1] = ticks;
    this.actions[slot] = ExitAction.Resumed;
    this.totals[this.words[at]! & 0xffff]!++;
    this.total++;
  }

  /** Says what was done about the last exit. */
  setAction(action: ExitAction): void {
    this.actions[(this.total - 1) % this.capacity] = action;
  }

  /** The exit with running number `number`, or undefined if it is not kept. */
  entry(number: number): ExitEntry | undefined {
    if (number < this.first || number >= this.total) return undefined;
    const slot = number % this.capacity;
    const at = slot * WORDS;
    return {
      number,
      reason: this.words[at + REASON]!,
      instructionLength: this.words[at + LENGTH]!,
      interruption: this.words[at + INTERRUPTION]!,
      qualification: this.wide(at + QUALIFICATION),
      rip: this.wide(at + RIP),
      guestLinear: this.wide(at + LINEAR),
      guestPhysical: this.wide(at + PHYSICAL),
      instructions: this.clocks[slot * 2]!,
      ticks: this.clocks[slot * 2 + 1]!,
      action: this.actions[slot] as ExitAction,
    };
  }

  /** The last exit, or undefined before the first. */
  get last(): ExitEntry | undefined {
    return this.entry(this.total - 1);
  }

  /** Exact number of exits with basic reason `reason` since the machine's start. */
  totalOf(reason: number): number {
    return this.totals[reason] ?? 0;
  }

  /** Exact totals by the SDM's names, reasons that never came left out. */
  totalsByName(): Record<string, number> {
    const seen = EXIT_REASONS.filter(({ number }) => this.totals[number]! > 0);
    return Object.fromEntries(seen.map(({ number, name }) => [name, this.totals[number]!]));
  }

  /** Counters only: what the exits were is derived again by replay. */
  save(): ExitLogState {
    return { count: this.total, totals: [...this.totals] };
  }

  restore({ count, totals }: ExitLogState): void {
    this.total = this.firstKept = count;
    this.totals.set(totals);
  }

  private wide(at: number): bigint {
    return (BigInt(this.words[at + 1]!) << 32n) | BigInt(this.words[at]!);
  }
}
