/**
 * Why the guest stopped, in the protocol's words. Source: "Debugging with GDB", E.3 (stop reply packets); the signals'
 * numbers are gdb's own (include/gdb/signals.def).
 *
 * A guest that powered off, or wrote to isa-debug-exit, has exited. Any other end leaves its state to be looked at, as
 * a signal does: SIGSEGV for a triple fault, SIGTERM for a reset, SIGSTOP for a processor that can never wake, SIGABRT
 * for a VM entry that failed and for a guest that no longer gets on.
 */
import type { End, EndReason, Stop } from '../targets/target';
import type { Breakpoints } from './breakpoints';
import { hexByte } from '../targets/gdb-wire/hex';

const SIGNAL = { INT: 2, TRAP: 5, ABRT: 6, SEGV: 11, TERM: 15, STOP: 17 } as const;

const END_SIGNALS: Readonly<Record<Exclude<EndReason, 'powered off' | 'debug exit'>, number>> = {
  'triple fault': SIGNAL.SEGV,
  reset: SIGNAL.TERM,
  halted: SIGNAL.STOP,
  'vm entry failed': SIGNAL.ABRT,
  stuck: SIGNAL.ABRT,
};

/** What a debugger has said that it understands. */
export interface Understood {
  readonly swbreak: boolean;
  readonly hwbreak: boolean;
}

/** Where the guest stopped, and for whom. */
export interface StopScene {
  readonly thread: number;
  /** `number:value;` for the registers that are worth sending along. */
  readonly registers: string;
  readonly rip: bigint;
  readonly breakpoints: Breakpoints;
  readonly understood: Understood;
}

/** True if the guest ended as it wished: nothing is left to be looked at. */
export function hasExited(stop: Stop | undefined): stop is Stop & { reason: 'ended' } {
  return stop?.reason === 'ended' && (stop.end.reason === 'powered off' || stop.end.reason === 'debug exit');
}

function endSignal({ reason }: End): number {
  return reason === 'powered off' || reason === 'debug exit' ? SIGNAL.TRAP : END_SIGNALS[reason];
}

function signalOf(stop: Stop | undefined): number {
  switch (stop?.reason) {
    case 'pause':
      return SIGNAL.INT;
    case 'entry failure':
      return SIGNAL.ABRT;
    case 'ended':
      return endSignal(stop.end);
    default:
      return SIGNAL.TRAP;
  }
}

/**
 * The breakpoint that was met, as `name:value;`. Of a breakpoint in code gdb believes that only where RIP is its
 * address; in a code segment with a base it would take the stop for a late one, and go on without a word.
 */
function cause(stop: Stop | undefined, { breakpoints, understood, rip }: StopScene): string {
  const met = breakpoints.find(stop?.ids);
  if (!met) return '';
  if (met.kind === 'swbreak' || met.kind === 'hwbreak')
    return understood[met.kind] && rip === met.linear ? `${met.kind}:;` : '';
  // gdb looks for the address among those that it watches; the access may have begun below.
  const linear = stop?.reason === 'data breakpoint' && stop.linear > met.linear ? stop.linear : met.linear;
  return `${met.kind}:${linear.toString(16)};`;
}

/** The reply to a stop; no `stop`: the guest has not run yet. */
export function stopReply(stop: Stop | undefined, scene: StopScene): string {
  if (hasExited(stop)) return `W${hexByte(stop.end.debugExit ?? 0)}`;
  return `T${hexByte(signalOf(stop))}${scene.registers}thread:${scene.thread.toString(16)};${cause(stop, scene)}`;
}

/** What a stop has to say beside its reply, if anything. */
export function stopText(stop: Stop): string | undefined {
  const said = [
    stop.reason === 'ended' ? stop.end.text : undefined,
    stop.reason === 'entry failure' ? stop.text : undefined,
    stop.note,
  ].filter((one) => one !== undefined);
  return said.length > 0 ? `${said.join(' ')}\n` : undefined;
}
