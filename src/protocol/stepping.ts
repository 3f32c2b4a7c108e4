/** How steps go in a session: arguments and body of `vmxray/stepping`. */

/** Arguments; what is left out stays as it is. */
export interface SteppingArguments {
  /** What interrupts an instruction, or handles its faults, runs to its return while the user steps. */
  readonly skipInterrupts?: boolean | undefined;
}

/** Body: how it is from now on. */
export interface SteppingAnswer {
  readonly skipInterrupts: boolean;
}
