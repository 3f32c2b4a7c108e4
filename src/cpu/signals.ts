/**
 * How deep TypeScript code of the processor gives up: by throwing one of these values, which the slow-function boundary
 * turns into an `Outcome`. They are values, not errors: a guest fault is nothing exceptional.
 */

/** An exception to be raised at the current instruction. */
export class GuestFault {
  constructor(
    readonly vector: number,
    /** Error code, where the vector has one. */
    readonly errorCode?: number,
    /** Faulting linear address of a #PF. */
    readonly address?: bigint,
    /** Bits that a #DB sets in DR6. */
    readonly debugStatus?: number,
  ) {}
}

/**
 * A fault in the context of a task that was just switched to: there is no way back to the instruction, which counts as
 * complete; the exception is raised at the new task's `STATE.rip`.
 */
export class TaskFault {
  constructor(readonly fault: GuestFault) {}
}

/** A VM exit that an access or an instruction caused; its fields are in `STATE.exit*`. */
export class ExitSignal {}

/** The one exit signal: it carries nothing. */
export const EXIT_SIGNAL = new ExitSignal();

/** A debugger wants the run to stop before the instruction at hand, which has done nothing yet. */
export class StopSignal {}

/** The one stop signal. */
export const STOP_SIGNAL = new StopSignal();
