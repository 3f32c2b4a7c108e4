// A debugger at a machine in this process, for tests: goes on and waits for the stop, and can look behind the target.
import type { Machine } from '../../src/machine/machine';
import { OwnMachine } from '../../src/targets/own-machine';
import type { BreakpointSet, Resume, Stop, Target, TargetEvent } from '../../src/targets/target';
import type { Changes, Guest } from '../machine/runs';
import { start } from '../machine/runs';

export const NO_BREAKPOINTS: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };

export class TestDebugger {
  readonly target: Target;
  readonly machine: Machine;
  /** Every event but stops. */
  readonly events: TargetEvent[] = [];
  serial = '';
  private stopped: ((stop: Stop) => void) | undefined;
  private failed: ((error: Error) => void) | undefined;

  constructor(guest: Guest, changes: Changes = {}) {
    let machine: Machine | undefined;
    const { name, kernel, memoryBytes, bare = false } = guest;
    this.target = new OwnMachine((onSerial) => (machine = start(guest, { ...changes, onSerial })), {
      name,
      kernel,
      memoryBytes,
      bare,
    });
    this.machine = machine!;
    this.target.onEvent((event) => this.heard(event));
  }

  /** Goes on and waits for the stop. */
  async go(how: Resume = { kind: 'continue' }): Promise<Stop> {
    const stop = new Promise<Stop>((resolve, reject) => {
      this.stopped = resolve;
      this.failed = reject;
    });
    await this.target.resume(1, how);
    return stop;
  }

  step(): Promise<Stop> {
    return this.go({ kind: 'step' });
  }

  set(breakpoints: Partial<BreakpointSet>): Promise<void> {
    return this.target.setBreakpoints({ ...NO_BREAKPOINTS, ...breakpoints });
  }

  private heard(event: TargetEvent): void {
    if (event.kind === 'stopped') this.stopped!(event.stop);
    else if (event.kind === 'closed') this.failed!(new Error(event.reason));
    else if (event.kind === 'serial') this.serial += Buffer.from(event.bytes).toString('latin1');
    else this.events.push(event);
  }
}
