/**
 * What every device of the board is: a part with a reset state, a snapshot and a description of its registers. A device
 * is blind to its own address: the board maps its `BusTarget`s.
 */
import type { BusTarget } from '../memory/bus';

/** A pending call of `Clock.at`. */
export interface Alarm {
  cancel(): void;
}

/** The machine's clock as devices see it. 1 tick = 1 ns; ticks stay below 2^53. */
export interface Clock {
  /** Ticks since reset of the machine. */
  readonly ticks: number;
  /** Calls `callback` once, when `ticks` has reached `tick` (at once, before the next instruction, if it already has). */
  at(tick: number, callback: () => void): Alarm;
}

/** An output pin: called with the new level; called again with the same level it has no effect. */
export type Line = (level: boolean) => void;

/** A field of a register: bits `high`..`low` inclusive, with the data sheet's name. */
export interface BitField {
  readonly name: string;
  readonly high: number;
  readonly low: number;
  readonly meaning?: string;
  /** Names of the field's values, by value. */
  readonly values?: Readonly<Record<number, string>>;
}

/** One register as the views show it. */
export interface RegisterDescription {
  /** The data sheet's name. */
  readonly name: string;
  /** Width in bits. */
  readonly width: number;
  /** Where software finds it, in words of the data sheet (`port +3`, `MSR 0x802`, `index 0x0a`). */
  readonly location?: string;
  readonly meaning?: string;
  readonly fields?: readonly BitField[];
  /** The current value, read without side effects. */
  readonly value: bigint;
}

/** A device's description of itself: the only thing that the views know of a chip. */
export interface DeviceDescription {
  /** Short and unique on the board (`uart0`). */
  readonly name: string;
  /** The part and its data sheet (`16550A UART`). */
  readonly title: string;
  readonly registers: readonly RegisterDescription[];
}

/** A part of the board. `State` is plain data (numbers, strings, booleans, arrays, Uint8Array) with a `version`. */
export interface Device<State extends { readonly version: number }> {
  /** Power-on or RESET# state. */
  reset(): void;
  save(): State;
  /** Takes over `state` wholly, pending alarms included. Throws a `UserError` on another version. */
  restore(state: State): void;
  describe(): DeviceDescription;
}

export type { BusTarget };
