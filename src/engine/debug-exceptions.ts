/**
 * The breakpoints of DR0-DR3 at work: arms the interpreter's checks with what DR7 enables, and turns watched accesses
 * into pending debug exceptions once what made them has completed. I/O breakpoints are noted where ports are accessed.
 *
 * Source: SDM Vol. 3B 17.2.4, 17.3.1.
 */
import { dataBreakpoints, dataBreakpointsMet, hasBreakpoints, instructionBreakpoints } from '../cpu/debug-registers';
import { STATE } from '../cpu/layout';
import type { Processor } from '../cpu/processor';
import type { ProcessorState } from '../cpu/state';
import type { Interpreter } from './interpreter';
import type { WatchedAccess } from './watches';

export class DebugExceptions {
  /** The debug registers as they were armed; empty without an enabled breakpoint. */
  private armed = '';

  constructor(
    private readonly state: ProcessorState,
    private readonly processor: Processor,
    private readonly interpreter: Interpreter,
  ) {}

  /** To be called before anything runs or is delivered: the debug registers change in many ways, entries and exits too. */
  arm(): void {
    const { state, interpreter } = this;
    const isEnabled = hasBreakpoints(state);
    if (!isEnabled && this.armed === '') return;
    const wanted = isEnabled ? this.registers() : '';
    if (wanted === this.armed) return;
    this.armed = wanted;
    interpreter.setBreakpoints(instructionBreakpoints(state), 'processor');
    interpreter.setWatches(dataBreakpoints(state), 'processor');
  }

  /** The accesses happened, in an instruction or event delivery that completed: traps behind it. */
  met(accesses: readonly WatchedAccess[]): void {
    let pending = 0;
    for (const access of accesses) pending |= dataBreakpointsMet(this.state, access);
    if (pending) this.processor.pendingDebug |= pending;
  }

  private registers(): string {
    const { state } = this;
    const addresses = [0, 8, 16, 24].map((offset) => state.quad(STATE.debug + offset));
    return [state.word(STATE.dr7), ...addresses].join();
  }
}
