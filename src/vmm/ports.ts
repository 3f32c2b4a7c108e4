/**
 * What the hypervisor needs of the rest of the machine: the engine that runs instructions, the clock, the board's
 * interrupt controllers, MSRs of the board and CPUID. Implemented in `engine/` and `machine/`.
 */
import type { LocalApic } from '../cpu/environment';
import type { VcpuStop } from '../engine/vcpu';
import type { BusSize } from '../memory/bus';

/** Runs the processor in whatever mode its state says. */
export interface Engine {
  /**
   * Runs at most `budget` (1 or more) instructions and says how the run ended; `exit`: a VM exit has been carried out,
   * the processor is in VMX root operation and the VMCS holds the exit. Never runs past the VMX-preemption timer.
   * `alone`: the delivery of an event ends the run too, with `budget`, before its handler's first instruction.
   */
  run(budget: number, alone?: boolean): VcpuStop;
  /** The processor's interrupt line changed: the next instruction boundary looks at it. */
  notice(): void;
}

/** The machine's counters and alarms. 1 tick = 1 ns. */
export interface MachineClock {
  /** Instructions completed since reset. */
  readonly instructions: number;
  /** Instructions plus the ticks that passed without any. */
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

/** MSRs that the board implements for the guest: the local APIC's, IA32_APIC_BASE, IA32_TSC_DEADLINE; and its TPR. */
export type BoardMsrs = Pick<LocalApic, 'readMsr' | 'writeMsr' | 'taskPriority'>;

/** The I/O address space of the board. Sizes are 1, 2 or 4 bytes; values unsigned, little-endian. */
export interface PortSpace {
  read(port: number, size: BusSize): number;
  write(port: number, size: BusSize, value: number): void;
}

/** The processor's CPUID table as root operation reads it: EAX, EBX, ECX, EDX, unsigned. */
export type CpuidTable = (leaf: number, subleaf: number) => readonly [number, number, number, number];

/** Numbers from 0 to 1 (exclusive), seeded: where random EPT eviction takes its choices. */
export interface RandomSource {
  fraction(): number;
}
