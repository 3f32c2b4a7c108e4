/**
 * One machine, several who listen to it in this process: the door for gdb, the debug console behind its `monitor`, the
 * terminal with the serial line.
 */
import { UserError } from '../../common/errors';
import { METHODS, type Method, type Reachable } from '../../targets/host/methods';
import type { Stop, TargetEvent } from '../../targets/target';

type Listener = (event: TargetEvent) => void;

const AT_REST: Stop = { reason: 'pause' };

const gdbSteers = (): UserError =>
  new UserError('gdb/resume', "gdb lets the guest go on: use gdb's own commands, such as stepi and continue.");

export class Audience {
  private readonly listeners = new Set<Listener>();

  /** Becomes the target's listener. */
  constructor(private readonly target: Reachable) {
    target.onEvent((event) => this.listeners.forEach((listener) => listener(event)));
  }

  /** Lets somebody hear each event from now on. */
  join(listener: Listener): void {
    this.listeners.add(listener);
  }

  /** The target for the one who steers it. Neither view ends the machine. */
  steering(): Reachable {
    const { target } = this;
    const calls = METHODS.map((method) => {
      const own = target[method] as (...args: readonly unknown[]) => Promise<unknown>;
      return [method, own.bind(target)] as const;
    });
    return {
      ...(Object.fromEntries(calls) as Pick<Reachable, Method>),
      onEvent: (listener) => this.join(listener),
      detach: () => Promise.resolve(),
      dispose: () => Promise.resolve(),
    };
  }

  /**
   * The target for who looks and edits: it has no breakpoints, and neither stops the guest nor lets it go. Why the guest
   * stopped is not its concern: a guest that has crashed can be looked at as well as any.
   */
  looking(): Reachable {
    const { target } = this;
    return {
      ...this.steering(),
      onEvent: (listener) =>
        this.join((event) => listener(event.kind === 'stopped' ? { ...event, stop: AT_REST } : event)),
      state: async () => ({ ...(await target.state()), stop: AT_REST }),
      setBreakpoints: () => Promise.resolve(),
      pause: () => Promise.resolve(),
      resume: () => Promise.reject(gdbSteers()),
    };
  }
}
