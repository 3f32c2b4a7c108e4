/**
 * What the hypervisor needs of the rest of the machine: the engine that runs instructions, the clock, the board's
 * interrupt controllers, MSRs of the board and CPUID. Implemented in `engine/` and `machine/`.
 */
import type { Outcome } from '../isa/slow';

/** Runs the processor in whatever mode its state says. */
export interface Engine {
  /**
   * Runs at most `budget` (1 or more) instructions and returns early when something ends the run: `Exit` a VM exit has
   * been made (the processor is in VMX root operation, the VMCS holds the exit), `Stop` a debugger or the machine wants
   * to stop before the next instruction, `Budget` (or any completed outcome) the budget is spent. Completed instructions
   * and REP iterations are counted on the clock. Never runs past the VMX-preemption timer's deadline.
   */
  run(budget: number): Outcome;
}

/** The machine's counters and alarms. 1 tick = 1 ns. */
export interface MachineClock {
  /** Instructions completed since reset. */
  readonly instructions: number;
  /** Instructions plus the ticks skipped in HLT. */
  readonly ticks: number;
  /** The tick of the earliest alarm, Infinity if there is none; at or below `ticks` when one is due. */
  readonly deadline: number;
  /** Counts one instruction that the hypervisor emulated. */
  retire(): void;
  /** Runs the callbacks of all alarms that are due. */
  advance(): void;
  /** Raises `ticks` to `tick` (at least `ticks`) without instructions. */
  skipTo(tick: number): void;
}

/** The board's way of interrupting the processor: the local APIC's output, or the 8259A pair's through it. */
export interface InterruptSource {
  /** True if a maskable interrupt waits. */
  pending(): boolean;
  /** Interrupt acknowledge: takes the waiting interrupt and gives its vector. Called only while `pending()`. */
  acknowledge(): number;
  /** Takes a waiting NMI: true once for each. */
  takeNmi(): boolean;
}

/** MSRs that the board implements for the guest: the local APIC's, IA32_APIC_BASE, IA32_TSC_DEADLINE. */
export interface BoardMsrs {
  /** The value of MSR `index` (unsigned), or undefined for #GP(0). */
  read(index: number): bigint | undefined;
  /** Writes MSR `index`; false for #GP(0). */
  write(index: number, value: bigint): boolean;
  /** CR8, the local APIC's task priority class, 0 to 15. */
  taskPriority: number;
}

/** The processor's CPUID table as root operation reads it: EAX, EBX, ECX, EDX, unsigned. */
export type CpuidTable = (leaf: number, subleaf: number) => readonly [number, number, number, number];

/** Numbers from 0 to 1 (exclusive), seeded: where random EPT eviction takes its choices. */
export type RandomSource = () => number;
