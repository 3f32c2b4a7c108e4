/** isa-debug-exit: a write to the port ends the machine with the written value. Source: QEMU, docs of isa-debug-exit. */
import type { BusSize, BusTarget } from '../memory/bus';

/** The port (1 to 4 bytes); reads give 0. It has no state: a write hands its value (1, 2 or 4 bytes) to `exit`. */
export class DebugExit {
  readonly port: BusTarget;

  constructor(exit: (value: number) => void) {
    this.port = {
      read: () => 0,
      peek: () => 0,
      write: (_offset: number, _size: BusSize, value: number) => exit(value),
    };
  }
}
