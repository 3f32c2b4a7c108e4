/** What every loader tells its kernel about the board. */

/** Facts of the board that boot protocols hand over. */
export interface Handover {
  /** Bytes of RAM, checked by `requireRamSize`. */
  readonly ramBytes: number;
  /** Guest-physical address of the RSDP. */
  readonly rsdp: number;
  /** The RSDP's bytes, for protocols that pass a copy. */
  readonly rsdpBytes: Uint8Array;
}
