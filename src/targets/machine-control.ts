/**
 * What a machine of ours does besides being debugged: it saves itself to a file, and it has a power button.
 * A target that is something else has none of this.
 */

/** A snapshot that has been written. */
export interface SnapshotFacts {
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** Instructions completed at that moment. */
  readonly instructions: number;
  /** Nanoseconds of guest time at that moment. */
  readonly ticks: number;
}

/** Methods of a machine of ours that are no debugger's. Each may reject with a UserError. */
export interface MachineControl {
  /**
   * Writes the stopped machine's whole state to a file, whole or not at all: a full disk leaves what was there before.
   * `path` is absolute.
   */
  saveSnapshot(path: string): Promise<SnapshotFacts>;
  /**
   * Writes a device's register, by name, as software would, while the machine is stopped. What follows is the device's
   * word: bits that are read-only stay.
   */
  writeDevice(device: string, register: string, value: bigint): Promise<void>;
  /** Presses the power button: PWRBTN_STS of ACPI's PM1 block (ACPI 6.4, 4.8.3.1). What follows is up to the guest. */
  pressPowerButton(): Promise<void>;
}
