/**
 * Bits of `STATE.attention`: why something must be looked at before the next instruction begins. The processor owns
 * `shadow`, `trap` and `vmx`; the run loop owns the others.
 *
 * Source: SDM Vol. 3A 6.9 (priority among simultaneous events).
 */
export const ATTENTION = {
  /** An interrupt, NMI or device deadline waits. */
  event: 1,
  /** Blocking by STI or MOV SS ends after one instruction. */
  shadow: 2,
  /** EFLAGS.TF is set, RF was loaded, or a debug exception is pending. */
  trap: 4,
  /** The VMX unit has something to do: window, preemption timer, TPR threshold. */
  vmx: 8,
  /** A debugger or trace wants every instruction. */
  observer: 16,
} as const;
