/** How a run of the machine ends. */
import type { ExitEntry } from '../vmm/exit-log';

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
