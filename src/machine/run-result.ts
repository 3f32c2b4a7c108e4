/** How a run of the machine ends. */
import type { ExitEntry } from '../vmm/exit-log';
import type { CrashReason, StopReason } from '../vmm/guest-processor';
import type { BareStop } from './bare';

/** Ends after which nothing runs any more; the state stays to be looked at. */
export type FinalResult =
  | { readonly reason: 'powered off' }
  /** Reset was asked for; the machine stands as it was at that moment. */
  | { readonly reason: 'reset' }
  /** isa-debug-exit was written. */
  | { readonly reason: 'debug exit'; readonly value: number }
  | { readonly reason: 'triple fault'; readonly detail: string }
  /** HLT with interrupts off. */
  | { readonly reason: 'halted'; readonly detail: string }
  | { readonly reason: 'vm entry failed'; readonly detail: string }
  /** No instruction completes any more, or none can be fetched. */
  | { readonly reason: 'stuck'; readonly detail: string };

export type RunResult =
  | { readonly reason: 'budget' }
  /** Before the instruction at this linear address. */
  | { readonly reason: 'breakpoint'; readonly linear: bigint }
  | { readonly reason: 'stop requested' }
  /** After a VM exit that the exit filter chose. */
  | { readonly reason: 'vm exit'; readonly exit: ExitEntry }
  /** HLT: nothing to do before tick `wake`, or before an input when that is undefined. */
  | { readonly reason: 'idle'; readonly wake: number | undefined }
  | FinalResult;

const CRASHES: Readonly<Record<CrashReason, 'triple fault' | 'halted' | 'vm entry failed' | 'stuck'>> = {
  'triple-fault': 'triple fault',
  'never-wakes': 'halted',
  'entry-failure': 'vm entry failed',
  'no-memory': 'stuck',
  'no-progress': 'stuck',
  'unknown-exit': 'stuck',
};

/** What a guest's stop is for whoever runs the machine. `canWake`: interrupts are on. */
export function resultOf(stop: Exclude<BareStop | StopReason, { readonly kind: 'stop' }>, canWake: boolean): RunResult {
  switch (stop.kind) {
    case 'budget':
      return { reason: 'budget' };
    case 'idle':
      return stop.wake === undefined && !canWake
        ? { reason: 'halted', detail: 'The guest executed HLT with interrupts off and can never wake.' }
        : { reason: 'idle', wake: stop.wake };
    case 'shutdown':
      return { reason: 'triple fault', detail: 'The processor shut down after a triple fault.' };
    case 'stuck':
      return { reason: 'stuck', detail: 'Exceptions follow one another and no instruction completes.' };
    case 'crash':
      return { reason: CRASHES[stop.reason], detail: stop.detail };
  }
}

const NOT_FINAL: readonly RunResult['reason'][] = ['budget', 'breakpoint', 'stop requested', 'vm exit', 'idle'];

/** True if nothing runs any more behind this result. */
export function isFinal(result: RunResult): result is FinalResult {
  return !NOT_FINAL.includes(result.reason);
}
