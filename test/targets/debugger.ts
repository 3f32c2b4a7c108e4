// A debugger at a machine in this process, for tests: goes on and waits for the stop, and can look behind the target.
import type { Machine } from '../../src/machine/machine';
import { OwnMachine } from '../../src/targets/own-machine';
import type { MakeMachine } from '../../src/targets/own-machine';
import type { BreakpointSet, Resume, Stop, TargetDescription, TargetEvent } from '../../src/targets/target';
import type { Changes, Guest } from '../machine/runs';
import { start } from '../machine/runs';

export const NO_BREAKPOINTS: BreakpointSet = { code: [], data: [], events: [], addressSpaces: false };

export class TestDebugger {
  readonly target: OwnMachine;
  readonly machine: Machine;
  /** Every event but stops and what the guest sends. */
  readonly events: TargetEvent[] = [];
  private stopped: (stop: Stop) => void = () => {};
  private failed: (error: Error) => void = () => {};

  private constructor(make: MakeMachine, description: TargetDescription) {
    let machine: Machine | undefined;
    this.target = new OwnMachine((onSerial) => (machine = make(onSerial)), description);
    this.machine = machine!;
    this.target.onEvent((event) => this.heard(event));
  }

  static at(make: MakeMachine, description: TargetDescription): TestDebugger {
    return new TestDebugger(make, description);
  }

  static of(guest: Guest, changes: Changes = {}): TestDebugger {
    const { name, kernel, memoryBytes, bare = false } = guest;
    return new TestDebugger((onSerial) => start(guest, { ...changes, onSerial }), { name, kernel, memoryBytes, bare });
  }

  /** Goes on; resolves at the stop. */
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

  /** RIP as a linear address. */
  get at(): bigint {
    return this.machine.linearRip();
  }

  /** A general register by number. */
  register(number: number): bigint {
    return this.machine.asGuest(() => this.machine.state.general(number));
  }

  private heard(event: TargetEvent): void {
    if (event.kind === 'stopped') this.stopped(event.stop);
    else if (event.kind === 'closed') this.failed(new Error(event.reason));
    else if (event.kind !== 'serial') this.events.push(event);
  }
}
