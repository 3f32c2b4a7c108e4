/** What a register is to the inspection: how it is read and, if at all, edited. */
import type { Machine } from '../../../machine/machine';
import type { RegisterField } from '../../target';

/** One register of one group. */
export interface RegisterCell {
  /** The SDM's name. */
  readonly name: string;
  /** Width in bits. */
  readonly bits: number;
  readonly fields?: readonly RegisterField[] | undefined;
  /** What expressions call it, in lower case; the name in lower case if left out. */
  readonly names?: readonly string[] | undefined;
  /**
   * The value, unsigned; undefined if the register does not exist at the moment. Called while the processor's state shows
   * the guest (`asGuest` of guest-image.ts); has no side effects.
   */
  readonly read: (machine: Machine) => bigint | undefined;
  /**
   * Writes a value that fits the width, as a debugger does: everything derived follows. Throws UserErrors. Absent for a
   * register that cannot be written.
   */
  readonly write?: ((machine: Machine, value: bigint) => void) | undefined;
  /** Why `write` is absent: a sentence without its full stop. */
  readonly readOnly?: string | undefined;
}
