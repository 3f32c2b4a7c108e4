/** What the board tells the local APIC, what leaves it, and its snapshot. */
import type { Line } from './device';
import type { LapicTimerState } from './lapic-timer';

/** What the board decides. */
export interface LapicConfig {
  /** The local APIC ID. */
  readonly id: number;
  /** MAXPHYADDR, the width of physical addresses in bits. */
  readonly physicalAddressBits: number;
}

/** What leaves the local APIC. */
export interface LapicLines {
  /** High while the processor has an interrupt to take: `extIntPending` or `pendingVector() >= 0`. */
  readonly intr: Line;
  readonly nmi: () => void;
  readonly smi: () => void;
  readonly init: () => void;
  /** Start-up IPI with its vector: the page number of the first instruction. */
  readonly startup: (vector: number) => void;
  /** EOI message for a level-triggered vector, to the I/O APICs. */
  readonly eoi: (vector: number) => void;
}

/** Snapshot of the local APIC. `apicBase` is the MSR in decimal. */
export interface LapicState {
  readonly version: 1;
  readonly apicBase: string;
  readonly tpr: number;
  readonly ldr: number;
  readonly dfr: number;
  readonly svr: number;
  readonly esr: number;
  readonly pendingErrors: number;
  readonly icrLow: number;
  readonly icrHigh: number;
  readonly lints: number;
  readonly extIntLatched: boolean;
  readonly lvt: readonly number[];
  readonly irr: readonly number[];
  readonly isr: readonly number[];
  readonly tmr: readonly number[];
  readonly timer: LapicTimerState;
}
