/** `vmxray/interrupts`: the way of each interrupt line to its vector, read from the interrupt controllers. */

/** One hop of a line: an input of a controller. */
export interface InterruptHop {
  /** `PIC master`, `PIC slave`, `I/O APIC`, `LAPIC`. */
  readonly controller: string;
  /** The input's name: `IR4`, `INTIN4`, `LVT timer`. */
  readonly input: string;
  readonly masked: boolean;
  /** The request is latched there. */
  readonly pending: boolean;
  readonly inService: boolean;
  /** `edge` or `level`. */
  readonly trigger: string;
}

/** One source of interrupts. */
export interface InterruptLine {
  /** `IRQ 4 (UART)`, `LAPIC timer`. */
  readonly source: string;
  /** Level of the line now, where it has one. */
  readonly asserted?: boolean;
  readonly hops: readonly InterruptHop[];
  /** Vector that the processor gets; absent where none is programmed. */
  readonly vector?: number;
  /** In words why it does not reach the processor now; absent if it would. */
  readonly blocked?: string;
}

/** Answer of `vmxray/interrupts`. */
export interface InterruptsAnswer {
  readonly lines: readonly InterruptLine[];
}
